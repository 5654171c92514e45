package llmtest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hutch-dev/hutch/llm"
)

// Encode is v as JSON, to compare and to show.
func Encode(v any) string {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// serve is a server that answers everything with body, a flush behind each event.
func serve(t testing.TB, body string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, event := range strings.SplitAfter(body, "\n\n") {
			io.WriteString(w, event)
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// testReply asks over real HTTP.
func testReply(t *testing.T, p Provider) {
	for _, c := range p.Cases {
		t.Run(c.Name, func(t *testing.T) {
			s := serve(t, stream(c.Events, "\n"))
			reply, err := ask(t, p.New(t, s.URL, s.Client()), t.Context())
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, reply)
		})
	}
}

// testSplit sends the same in two pieces, cut at every byte, and byte by byte, with
// all the ends of lines that there are.
func testSplit(t *testing.T, p Provider) {
	for _, c := range p.Cases {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			body := "\xef\xbb\xbf: hello" + end + end + stream(c.Events, end)
			readers := []io.Reader{iotest.OneByteReader(strings.NewReader(body)), iotest.DataErrReader(strings.NewReader(body))}
			if end == "\n" {
				for i := range body {
					readers = append(readers, io.MultiReader(strings.NewReader(body[:i]), strings.NewReader(body[i:])))
				}
			}
			for _, r := range readers {
				reply, err := ask(t, p.New(t, base, canned(r)), t.Context())
				if err != nil {
					t.Fatal(c.Name, err)
				}
				compare(t, c, reply)
			}
		}
	}
}

// testCut ends the stream at every byte, well and badly.
func testCut(t *testing.T, p Provider) {
	for _, c := range p.Cases {
		for i := c.whole(); i < len(c.Events); i++ {
			if _, err := ask(t, p.New(t, base, Canned(c.Events[:i])), t.Context()); err != nil {
				t.Errorf("%s after %d events: %v", c.Name, i, err)
			}
		}
		body := stream(c.Events, "\n")
		clean, broken := len(stream(c.Events[:c.whole()], "\n")), len(body)
		for i := range len(body) {
			if i < clean {
				mustFail(t, p.New(t, base, canned(strings.NewReader(body[:i]))), llm.ErrCut)
			}
			if i < broken {
				r := io.MultiReader(strings.NewReader(body[:i]), iotest.ErrReader(io.ErrUnexpectedEOF))
				mustFail(t, p.New(t, base, canned(r)), llm.ErrCut)
			}
		}
	}
}

// inserted are the events of c with one more, at every place before it is whole.
func inserted(c Case, event string) [][]string {
	var all [][]string
	for i := range c.whole() {
		events := append([]string(nil), c.Events[:i]...)
		events = append(events, event)
		all = append(all, append(events, c.Events[i:]...))
	}
	return all
}

func testNoise(t *testing.T, p Provider) {
	noise := append([]string{": a comment", "event: something-new\ndata: {\"type\":\"something_new\",\"n\":1}", "id: 7\nretry: 10", "event: ping"}, p.Noise...)
	for _, c := range p.Cases {
		for _, n := range noise {
			for _, events := range inserted(c, n) {
				reply, err := ask(t, p.New(t, base, canned(strings.NewReader(stream(events, "\n")))), t.Context())
				if err != nil {
					t.Fatalf("%s with %q: %v", c.Name, n, err)
				}
				compare(t, c, reply)
			}
		}
	}
}

func testMalformed(t *testing.T, p Provider) {
	for _, c := range p.Cases {
		for _, bad := range []string{`data: {"a":`, `data: nonsense`, `data: <html>`, `data: [1,2`, `data: "text"`, `data: 12`} {
			for _, events := range inserted(c, bad) {
				mustFail(t, p.New(t, base, canned(strings.NewReader(stream(events, "\n")))), llm.ErrAnswer)
			}
		}
	}
}

func testFault(t *testing.T, p Provider) {
	for _, c := range p.Cases {
		for _, events := range inserted(c, p.Fault) {
			e := mustFail(t, p.New(t, base, canned(strings.NewReader(stream(events, "\n")))), llm.ErrTrouble)
			if e.Text == "" || !llm.Again(e) {
				t.Errorf("an overloaded provider: %v", e)
			}
		}
	}
}

// testBroken breaks the connection of a real server, after every event.
func testBroken(t *testing.T, p Provider) {
	c := p.Cases[0]
	for i := range c.Events {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, stream(c.Events[:i], "\n"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}))
		reply, err := ask(t, p.New(t, s.URL, s.Client()), t.Context())
		if reply != nil || !errors.Is(err, llm.ErrCut) || !llm.Again(err) {
			t.Errorf("after %d events: %v %v", i, reply, err)
		}
		s.Close()
	}
}
