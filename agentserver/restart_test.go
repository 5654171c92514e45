package agentserver_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/testroom"
)

// ends are the ways in which a process ends: in order, and in the middle of a word.
var ends = map[string]func(f *fixture) *world{
	"closed": func(f *fixture) *world { f.close(); return f.w },
	"dead":   func(f *fixture) *world { return f.w.fork() },
}

func TestRestart(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := newSilent()
			f := process(t, newWorld(), of(s))
			run := f.start(m{"prompt": "Think.", "conversation": "talk"})
			<-s.asked
			s = newSilent()
			f = process(t, end(f), of(s))
			r := f.get(run)
			if r.State != "interrupted" || r.Prompt != "Think." || r.Conversation != "talk" || len(r.Pending) != 0 {
				t.Errorf("%+v", r)
			}
			f.refused(409, "ended", "POST", run+"/cancel", nil)
			f.want(202, "POST", run+"/resume", m{})
			<-s.asked
			s.speak <- "I thought."
			if r := f.over(run, "done"); r.Text != "I thought." {
				t.Errorf("%+v", r)
			}
			c, err := deepagent.Files(f.w.files(t), deepagent.DefaultConversations).Load(t.Context(), "talk")
			if err != nil || len(c.Messages) != 2 {
				t.Errorf("%+v, %v", c, err)
			}
			if list := into[struct{ Runs []runOut }](t, f.want(200, "GET", f.base+"/runs", nil)); len(list.Runs) != 1 {
				t.Errorf("%+v", list)
			}
		})
	}
}

// A run that waited for approval is told so, and asks again.
func TestRestartWaiting(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			f := process(t, newWorld(), asking(use("write_file", writeA), step{Text: "done"}))
			run := f.start(m{"prompt": "Write."})
			q := f.asked(run)
			f.recorded(run, "waiting")
			f = process(t, end(f), asking(step{Expect: []string{"not approved and not done"}, Calls: []call{{Name: "write_file", Input: writeA}}}, step{Text: "done"}))
			if r := f.get(run); r.State != "interrupted" || len(r.Pending) != 0 {
				t.Errorf("%+v", r)
			}
			f.refused(404, "not_found", "POST", run+"/approvals/"+q.QuestionID, m{"scope": "once"})
			f.want(202, "POST", run+"/resume", m{})
			again := f.asked(run)
			if _, err := f.w.files(t).Stat(t.Context(), "a.txt"); !errors.Is(err, fs.ErrNotExist) || again.QuestionID == q.QuestionID {
				t.Fatalf("it did not ask again: %v", err)
			}
			f.want(204, "POST", run+"/approvals/"+again.QuestionID, m{"scope": "once"})
			f.over(run, "done")
			testroom.Want(t, f.w.files(t), "a.txt", "hello")
		})
	}
}

// recorded waits until the record of a run says something.
func (f *fixture) recorded(run, state string) {
	f.t.Helper()
	name := ".hutch/runs/" + run[strings.LastIndex(run, "/")+1:] + ".json"
	for f.t.Context().Err() == nil {
		data, err := hutch.ReadFile(f.t.Context(), f.w.files(f.t), name)
		if err != nil {
			f.t.Fatal(err)
		}
		if into[struct{ State string }](f.t, data).State == state {
			return
		}
	}
}

// A process that dies before the conversation has the prompt has not lost it, and one
// that dies after it does not say it twice.
func TestUnsaid(t *testing.T) {
	w := newWorld()
	f := process(t, w, with(step{Text: "done"}))
	run := f.start(m{"prompt": "Do it.", "conversation": "talk"})
	f.over(run, "done")
	f.close()
	name := ".hutch/runs/" + run[strings.LastIndex(run, "/")+1:] + ".json"
	data, err := hutch.ReadFile(t.Context(), w.files(t), name)
	if err != nil || strings.Contains(string(data), "unsaid") {
		t.Fatalf("%s, %v", data, err)
	}
	var rec m
	if err := json.Unmarshal(data, &rec); err != nil {
		t.Fatal(err)
	}
	rec["state"], rec["unsaid"], rec["before"] = "running", "Do it.", ""
	data, _ = json.Marshal(rec)
	testroom.Put(t, w.files(t), name, string(data))

	f = process(t, w, with(step{Text: "never"}))
	f.refused(400, "invalid", "POST", run+"/resume", m{}) // it was said, and answered
	f.close()
	if err := w.files(t).Remove(t.Context(), ".hutch/conversations/talk.json"); err != nil {
		t.Fatal(err)
	}
	f = process(t, w, with(step{Expect: []string{"Do it."}, Text: "done"}))
	f.want(202, "POST", run+"/resume", m{})
	f.over(run, "done")
}

