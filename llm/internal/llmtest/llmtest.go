// Package llmtest is what every provider of language models must do: one suite,
// run against servers that speak the provider's protocol well, badly and not at
// all.
package llmtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
)

// Key is the key that models under test are made with.
const Key = "secret.0123456789abcdef"

// Provider is what the suite has to know of a provider.
type Provider struct {
	// New is a model with Key whose requests go through client to base.
	New func(t testing.TB, base string, client *http.Client) llm.Model
	// KeyHeader is the header that carries the key.
	KeyHeader string
	// Cases are good answers, one of each kind.
	Cases []Case
	// Noise are events that mean nothing.
	Noise []string
	// Fault is an event by which the provider says that it is overloaded.
	Fault string
}

// Case is an answer of the provider and the reply that it is.
type Case struct {
	Name   string
	Events []string // lines of an event each, without the empty line behind it
	// Whole is how many events make a whole answer if the stream ends well after
	// them; 0 is all.
	Whole int
	Want  llm.Reply
}

func (c Case) whole() int {
	if c.Whole == 0 {
		return len(c.Events)
	}
	return c.Whole
}

// stream is the events as they are sent.
func stream(events []string, end string) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(strings.ReplaceAll(e, "\n", end) + end + end)
	}
	return b.String()
}

// Test runs the suite.
func Test(t *testing.T, p Provider) {
	t.Run("Reply", func(t *testing.T) { testReply(t, p) })
	t.Run("Split", func(t *testing.T) { testSplit(t, p) })
	t.Run("Cut", func(t *testing.T) { testCut(t, p) })
	t.Run("Noise", func(t *testing.T) { testNoise(t, p) })
	t.Run("Malformed", func(t *testing.T) { testMalformed(t, p) })
	t.Run("Fault", func(t *testing.T) { testFault(t, p) })
	t.Run("Status", func(t *testing.T) { testStatus(t, p) })
	t.Run("NoStream", func(t *testing.T) { testNoStream(t, p) })
	t.Run("Garbage", func(t *testing.T) { testGarbage(t, p) })
	t.Run("Gzip", func(t *testing.T) { testGzip(t, p) })
	t.Run("Broken", func(t *testing.T) { testBroken(t, p) })
	t.Run("Cancel", func(t *testing.T) { testCancel(t, p) })
	t.Run("BreakOff", func(t *testing.T) { testBreakOff(t, p) })
	t.Run("Late", func(t *testing.T) { testLate(t, p) })
	t.Run("Unreached", func(t *testing.T) { testUnreached(t, p) })
	t.Run("Redirect", func(t *testing.T) { testRedirect(t, p) })
	t.Run("Secret", func(t *testing.T) { testSecret(t, p) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, p) })
	t.Run("Reuse", func(t *testing.T) { testReuse(t, p) })
}

// Ask is the smallest request.
func Ask() *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Content: []llm.Block{{Text: "hello"}}}}}
}

// trip answers requests without a network.
type trip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Canned is a client that gets these events as the answer to everything.
func Canned(events []string) *http.Client {
	return canned(strings.NewReader(stream(events, "\n")))
}

// canned is a client that gets body as the answer to everything.
func canned(body io.Reader) *http.Client { return answering(http.StatusOK, "text/event-stream", body) }

func answering(status int, kind string, body io.Reader) *http.Client {
	return &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		if kind != "" {
			h.Set("Content-Type", kind)
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(body), Request: r}, nil
	})}
}

// base is an address that canned clients are asked for.
const base = "https://provider.test/v1"

// ask is what a model answers: the parts before the last, and the reply or the
// error. It fails where the parts and the reply do not fit.
func ask(t testing.TB, m llm.Model, ctx context.Context) (*llm.Reply, error) {
	t.Helper()
	var parts []llm.Part
	var reply *llm.Reply
	var last error
	for part, err := range m.Stream(ctx, Ask()) {
		if reply != nil || last != nil {
			t.Fatalf("more after the end: %+v %v", part, err)
		}
		if last = err; err != nil {
			continue
		}
		if part.Kind == llm.Done {
			reply = part.Reply
			continue
		}
		parts = append(parts, part)
	}
	if reply == nil && last == nil {
		t.Fatal("neither a reply nor an error")
	}
	if reply != nil {
		CheckParts(t, parts, reply)
	}
	return reply, last
}

