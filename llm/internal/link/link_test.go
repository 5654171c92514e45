package link

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

func TestNew(t *testing.T) {
	const key = "sk-0123456789"
	for _, c := range []struct {
		o  Options
		ok bool
	}{
		{Options{BaseURL: "https://a.test/v1", Key: key}, true},
		{Options{BaseURL: " https://a.test/v1/ ", Key: " " + key + "\n"}, true},
		{Options{BaseURL: "http://a.test"}, true},
		{Options{BaseURL: "http://localhost:1", Key: key}, true},
		{Options{BaseURL: "http://app.localhost:1", Key: key}, true},
		{Options{BaseURL: "http://127.9.9.9:1", Key: key}, true},
		{Options{BaseURL: "http://[::1]:1", Key: key}, true},
		{Options{BaseURL: "http://a.test", Key: key}, false},
		{Options{BaseURL: "http://10.0.0.1:80", Key: key}, false},
		{Options{BaseURL: "http://localhost.a.test", Key: key}, false},
		{Options{BaseURL: "http://a.test", Header: http.Header{"Authorization": {"Basic 0123456789"}}}, false},
		{Options{BaseURL: "http://a.test", Key: key, PlainHTTP: true}, true},
		{Options{BaseURL: "http://a.test", Header: http.Header{"X-Team": {"blue"}}}, true},
		{Options{BaseURL: "https://user:" + key + "@a.test"}, false},
		{Options{BaseURL: "https://a.test/#x"}, false},
		{Options{BaseURL: "ftp://a.test"}, false},
		{Options{BaseURL: "a.test"}, false},
		{Options{BaseURL: "https://"}, false},
		{Options{BaseURL: ""}, false},
		{Options{BaseURL: "https://a.test/%zz"}, false},
		{Options{BaseURL: "https://a.test", Key: "two\nlines-of-it"}, false},
		{Options{BaseURL: "https://a.test", Key: "ключ"}, false},
	} {
		c.o.Provider, c.o.KeyHeader = "p", "X-Key"
		l, err := New(c.o)
		if (err == nil) != c.ok || (l == nil) == c.ok {
			t.Errorf("%+v: %v", c.o, err)
		}
		if err != nil && (strings.Contains(err.Error(), key) || !strings.HasPrefix(err.Error(), "p: ")) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}

// TestOptionsAreCopied changes what was given, afterwards.
func TestOptionsAreCopied(t *testing.T) {
	h := http.Header{"X-Team": {"blue"}}
	client := &http.Client{}
	l, err := New(Options{BaseURL: "https://a.test", Header: h, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	h["X-Team"][0] = "red"
	if l.header.Get("X-Team") != "blue" || client.CheckRedirect != nil || l.client.CheckRedirect == nil {
		t.Error("what was given is used, not a copy")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ms, after string
		want      time.Duration
	}{
		{"", "", 0},
		{"", "17", 17 * time.Second},
		{"", " 0.25 ", 250 * time.Millisecond},
		{"", "0", 0},
		{"", "-3", 0},
		{"", "NaN", 0},
		{"", "+Inf", 24 * time.Hour},
		{"", "1e300", 24 * time.Hour},
		{"", "soon", 0},
		{"", "Tue, 24 Nov 2026 12:01:30 GMT", 90 * time.Second},
		{"", "Tue, 24 Nov 2026 11:01:30 GMT", 0},
		{"", "Fri, 24 Nov 2028 11:01:30 GMT", 24 * time.Hour},
		{"250", "17", 250 * time.Millisecond},
		{"-1", "17", 17 * time.Second},
		{"x", "17", 17 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.after)
		h.Set("Retry-After-Ms", c.ms)
		if got := RetryAfter(h, now); got != c.want {
			t.Errorf("%q %q: %v, not %v", c.ms, c.after, got, c.want)
		}
	}
}

// TestKinds are errors as providers have written them.
func TestKinds(t *testing.T) {
	l, err := New(Options{Provider: "p", BaseURL: "https://a.test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status int // 0 in the middle of a stream
		body   string
		want   error
	}{
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`, llm.ErrQuota},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"input length and max_tokens exceed context limit: 1 + 2 > 2"}}`, llm.ErrTooLong},
		{0, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, llm.ErrTrouble},
		{0, `{"type":"error","error":{"type":"rate_limit_error","message":"x"}}`, llm.ErrLimited},
		{0, `{"type":"error","error":{"type":"invalid_request_error","message":"x"}}`, llm.ErrRequest},
		{0, `{"type":"error","error":{"type":"new_error","message":"x"}}`, llm.ErrTrouble},
		{400, `{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}`, llm.ErrTooLong},
		{401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`, llm.ErrAuth},
		{429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`, llm.ErrQuota},
		{429, `{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}`, llm.ErrLimited},
		{0, `{"error":{"code":429,"message":"slow"}}`, llm.ErrLimited},
		{0, `{"error":{"code":"502","message":"down"}}`, llm.ErrTrouble},
		{400, `{"object":"error","message":"maximum context length is 4096","type":"BadRequestError","code":400}`, llm.ErrTooLong},
		{400, `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`, llm.ErrTooLong},
		{404, `{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}`, llm.ErrUnknown},
		{400, `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`, llm.ErrAuth},
		{400, `{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}`, llm.ErrTooLong},
		{429, `{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}`, llm.ErrLimited},
		{403, `{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED"}}`, llm.ErrAuth},
		{418, `{"error":"tea"}`, llm.ErrRequest},
	} {
		f, ok := ParseFault([]byte(c.body))
		if c.status != 0 {
			f.Status = c.status
		}
		if e := l.Fault(f); !ok || !errors.Is(e, c.want) || e.Text == "" {
			t.Errorf("%d %s: %v", c.status, c.body, e)
		}
	}
	for _, no := range []string{"", "x", "12", `"x"`, "[]", "{}", `{"choices":[]}`, `{"error":null}`} {
		if f, ok := ParseFault([]byte(no)); ok {
			t.Errorf("%q: %+v", no, f)
		}
	}
	f, _ := ParseFault([]byte(`{"error":{"details":[{"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17.5s"}]}}`))
	if f.After != 17500*time.Millisecond {
		t.Error(f.After)
	}
}

func FuzzFault(f *testing.F) {
	l, err := New(Options{Provider: "p", BaseURL: "https://a.test", Key: "secret-0123456789", KeyHeader: "X-Key"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`[{"error":{"message":"x","code":429,"details":[{"retryDelay":"1s"}]}}]`))
	f.Add([]byte("secret-0123456789\n\x00\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := l.Refusal(&http.Response{StatusCode: 500, Header: http.Header{}}, data)
		if e.Err == nil || len(e.Text) > 500 || strings.ContainsAny(e.Text, "\n\r\x00") || strings.Contains(e.Text, "secret-0123456789") || e.RetryAfter < 0 {
			t.Errorf("%+v", e)
		}
	})
}

func TestNames(t *testing.T) {
	for id, same := range map[string]bool{"call_1": true, "toolu_01-A": true, "": false, "a.b": false, strings.Repeat("x", 40): true, strings.Repeat("x", 41): false} {
		if got := ID(id); (got == id) != same || ID(got) != got || got != ID(id) {
			t.Errorf("%q is %q", id, got)
		}
	}
	for name, want := range map[string]string{"read_file": "read_file", "": "_", "a b.é": "a_b__", strings.Repeat("x", 99): strings.Repeat("x", 64)} {
		if got := Name(name); got != want || Name(got) != got {
			t.Errorf("%q is %q", name, got)
		}
	}
}