// Events of a run that has gone on in another process have numbers of their own, so
// that who has seen the first ones misses none of the second.
func TestEventsOfTwoLives(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Think."})
	<-s.asked
	first := into[events](t, f.want(200, "GET", run+"/events?wait_seconds=60", nil))
	s = newSilent()
	f = process(t, f.w.fork(), of(s))
	asleep := into[events](t, f.want(200, "GET", run+"/events?after=0&wait_seconds=60", nil))
	if len(asleep.Events) != 0 || asleep.State != "interrupted" {
		t.Errorf("%+v", asleep)
	}
	f.want(202, "POST", run+"/resume", m{})
	<-s.asked
	s.speak <- "done"
	f.over(run, "done")
	for _, after := range []int64{0, first.Next, 1_000, 1_000_000_000, 99_000_000_000} {
		e := into[events](t, f.want(200, "GET", run+"/events?after="+itoa(after), nil))
		if len(e.Events) < 3 || e.Events[0].Event.Kind != "begin" || e.Events[0].Seq != 1_000_000_001 || e.Lost != 0 {
			t.Errorf("after %d: %+v", after, e)
		}
	}
	f.close()
	f = process(t, f.w, of(s))
	e := into[events](t, f.want(200, "GET", run+"/events?after=1000000001", nil))
	if len(e.Events) != 0 || e.Lost < 2 || e.State != "done" {
		t.Errorf("%+v", e)
	}
}

// planted are options for a workspace in which others have written.
func planted() *agentserver.Options {
	o := asking(use("write_file", writeA), step{Text: "done"})
	o.AutoApprove, o.MaxPrompt = true, 1000
	o.Agent.MaxSteps = 2
	return o
}

const goodRecord = `{"version":1,"id":"r-0000000000000000","conversation":"talk","model":"","state":"waiting","prompt":"x","unsaid":"x","created":"2026-01-02T03:04:05Z","max_steps":1000000,"max_cost":0,"auto_approve":true,"auto":true,"usage":{"input":0,"output":0},"steps":0,"cost":0}`

// What is no record is refused, and takes no more room than it may.
func TestPlantedRecords(t *testing.T) {
	f := process(t, newWorld(), planted())
	b := f.w.files(t)
	for n, change := range map[string][2]string{
		"1": {`"version":1`, `"version":2`}, "2": {`r-0000000000000002`, `r-0000000000000000`},
		"3": {`"waiting"`, `"asleep"`}, "4": {`"max_steps":`, `"max_steps":-`}, "5": {`"state"`, `state`},
		"6": {`"x"`, `"` + strings.Repeat("x", 2<<20) + `"`}, "7": {`"steps":0`, `"steps":-1`}, "8": {`{"version"`, `["version"`},
		"9": {`"created"`, `"life":-1,"created"`}, "a": {`"created"`, `"last":9000000000000000000,"created"`},
		"b": {`"talk"`, `"../../secret"`}, "c": {`"talk"`, `""`}, "d": {`"model":""`, `"model":"` + strings.Repeat("x", 257) + `"`},
	} {
		id := "r-000000000000000" + n
		text := strings.Replace(goodRecord, "r-0000000000000000", id, 1)
		testroom.Put(t, b, ".hutch/runs/"+id+".json", strings.Replace(text, change[0], change[1], 1))
		f.refused(422, "unreadable", "GET", f.base+"/runs/"+id, nil)
		f.refused(422, "unreadable", "POST", f.base+"/runs/"+id+"/resume", m{})
	}
	testroom.Put(t, b, ".hutch/runs/r-00000000000000ff.json/file", "x")
	f.refused(422, "unreadable", "GET", f.base+"/runs/r-00000000000000ff", nil)
	testroom.Put(t, b, "secret.json", strings.Replace(goodRecord, "r-0000000000000000", "secret", 1))
	for _, id := range []string{"..%2F..%2Fsecret", "secret", "r-000000000000000g", "r-0000000000000000%2Fx", ".gitignore", "r-", "%00"} {
		if status, data := f.do("GET", f.base+"/runs/"+id, nil); status != 404 && status != 400 {
			t.Errorf("%s: %d %s", id, status, data)
		}
	}
	if list := into[struct{ Runs []runOut }](t, f.want(200, "GET", f.base+"/runs", nil)); len(list.Runs) != 0 {
		t.Errorf("%+v", list)
	}
}

// A record gives no right.
func TestPlantedRights(t *testing.T) {
	f := process(t, newWorld(), planted())
	b := f.w.files(t)
	const name = ".hutch/runs/r-0000000000000000.json"
	testroom.Put(t, b, name, goodRecord)
	run := f.base + "/runs/r-0000000000000000"
	testroom.Put(t, b, ".hutch/conversations/talk.json", "[")
	f.refused(422, "unreadable", "POST", run+"/resume", m{})
	if err := b.Remove(t.Context(), ".hutch/conversations/talk.json"); err != nil {
		t.Fatal(err)
	}
	f.want(202, "POST", run+"/resume", m{})
	f.asked(run) // whatever the record says
	f.close()
	data, err := hutch.ReadFile(t.Context(), b, name)
	if rec := into[struct {
		MaxSteps int `json:"max_steps"`
	}](t, data); err != nil || rec.MaxSteps != 2 {
		t.Errorf("%+v, %v", rec, err)
	}
}

// Records are no more than so many; what is under way stays.
func TestRecordsAreBounded(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	b := f.w.files(t)
	for i := range 300 {
		testroom.Put(t, b, ".hutch/runs/r-0000000000000"+itoa(int64(100+i))+".json", "{}")
	}
	f.start(m{"prompt": "Wait."})
	<-s.asked
	found, err := hutch.Collect(b.List(t.Context(), ".hutch/runs"))
	if err != nil || len(found) > 203 {
		t.Errorf("%d files, %v", len(found), err)
	}
	f.recorded(run, "running")
}
