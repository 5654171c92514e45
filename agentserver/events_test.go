package agentserver_test

import (
	"strconv"
	"testing"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestEvents(t *testing.T) {
	s := newSilent()
	o := of(s)
	o.MaxEvents = 2
	f := process(t, newWorld(), o)
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	e := into[events](t, f.want(200, "GET", run+"/events?wait_seconds=60", nil))
	if len(e.Events) != 1 || e.Events[0].Seq != 1 || e.Next != 1 || e.State != "running" {
		t.Errorf("%+v", e)
	}
	f.refused(400, "invalid", "GET", run+"/events?after=-1", nil)
	f.refused(400, "invalid", "GET", run+"/events?wait_seconds=301", nil)
	first := true
	seen := f.names(run+"/events?after=0", "0", func() {
		if first {
			s.speak <- "done"
		}
		first = false
	})
	if len(seen) < 3 || seen[0] != "begin1" || seen[len(seen)-1] != "run" {
		t.Errorf("%v", seen)
	}
	e = into[events](t, f.want(200, "GET", run+"/events?after=0", nil))
	if len(e.Events) != 2 || e.Lost != e.Events[0].Seq-1 || e.Lost == 0 || e.Next != e.Events[1].Seq || e.State != "done" {
		t.Errorf("%+v", e)
	}
	last := e.Next
	e = into[events](t, f.want(200, "GET", run+"/events?wait_seconds=60&after="+itoa(last), nil))
	if len(e.Events) != 0 || e.Lost != 0 || e.Next != last {
		t.Errorf("%+v", e)
	}
	if seen = f.names(run+"/events", "", nil); len(seen) != 4 || seen[0] != "lost" || seen[2] != "end"+itoa(last) {
		t.Errorf("%v", seen)
	}
	if seen = f.names(run+"/events", itoa(last-1), nil); len(seen) != 2 || seen[0] != "end"+itoa(last) {
		t.Errorf("%v", seen)
	}
}

// names are the names and numbers of all events of a stream, for each of which f is
// called.
func (f *fixture) names(path, last string, each func()) (seen []string) {
	f.t.Helper()
	f.streamed(path, func(name, id, _ string) bool {
		seen = append(seen, name+id)
		if each != nil {
			each()
		}
		return false
	}, "Last-Event-ID", last)
	return seen
}

// Who waits is sent away when the service ends; the run is not.
func TestDraining(t *testing.T) {
	s := newSilent()
	f := process(t, newWorld(), of(s))
	run := f.start(m{"prompt": "Wait."})
	<-s.asked
	shut := make(chan error)
	f.streamed(run+"/events", func(name, id, data string) bool {
		if name == "run" {
			t.Error("the run has ended")
		}
		if name == "begin" {
			go func() { shut <- f.s.Shutdown(t.Context()) }()
		}
		return false
	})
	if err := <-shut; err != nil {
		t.Error(err)
	}
	if i, err := f.m.Get("one"); err != nil || i.Uses != 1 {
		t.Errorf("%d uses, %v", i.Uses, err)
	}
}
