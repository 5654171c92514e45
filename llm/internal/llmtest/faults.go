package llmtest

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

const page = "<!DOCTYPE html>\n<html><head><title>503 Service\nTemporarily Unavailable</title></head><body><h1>503</h1></body></html>"

func fault(text string) string { return `{"error":{"message":"` + text + `"}}` }

// statuses are answers that are none.
var statuses = []struct {
	status int
	header http.Header
	body   string
	want   error
	after  time.Duration
	text   string
}{
	{400, nil, fault("bad thing"), llm.ErrRequest, 0, "bad thing"},
	{400, nil, fault("prompt is too long: 9 tokens > 8 maximum"), llm.ErrTooLong, 0, "prompt is too long: 9 tokens > 8 maximum"},
	{401, nil, fault("no"), llm.ErrAuth, 0, "no"},
	{402, nil, fault("pay"), llm.ErrQuota, 0, "pay"},
	{403, nil, fault("no"), llm.ErrAuth, 0, "no"},
	{404, nil, fault("no model x"), llm.ErrUnknown, 0, "no model x"},
	{404, nil, `{"detail":"Not Found"}`, llm.ErrUnknown, 0, "Not Found"},
	{404, nil, "404 page not found\n", llm.ErrUnknown, 0, "404 page not found"},
	{408, nil, "", llm.ErrTrouble, 0, ""},
	{413, nil, fault("large"), llm.ErrTooLong, 0, "large"},
	{422, nil, `{"detail":[{"msg":"field required"}]}`, llm.ErrRequest, 0, `[{"msg":"field required"}]`},
	{429, nil, fault("slow"), llm.ErrLimited, 0, "slow"},
	{429, http.Header{"Retry-After": {"17"}}, fault("slow"), llm.ErrLimited, 17 * time.Second, "slow"},
	{429, http.Header{"Retry-After": {"17"}, "Retry-After-Ms": {"250"}}, "", llm.ErrLimited, 250 * time.Millisecond, ""},
	{429, nil, `{"error":{"message":"none left","code":"insufficient_quota"}}`, llm.ErrQuota, 0, "none left"},
	{500, nil, `{"error":"it broke"}`, llm.ErrTrouble, 0, "it broke"},
	{500, nil, `{"message":"it broke"}`, llm.ErrTrouble, 0, "it broke"},
	{502, nil, "<html><body>no title</body></html>", llm.ErrTrouble, 0, "the answer is a web page"},
	{503, http.Header{"Content-Type": {"text/html"}}, page, llm.ErrTrouble, 0, "503 Service Temporarily Unavailable"},
	{529, http.Header{"Retry-After": {"1.5"}}, fault("overloaded"), llm.ErrTrouble, 1500 * time.Millisecond, "overloaded"},
	{529, nil, strings.Repeat("long ", 500), llm.ErrTrouble, 0, strings.TrimSpace(strings.Repeat("long ", 500))[:497] + "…"},
	{204, nil, "", llm.ErrAnswer, 0, ""},
}

func testStatus(t *testing.T, p Provider) {
	for _, c := range statuses {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, values := range c.header {
				w.Header()[name] = values
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		e := mustFail(t, p.New(t, s.URL, s.Client()), c.want)
		if e.Status != c.status || e.RetryAfter != c.after || e.Text != c.text {
			t.Errorf("%d %q: %+v", c.status, c.body, e)
		}
		s.Close()
	}
}

// testNoStream is answers with status 200 that are no streams.
func testNoStream(t *testing.T, p Provider) {
	for _, c := range []struct {
		kind, body string
		want       error
	}{
		{"text/event-stream", "", llm.ErrCut},
		{"text/event-stream", "\n\n\n\n", llm.ErrCut},
		{"", "", llm.ErrCut},
		{"text/html", page, llm.ErrAnswer},
		{"application/json", `{"answer":"all at once"}`, llm.ErrAnswer},
		{"application/json", `{"error":{"message":"slow","type":"rate_limit_error"}}`, llm.ErrLimited},
		{"application/json", `[{"error":{"message":"no","code":401}}]`, llm.ErrAuth},
	} {
		mustFail(t, p.New(t, base, answering(200, c.kind, strings.NewReader(c.body))), c.want)
	}
	for _, c := range p.Cases { // no type at all is a stream
		reply, err := ask(t, p.New(t, base, answering(200, "", strings.NewReader(stream(c.Events, "\n")))), t.Context())
		if err != nil {
			t.Fatal(err)
		}
		compare(t, c, reply)
	}
}

// endless is the same text without an end.
type endless struct {
	text string
	at   int
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], e.text[e.at:])
		e.at = (e.at + k) % len(e.text)
		n += k
	}
	e.read += int64(n)
	return n, nil
}

// testGarbage is a gigabyte and more: of one line, of one event, of lines that are
// none, of an error.
func testGarbage(t *testing.T, p Provider) {
	for _, c := range []struct {
		status int
		text   string
		most   int64
		want   error
	}{
		{200, "x", 9 << 20, llm.ErrAnswer},
		{200, "data: " + strings.Repeat("x", 4000) + "\n", 9 << 20, llm.ErrAnswer},
		{200, ": nothing " + strings.Repeat("x", 4000) + "\n\n", 257 << 20, llm.ErrAnswer},
		{500, "x", 1 << 20, llm.ErrTrouble},
	} {
		body := &endless{text: c.text}
		mustFail(t, p.New(t, base, answering(c.status, "text/event-stream", body)), c.want)
		if body.read > c.most {
			t.Errorf("%.10q…: %d bytes were read", c.text, body.read)
		}
	}
}

func testGzip(t *testing.T, p Provider) {
	c := p.Cases[0]
	for _, asked := range []bool{true, false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for _, e := range c.Events {
				io.WriteString(z, e+"\n\n")
				z.Flush()
				w.(http.Flusher).Flush()
			}
			z.Close()
		}))
		client := s.Client()
		client.Transport.(*http.Transport).DisableCompression = !asked
		m := p.New(t, s.URL, client)
		if !asked {
			mustFail(t, m, llm.ErrAnswer)
		} else if reply, err := ask(t, m, t.Context()); err != nil {
			t.Error(err)
		} else {
			compare(t, c, reply)
		}
		s.Close()
	}
}

// testUnreached is no server, and no host.
func testUnreached(t *testing.T, p Provider) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = ask(t, p.New(t, "http://"+l.Addr().String(), &http.Client{Transport: &http.Transport{}}), t.Context())
	if !llm.Again(err) || strings.Contains(err.Error(), "://") {
		t.Errorf("no server: %v", err)
	}
	lost := &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "provider.test", IsNotFound: true}}
	})}
	mustFail(t, p.New(t, base, lost), llm.ErrUnknown)
}
