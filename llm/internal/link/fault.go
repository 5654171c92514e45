package link

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// Fault is what a provider says of a failure, in any of the shapes that are about:
// {"error":{…}}, {"error":"…"}, {"message":…}, {"detail":…}, and a list of one.
type Fault struct {
	Status int // of HTTP or as it is written inside; 0 if neither
	Type   string
	Code   string
	Text   string
	After  time.Duration
}

// ParseFault reads data; ok is false where it is not the JSON of a failure.
func ParseFault(data []byte) (f Fault, ok bool) {
	data = bytes.TrimSpace(data)
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) > 0 {
		data = list[0]
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return Fault{}, false
	}
	if inner := members["error"]; len(inner) > 0 && string(inner) != "null" {
		var deeper map[string]json.RawMessage
		if json.Unmarshal(inner, &deeper) == nil {
			return faultOf(deeper), true
		}
		return Fault{Text: words(inner), Type: words(members["type"])}, true
	}
	f = faultOf(members)
	return f, f.Text != ""
}

func faultOf(m map[string]json.RawMessage) Fault {
	f := Fault{Type: words(m["type"]), Code: words(m["code"]), Text: words(m["message"])}
	if f.Text == "" {
		f.Text = words(m["detail"])
	}
	if f.Type == "" {
		f.Type = words(m["status"])
	}
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n < 600 {
		f.Status = n
	}
	f.After = retryInfo(m["details"])
	return f
}

// words is a JSON string as itself, null as nothing and all else as JSON.
func words(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// retryInfo finds the google.rpc.RetryInfo in the details of an error:
// {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}.
func retryInfo(raw json.RawMessage) time.Duration {
	var details []struct {
		RetryDelay string `json:"retryDelay"`
	}
	if json.Unmarshal(raw, &details) != nil {
		return 0
	}
	for _, d := range details {
		if t, err := time.ParseDuration(d.RetryDelay); err == nil {
			return sane(t)
		}
	}
	return 0
}

var title = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`) })

// Refusal is the error of an answer that is none.
func (l *Link) Refusal(resp *http.Response, body []byte) *llm.Error {
	f, ok := ParseFault(body)
	if !ok {
		f.Text = plain(resp, body)
	}
	if resp.StatusCode != http.StatusOK {
		f.Status = resp.StatusCode
	}
	if t := RetryAfter(resp.Header, time.Now()); t > 0 {
		f.After = t
	}
	return l.Fault(f)
}

// plain is what can be read of a body that is not JSON.
func plain(resp *http.Response, body []byte) string {
	if resp.StatusCode/100 == 3 {
		return "it redirects to another address; that is not followed"
	}
	if m := title().FindSubmatch(body); m != nil {
		return string(m[1])
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return "the answer is a web page"
	}
	return string(body)
}

// Fault is the error that f is.
func (l *Link) Fault(f Fault) *llm.Error {
	text := f.Text
	if text == "" {
		text = f.Type
	}
	return &llm.Error{Provider: l.provider, Status: f.Status, Text: l.Line(text), RetryAfter: f.After, Err: kind(f)}
}

// RetryAfter reads when to come again: retry-after-ms in milliseconds, Retry-After
// in seconds or as a date. What is no sensible time is 0.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil && ms > 0 {
		return seconds(ms / 1000)
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if at, err := http.ParseTime(v); err == nil {
		return sane(at.Sub(now))
	}
	return 0
}

const longest = 24 * time.Hour

func seconds(s float64) time.Duration {
	if !(s > 0) { // also what is no number
		return 0
	}
	return sane(time.Duration(min(s, longest.Seconds()) * float64(time.Second)))
}

func sane(t time.Duration) time.Duration { return max(0, min(t, longest)) }
