package agentserver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/local"
)

// holds is a command whose whole tree, with what it has left to itself, holds a lock
// for as long as any of it is alive.
const holds = `exec 9>lock; flock 9; setsid sh -c 'sleep 600 & wait' & sleep 600 & echo up; wait`

// printed is what a script prints.
func printed(t *testing.T, s hutch.Sandbox, script string) string {
	t.Helper()
	var out hutch.Capture
	cmd := hutch.Shell(script)
	cmd.Stdout = &out
	if _, err := s.Exec(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// jailed is a process whose only workspace is in the jail, with a run whose command
// is under way.
func jailed(t *testing.T, tool string) (f *fixture, s *local.Sandbox, run string) {
	t.Helper()
	s = testroom.Jail(t)
	if printed(t, s, "command -v flock setsid") == "" {
		need.Lacking(t, "jail", "no flock")
	}
	input, _ := json.Marshal(m{"command": holds})
	steps := []step{use(tool, string(input)), use("execute", `{"command": "until ! flock -n lock true; do sleep 0.05; done; echo up; sleep 600"}`), {Text: "done"}}
	if tool == "execute" {
		steps = []step{steps[0], {Text: "done"}}
	}
	w := newWorld()
	w.make = func() hutch.Backend { return s }
	f = process(t, w, with(steps...))
	run = f.start(m{"prompt": "Run."})
	f.until(run, func(e event) bool { return e.Event.Kind == "progress" && strings.Contains(e.Event.Text, "up") })
	if printed(t, s, "flock -n lock echo free") != "" {
		t.Fatal("nothing holds the lock")
	}
	return f, s, run
}

// When a run says that it is cancelled, the whole tree of its command is gone, and so
// it is when the session was deleted or the server closed.
func TestCommandIsGone(t *testing.T) {
	for name, end := range map[string]func(f *fixture, run string){
		"cancelled": func(f *fixture, run string) {
			f.want(202, "POST", run+"/cancel", nil)
			f.over(run, "cancelled")
		},
		"deleted": func(f *fixture, run string) { f.want(204, "DELETE", f.base, nil) },
		"closed":  func(f *fixture, run string) { f.runs.Close() },
	} {
		for _, tool := range []string{"execute", "run_in_background"} {
			t.Run(name+" "+tool, func(t *testing.T) {
				f, s, run := jailed(t, tool)
				end(f, run)
				if printed(t, s, "flock -n lock echo free") == "" {
					t.Error("something of the command is alive")
				}
			})
		}
	}
}

// A command goes on when the request that has started its run has ended, and when
// nobody looks.
func TestGoesOn(t *testing.T) {
	f, s, run := jailed(t, "execute")
	f.plain.CloseIdleConnections()
	if r := f.get(run); r.State != "running" || printed(t, s, "flock -n lock echo free") != "" {
		t.Errorf("%+v", r)
	}
}

// A link in the place of a record, of all records or of a conversation is not
// followed.
func TestPlantedLinks(t *testing.T) {
	s := testroom.Jail(t)
	w := newWorld()
	w.make = func() hutch.Backend { return s }
	f := process(t, w, with(step{Text: "done"}, step{Text: "done"}))
	run := f.start(m{"prompt": "Go.", "conversation": "talk"})
	f.over(run, "done")
	f.close()
	printed(t, s, "cd .hutch; mv runs/r-*.json ../record; ln -s ../../record runs/"+run[strings.LastIndex(run, "/")+1:]+".json; mv conversations/talk.json ../talk; ln -s ../../talk conversations/talk.json")
	f = process(t, w, with(step{Text: "done"}))
	f.refused(422, "unreadable", "GET", run, nil)
	f.refused(422, "unreadable", "POST", run+"/resume", m{"prompt": "Go on."})
	f.refused(422, "unreadable", "POST", f.base+"/runs", m{"prompt": "Go on.", "conversation": "talk"})
	printed(t, s, "mkdir elsewhere; rm -r .hutch/runs; ln -s ../elsewhere .hutch/runs")
	f.refused(403, "denied", "POST", f.base+"/runs", m{"prompt": "Go on."})
	if got := printed(t, s, "ls elsewhere"); got != "" {
		t.Errorf("written elsewhere: %s", got)
	}
}
