package agentserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
)

type m = map[string]any

type pending struct {
	QuestionID string `json:"question_id"`
	Title      string
	Text       string
	Tool       string
}

type runOut struct {
	ID, Conversation, State, Ending, Prompt, Text, Error string
	Ended                                                *string
	Usage                                                llm.Usage
	Steps                                                int
	Pending                                              []pending
}

type event struct {
	Seq        int64
	QuestionID string `json:"question_id"`
	Event      struct {
		Kind, Text, Error string
		Call              *struct{ Name string }
		Outcome           *struct {
			Text   string
			Failed bool
		}
		Answer *struct{ Scope int }
	}
}

type events struct {
	Events     []event
	Next, Lost int64
	State      string
	More       bool
}

func into[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// start starts a run and returns its path.
func (f *fixture) start(in m) string {
	f.t.Helper()
	r := into[runOut](f.t, f.want(202, "POST", f.base+"/runs", in))
	return f.base + "/runs/" + r.ID
}

func (f *fixture) get(run string) runOut {
	f.t.Helper()
	return into[runOut](f.t, f.want(200, "GET", run, nil))
}

// until waits for an event for which ok is true, or the end of the run.
func (f *fixture) until(run string, ok func(event) bool) (all []event) {
	f.t.Helper()
	after := int64(0)
	for {
		e := into[events](f.t, f.want(200, "GET", fmt.Sprintf("%s/events?after=%d&wait_seconds=60", run, after), nil))
		after = e.Next
		for _, x := range e.Events {
			all = append(all, x)
			if ok(x) {
				return all
			}
		}
		if len(e.Events) == 0 && e.State != "running" && e.State != "waiting" {
			return all
		}
	}
}

func kind(k string) func(event) bool { return func(e event) bool { return e.Event.Kind == k } }

// over waits for the end of a run and wants it to be in a state.
func (f *fixture) over(run, state string) runOut {
	f.t.Helper()
	f.until(run, func(event) bool { return false })
	r := f.get(run)
	if r.State != state {
		f.t.Fatalf("the run is %+v, want %s", r, state)
	}
	return r
}

// asked waits until a run asks, and returns what.
func (f *fixture) asked(run string) pending {
	f.t.Helper()
	f.until(run, func(e event) bool { return e.QuestionID != "" && len(f.get(run).Pending) > 0 })
	r := f.get(run)
	if r.State != "waiting" || len(r.Pending) != 1 {
		f.t.Fatalf("it does not wait: %+v", r)
	}
	return r.Pending[0]
}

// streamed are the events of a stream as "event id data" until it ends or stop is
// true.
func (f *fixture) streamed(path string, stop func(name, id, data string) bool, header ...string) {
	f.t.Helper()
	resp := f.send("GET", path, nil, append(header, "Accept", "text/event-stream")...)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		f.t.Fatal(resp.Status)
	}
	fields := map[string]string{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		if fields[name] = value; name != "" {
			continue
		}
		if fields["data"] != "" && stop(fields["event"], fields["id"], fields["data"]) {
			return
		}
		clear(fields)
	}
}

type (
	step = scripted.Step
	call = scripted.Call
)

func use(name, input string) step {
	return step{Calls: []call{{Name: name, Input: llm.Input(input)}}}
}

// with are options with a script.
func with(steps ...step) *agentserver.Options { return of(scripted.Must(steps...)) }

func of(model llm.Model) *agentserver.Options {
	return &agentserver.Options{Model: func(context.Context, string) (llm.Model, error) { return model, nil }}
}

// silent is a model that says nothing until it is told to or broken off.
type silent struct {
	asked chan struct{} // gets something with every request
	gone  chan struct{} // gets something with every one that was broken off
	speak chan string
}

func newSilent() *silent {
	return &silent{make(chan struct{}, 100), make(chan struct{}, 100), make(chan string)}
}

func (*silent) Name() string { return "test:silent" }

func (s *silent) Stream(ctx context.Context, _ *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		s.asked <- struct{}{}
		select {
		case <-ctx.Done():
			s.gone <- struct{}{}
			yield(llm.Part{}, ctx.Err())
		case text := <-s.speak:
			yield(llm.Part{Kind: llm.Done, Reply: &llm.Reply{Stop: llm.End, Message: llm.Message{
				Role: llm.Assistant, Content: []llm.Block{{Text: text}}}}}, nil)
		}
	}
}
