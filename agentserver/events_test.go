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
	var seen []string
	f.streamed(run+"/events?after=0", func(name, id, data string) bool {
		seen = append(seen, name+id)
		if len(seen) == 1 {
			s.speak <- "done"
		}
		return false
	}, "Last-Event-ID", "0")
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
	seen = nil
	f.streamed(run+"/events", func(name, id, data string) bool {
		seen = append(seen, name+id)
		return false
	})
	if len(seen) != 4 || seen[0] != "lost" || seen[2] != "end"+itoa(last) {
		t.Errorf("%v", seen)
	}
	seen = nil
	f.streamed(run+"/events", func(name, id, data string) bool {
		seen = append(seen, name+id)
		return false
	}, "Last-Event-ID", itoa(last-1))
	if len(seen) != 2 || seen[0] != "end"+itoa(last) {
		t.Errorf("%v", seen)
	}
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
