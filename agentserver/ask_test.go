package agentserver_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/session"
)

const writeA = `{"path": "a.txt", "content": "hello"}`

// asking are options where write_file wants approval.
func asking(steps ...step) *agentserver.Options {
	o := with(steps...)
	o.Agent = &deepagent.Options{Ask: []string{"write_file"}}
	return o
}

func TestApproved(t *testing.T) {
	f := process(t, newWorld(), asking(use("write_file", writeA), use("write_file", writeA), step{Text: "done"}))
	run := f.start(m{"prompt": "Write."})
	q := f.asked(run)
	if q.Tool != "write_file" || !strings.Contains(q.Text, "a.txt") || q.Title == "" {
		t.Errorf("%+v", q)
	}
	if _, err := f.w.files(t).Stat(t.Context(), "a.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it was done before: %v", err)
	}
	at := run + "/approvals/"
	f.refused(400, "invalid", "POST", at+q.QuestionID, m{"scope": "maybe"})
	f.refused(400, "invalid", "POST", at+q.QuestionID, m{})
	f.refused(404, "not_found", "POST", at+"q-0123456789abcdef", m{"scope": "once"})
	f.want(204, "POST", at+q.QuestionID, m{"scope": "once"})
	f.refused(409, "answered", "POST", at+q.QuestionID, m{"scope": "no"})
	second := f.asked2(run, q)
	testroom.Want(t, f.w.files(t), "a.txt", "hello")
	f.want(204, "POST", at+second.QuestionID, m{"scope": "no", "reason": "not twice"})
	f.over(run, "done")
	f.refused(409, "answered", "POST", at+second.QuestionID, m{"scope": "once"})
	last := f.until(run, func(event) bool { return false })
	refused := false
	for _, e := range last {
		if e.Event.Kind == "answered" && e.QuestionID == second.QuestionID && e.Event.Answer.Scope != 0 {
			t.Errorf("%+v", e)
		}
		refused = refused || e.Event.Kind == "tool_done" && e.Event.Outcome.Failed && strings.Contains(e.Event.Outcome.Text, "not twice")
	}
	if !refused {
		t.Errorf("the reason did not reach the model: %+v", last)
	}
}

// asked2 waits for a question other than one.
func (f *fixture) asked2(run string, other pending) pending {
	f.t.Helper()
	f.until(run, func(e event) bool {
		return e.Event.Kind == "asked" && e.QuestionID != other.QuestionID
	})
	return f.asked(run)
}

// An answer for the run is one for later calls too.
func TestApprovedForTheRun(t *testing.T) {
	f := process(t, newWorld(), asking(use("write_file", writeA), use("write_file", `{"path": "b.txt", "content": "hello"}`), step{Text: "done"}))
	run := f.start(m{"prompt": "Write."})
	f.want(204, "POST", run+"/approvals/"+f.asked(run).QuestionID, m{"scope": "session"})
	f.over(run, "done")
	testroom.Want(t, f.w.files(t), "b.txt", "hello")
}

func TestCancelledQuestion(t *testing.T) {
	f := process(t, newWorld(), asking(use("write_file", writeA), step{Text: "done"}))
	run := f.start(m{"prompt": "Write."})
	q := f.asked(run)
	f.want(202, "POST", run+"/cancel", nil)
	if r := f.over(run, "cancelled"); len(r.Pending) != 0 {
		t.Errorf("%+v", r)
	}
	f.refused(409, "answered", "POST", run+"/approvals/"+q.QuestionID, m{"scope": "once"})
	all := f.until(run, kind("answered"))
	if e := all[len(all)-1]; e.Event.Answer == nil || e.Event.Answer.Scope != 0 || e.QuestionID != q.QuestionID {
		t.Errorf("%+v", e)
	}
	if _, err := f.w.files(t).Stat(t.Context(), "a.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was done: %v", err)
	}
}

func TestAutoApprove(t *testing.T) {
	o := asking(use("write_file", writeA), use("write_file", writeA), step{Text: "done"})
	o.AutoApprove = true
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "Write.", "auto_approve": true})
	f.over(run, "done")
	testroom.Want(t, f.w.files(t), "a.txt", "hello")
}

// It is good for one start: going on asks again, if it is not wanted again.
func TestAutoApproveOnce(t *testing.T) {
	o := asking(step{Text: "ready"}, use("write_file", writeA), step{Text: "done"})
	o.AutoApprove = true
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "Write.", "auto_approve": true})
	f.over(run, "done")
	f.want(202, "POST", run+"/resume", m{"prompt": "Now."})
	f.asked(run)
}

// The questions of rules are those of the run, and what is kept is not in their way.
func TestRulesAsk(t *testing.T) {
	o := of(scripted.Must(use("write_file", writeA), step{Text: "done"}))
	o.Wrap = func(ctx context.Context, s session.Info, b hutch.Backend) (hutch.Backend, error) {
		set := policy.New(&policy.Options{Default: policy.Ask})
		set.Read.Default, set.List.Default, set.Glob.Default = policy.Allow, policy.Allow, policy.Allow
		check, err := set.Checker(&policy.CheckerOptions{Ask: func(ctx context.Context, q policy.Question) (policy.Answer, error) {
			a, err := deepagent.Ask(ctx, deepagent.Question{Title: s.ID + ": " + string(q.Op) + " " + q.Path, Text: q.Diff})
			return policy.Answer{Scope: policy.Scope(a.Scope), Reason: a.Reason}, err
		}})
		if err != nil {
			return nil, err
		}
		return guard.New(ctx, b, check, nil)
	}
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "Write."})
	q := f.asked(run)
	if q.Title != "one: write a.txt" || q.Tool != "write_file" {
		t.Errorf("%+v", q)
	}
	f.want(204, "POST", run+"/approvals/"+q.QuestionID, m{"scope": "once"})
	f.over(run, "done")
	testroom.Want(t, f.w.files(t), "a.txt", "hello")
}

// What the agent keeps for itself is written beside the rules.
func TestKeptBesideRules(t *testing.T) {
	o := with(use("glob", `{"pattern": "*.txt"}`), step{Text: "done"})
	o.Agent = &deepagent.Options{ResultTokens: 100}
	o.Wrap = func(ctx context.Context, _ session.Info, b hutch.Backend) (hutch.Backend, error) {
		set := policy.ReadOnly()
		check, err := set.Checker(nil)
		if err != nil {
			return nil, err
		}
		return guard.New(ctx, b, check, nil)
	}
	f := process(t, newWorld(), o)
	for i := range 200 {
		testroom.Put(t, f.w.files(t), itoa(int64(i))+".txt", "x")
	}
	f.over(f.start(m{"prompt": "Look."}), "done")
	found, err := hutch.Collect(f.w.files(t).List(t.Context(), ".hutch/out"))
	if err != nil || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
}
