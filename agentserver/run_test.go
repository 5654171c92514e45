package agentserver_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/session"
)

func TestRun(t *testing.T) {
	used := &llm.Usage{Input: 10, Output: 3}
	write := use("write_file", `{"path": "a.txt", "content": "hello"}`)
	write.Usage = used
	f := process(t, newWorld(), with(write, step{Text: "It is written.", Usage: used}))
	run := f.start(m{"prompt": "Write."})
	var names []string
	last := ""
	f.streamed(run+"/events", func(name, id, data string) bool {
		names = append(names, name)
		last = data
		return false
	})
	r := into[runOut](t, []byte(last))
	if names[len(names)-1] != "run" || names[len(names)-2] != "end" || names[0] != "begin" || r.State != "done" {
		t.Errorf("%v, then %s", names, last)
	}
	if r = f.get(run); r.State != "done" || r.Ending != "finished" || !strings.HasSuffix(r.Text, "It is written.") || r.Ended == nil || len(r.Pending) != 0 {
		t.Errorf("%+v", r)
	}
	if r.Steps != 2 || r.Usage.Input != 20 || r.Usage.Output != 6 || r.Prompt != "Write." {
		t.Errorf("%+v", r)
	}
	b := f.w.files(t)
	testroom.Want(t, b, "a.txt", "hello")
	c, err := deepagent.Files(b, deepagent.DefaultConversations).Load(t.Context(), r.Conversation)
	if err != nil || len(c.Messages) != 4 {
		t.Errorf("the conversation: %v, %v", c, err)
	}
	if list := into[struct{ Runs []runOut }](t, f.want(200, "GET", f.base+"/runs", nil)); len(list.Runs) != 1 || list.Runs[0].ID != r.ID {
		t.Errorf("%+v", list)
	}
	f.refused(409, "ended", "POST", run+"/cancel", nil)
	f.refused(404, "not_found", "GET", f.base+"/runs/r-0123456789abcdef", nil)
	f.refused(400, "invalid", "POST", run+"/resume", m{})
}

// A conversation is gone on with by another run, and by the same one.
func TestGoOn(t *testing.T) {
	f := process(t, newWorld(), with(step{Text: "one"}, step{Text: "two"}, step{Text: "three"}))
	run := f.start(m{"prompt": "First.", "conversation": "talk"})
	f.over(run, "done")
	second := f.start(m{"prompt": "Second.", "conversation": "talk"})
	f.over(second, "done")
	f.want(202, "POST", run+"/resume", m{"prompt": "Third."})
	if r := f.over(run, "done"); r.Steps != 2 || r.Text != "three" || r.Prompt != "Third." {
		t.Errorf("%+v", r)
	}
	c, err := deepagent.Files(f.w.files(t), deepagent.DefaultConversations).Load(t.Context(), "talk")
	if err != nil || len(c.Messages) != 6 {
		t.Errorf("%v, %v", c, err)
	}
	ends := 0
	var last int64
	for _, e := range f.until(run, func(event) bool { return false }) {
		if e.Event.Kind == "end" {
			ends++
		}
		if e.Seq != last+1 {
			t.Errorf("number %d after %d", e.Seq, last)
		}
		last = e.Seq
	}
	if ends != 2 {
		t.Errorf("%d ends", ends)
	}
}

func TestCancel(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	f.refused(409, "busy", "POST", run+"/resume", m{"prompt": "More."})
	f.refused(409, "busy", "POST", f.base+"/sleep", nil)
	f.want(202, "POST", run+"/cancel", nil)
	<-s.gone
	if r := f.over(run, "cancelled"); r.Ending != "cancelled" {
		t.Errorf("%+v", r)
	}
	f.want(204, "POST", f.base+"/sleep", nil)
	if r := f.get(run); r.State != "cancelled" { // from the record
		t.Errorf("%+v", r)
	}
	f.want(202, "POST", run+"/resume", m{})
	<-s.asked
	s.speak <- "done"
	f.over(run, "done")
}

// When the session is deleted its runs are over first.
func TestDeleted(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	f.want(204, "DELETE", f.base, nil)
	select {
	case <-s.gone:
	default:
		t.Error("the request to the model goes on")
	}
	f.refused(404, "not_found", "GET", run, nil)
	f.want(201, "POST", "/v1/sessions", m{"id": "one"})
	f.refused(404, "not_found", "GET", run, nil)
}

// When Close returns nothing is under way and nothing more begins.
func TestClose(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	f.runs.Close()
	select {
	case <-s.gone:
	default:
		t.Error("the request to the model goes on")
	}
	if i, err := f.m.Get("one"); err != nil || i.Uses != 0 {
		t.Errorf("%d uses, %v", i.Uses, err)
	}
	f.refused(503, "draining", "POST", f.base+"/runs", m{"prompt": "x"})
	f.refused(503, "draining", "POST", run+"/resume", m{})
	if r := f.get(run); r.State != "interrupted" || r.Ending != "" {
		t.Errorf("%+v", r)
	}
	f.runs.Close()
}