// CheckParts fails where parts tell of something else than reply.
func CheckParts(t testing.TB, parts []llm.Part, reply *llm.Reply) {
	t.Helper()
	var told, said struct {
		text, reasoning strings.Builder
		calls           []llm.Call
	}
	for _, p := range parts {
		switch p.Kind {
		case llm.TextDelta:
			told.text.WriteString(p.Text)
		case llm.ReasoningDelta:
			told.reasoning.WriteString(p.Text)
		case llm.CallBegin:
			told.calls = append(told.calls, llm.Call{ID: p.Call.ID, Name: p.Call.Name})
		case llm.InputDelta:
			told.calls[len(told.calls)-1].Input += llm.Input(p.Text)
		default:
			t.Errorf("a part of kind %d", p.Kind)
		}
	}
	for _, b := range reply.Message.Content {
		said.text.WriteString(b.Text)
		if b.Reasoning != nil {
			said.reasoning.WriteString(b.Reasoning.Text)
		}
		if b.Call != nil {
			said.calls = append(said.calls, llm.Call{ID: b.Call.ID, Name: b.Call.Name, Input: b.Call.Input})
		}
	}
	if told.text.String() != said.text.String() || told.reasoning.String() != said.reasoning.String() || !sameCalls(told.calls, said.calls) {
		t.Errorf("the parts tell\n%q %q %+v\nand the reply is\n%q %q %+v",
			told.text.String(), told.reasoning.String(), told.calls, said.text.String(), said.reasoning.String(), said.calls)
	}
}

// sameCalls compares calls. Of inputs that come in turns the parts tell less.
func sameCalls(told, said []llm.Call) bool {
	return slices.EqualFunc(told, said, func(t, s llm.Call) bool {
		return t.ID == s.ID && t.Name == s.Name && strings.HasPrefix(string(s.Input), string(t.Input))
	})
}

// AnyID stands in a wanted reply for an ID that the provider has to make up.
const AnyID = "*"

// compare fails where got is not what c wants.
func compare(t testing.TB, c Case, got *llm.Reply) {
	t.Helper()
	seen := map[string]bool{}
	same := *got
	same.Message.Content = nil
	for i, b := range got.Message.Content {
		if b.Call != nil {
			if b.Call.ID == "" || seen[b.Call.ID] {
				t.Errorf("%s: the ID %q is none, or there twice", c.Name, b.Call.ID)
			}
			seen[b.Call.ID] = true
			call := *b.Call
			if i < len(c.Want.Message.Content) && c.Want.Message.Content[i].Call != nil && c.Want.Message.Content[i].Call.ID == AnyID {
				call.ID = AnyID
			}
			b.Call = &call
		}
		same.Message.Content = append(same.Message.Content, b)
	}
	want := c.Want
	want.Message.Role = llm.Assistant
	if g, w := Encode(same), Encode(want); g != w {
		t.Errorf("%s: got\n%s\nwant\n%s", c.Name, g, w)
	}
}

// mustFail asks and wants an error that matches kind and no reply.
func mustFail(t testing.TB, m llm.Model, kind error) *llm.Error {
	t.Helper()
	reply, err := ask(t, m, t.Context())
	if reply != nil {
		t.Fatalf("a reply: %s", Encode(reply))
	}
	var e *llm.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("the error is %v, not %v", err, kind)
	}
	if len(e.Text) > 500 || strings.ContainsAny(e.Text, "\n\r\t") || strings.Contains(err.Error(), Key) {
		t.Errorf("the text of the error is %q", e.Text)
	}
	if want, _, _ := strings.Cut(m.Name(), ":"); e.Provider != want {
		t.Errorf("the error is of %q", e.Provider)
	}
	return e
}
