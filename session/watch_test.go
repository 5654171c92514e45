package session

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// TestWatch wants who watches to be told everything in order, to be able to look,
// and not to be told any more when it has stopped.
func TestWatch(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		var one, two []string
		note := func(to *[]string) func(Info) {
			return func(i Info) {
				_, err := m.Get(i.ID)
				_ = m.List()
				there := err == nil || i.State == Ending // it may have ended by now
				*to = append(*to, fmt.Sprint(i.ID, " ", i.State, " ", there))
			}
		}
		stopOne, stopTwo := m.Watch(note(&one)), m.Watch(note(&two))
		create(t, m, "a")
		synctest.Wait()
		stopTwo()
		stopTwo()
		if err := m.End(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := fmt.Sprint(one); got != "[a opening true a open true a ending true a ended false]" {
			t.Errorf("told: %s", got)
		}
		if got := fmt.Sprint(two); got != "[a opening true a open true]" {
			t.Errorf("told until it stopped: %s", got)
		}
		stopOne()
		create(t, m, "b")
		synctest.Wait()
		if len(one) != 4 {
			t.Errorf("told when nobody watches: %v", one)
		}
	})
}