func TestLimits(t *testing.T) {
	s := newSilent()
	o := of(s)
	o.MaxRuns, o.MaxInAll, o.MaxPrompt = 2, 3, 100
	o.Agent = &deepagent.Options{MaxSteps: 5}
	f := process(t, newWorld(), o)
	runs := f.base + "/runs"
	for code, in := range map[string]m{
		"invalid":   {"prompt": " "},
		"invalid ":  {"prompt": "x", "max_steps": 6},
		"invalid  ": {"prompt": "x", "conversation": "../x"},
		"invalid 3": {"prompt": "x", "unknown": 1},
		"invalid 4": {"prompt": "x", "max_steps": -1},
		"invalid 5": {"prompt": "x", "max_cost": -1},
	} {
		code, _, _ = strings.Cut(code, " ")
		f.refused(400, code, "POST", runs, in)
	}
	f.refused(413, "too_large", "POST", runs, m{"prompt": strings.Repeat("x", 101)})
	f.refused(403, "denied", "POST", runs, m{"prompt": "x", "auto_approve": true})
	f.refused(422, "unsupported", "POST", runs, m{"prompt": "x", "max_cost": 1})
	one := f.start(m{"prompt": "x", "conversation": "talk"})
	f.refused(409, "busy", "POST", runs, m{"prompt": "x", "conversation": "talk"})
	f.start(m{"prompt": "x"})
	f.refused(429, "too_many", "POST", runs, m{"prompt": "x"})
	f.want(201, "POST", "/v1/sessions", m{"id": "two"})
	f.want(202, "POST", "/v1/sessions/two/runs", m{"prompt": "x"})
	f.refused(429, "too_many", "POST", "/v1/sessions/two/runs", m{"prompt": "x"})
	f.refused(404, "not_found", "GET", strings.Replace(one, "one", "two", 1), nil)
	for range 3 {
		<-s.asked
	}
	f.want(202, "POST", one+"/cancel", nil)
	f.over(one, "cancelled")
	again := f.start(m{"prompt": "x", "conversation": "talk"}) // at once
	f.want(202, "POST", again+"/cancel", nil)
	f.over(again, "cancelled")
}

// What a run may take can be lowered.
func TestBudget(t *testing.T) {
	o := with(use("ls", `{"path": "."}`), use("ls", `{"path": "."}`), step{Text: "done"})
	o.Agent = &deepagent.Options{MaxSteps: 5}
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "x", "max_steps": 1})
	if r := f.over(run, "failed"); r.Ending != "budget" || r.Error == "" || r.Steps != 1 {
		t.Errorf("%+v", r)
	}
	f.want(202, "POST", run+"/resume", m{"max_steps": 3})
	if r := f.over(run, "done"); r.Steps != 3 {
		t.Errorf("%+v", r)
	}
}

func TestModels(t *testing.T) {
	s := newSilent()
	o := of(s)
	o.Agent = &deepagent.Options{MaxCost: 2}
	o.Price = func(name string) *deepagent.Price {
		return map[string]*deepagent.Price{"test:silent": {Input: 1}}[name]
	}
	o.Model = func(_ context.Context, name string) (llm.Model, error) {
		switch name {
		case "":
			return s, nil
		case "unpriced":
			return unpriced{s}, nil
		case "broken":
			return nil, errors.New("secret")
		}
		return nil, fmt.Errorf("secret: %w", fs.ErrNotExist)
	}
	f := process(t, newWorld(), o)
	runs := f.base + "/runs"
	f.refused(400, "invalid", "POST", runs, m{"prompt": "x", "model": "other"})
	f.refused(502, "model_failed", "POST", runs, m{"prompt": "x", "model": "broken"})
	f.refused(422, "unsupported", "POST", runs, m{"prompt": "x", "model": "unpriced"})
	f.refused(400, "invalid", "POST", runs, m{"prompt": "x", "max_cost": 3})
	if _, data := f.do("POST", runs, m{"prompt": "x", "model": "other"}); strings.Contains(string(data), "secret") {
		t.Errorf("%s", data)
	}
	f.start(m{"prompt": "x", "max_cost": 1})
	<-s.asked
}

type unpriced struct{ llm.Model }

func (unpriced) Name() string { return "test:unpriced" }

// faulty is a model that panics.
type faulty struct{ llm.Model }

func (faulty) Name() string { panic("a fault") }

func TestFault(t *testing.T) {
	o := of(faulty{})
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "x"})
	if r := f.over(run, "failed"); r.Error != "something went wrong" || r.Ending != "error" {
		t.Errorf("%+v", r)
	}
}

func TestOptions(t *testing.T) {
	model := of(newSilent()).Model
	for name, o := range map[string]*agentserver.Options{
		"none": nil, "no model": {}, "negative": {Model: model, MaxRuns: -1},
		"store":   {Model: model, Agent: &deepagent.Options{Store: deepagent.Files(nil, ".")}},
		"unknown": {Model: model, Agent: &deepagent.Options{Ask: []string{"no_such_tool"}}},
		"cost":    {Model: model, Agent: &deepagent.Options{MaxCost: 1}},
	} {
		if s, err := agentserver.New(o); s != nil || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What panics while a run is made leaves nothing behind, and a request that is sent
// twice starts one run.
func TestStartOnce(t *testing.T) {
	o := with(step{Text: "done"})
	o.MaxRuns = 1
	var right atomic.Bool
	o.Wrap = func(_ context.Context, _ session.Info, b hutch.Backend) (hutch.Backend, error) {
		if !right.Load() {
			panic("a fault")
		}
		return b, nil
	}
	f := process(t, newWorld(), o)
	f.refused(500, "internal", "POST", f.base+"/runs", m{"prompt": "x"})
	right.Store(true)
	one := f.want(202, "POST", f.base+"/runs", m{"prompt": "x"}, "Idempotency-Key", "k")
	two := f.want(202, "POST", f.base+"/runs", m{"prompt": "x"}, "Idempotency-Key", "k")
	if string(one) != string(two) {
		t.Errorf("%s, %s", one, two)
	}
	f.over(f.base+"/runs/"+into[runOut](t, one).ID, "done")
	if list := into[struct{ Runs []runOut }](t, f.want(200, "GET", f.base+"/runs", nil)); len(list.Runs) != 1 {
		t.Errorf("%+v", list)
	}
}
