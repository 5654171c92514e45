package job

import (
	"context"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

type allows struct{}

func (allows) Check(context.Context, *guard.Request) error { return nil }
func (allows) Visible(guard.Op, string) bool               { return true }
func (allows) Outlook(guard.Op) guard.Outlook              { return guard.Allowed }
func (allows) Confinement() hutch.Confinement              { return hutch.Confinement{} }

// TestGuarded: a guard lets signals through to what it let run, and says when.
func TestGuarded(t *testing.T) {
	s, _ := jailed(t, nil)
	g, err := guard.New(t.Context(), s, allows{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := guard.New(t.Context(), g, allows{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	j := mustNew(t, outer, nil)
	passed := make(chan struct{}, 2)
	id, err := j.Start(guard.OnPass(t.Context(), func() { passed <- struct{}{} }), hutch.Shell("echo ready; sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, j, id, "ready")
	if n := len(passed); n != 1 {
		t.Errorf("told %d times that it was let through", n)
	}
	if err := j.Signal(t.Context(), id, "SIGTERM"); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, j, id); st.Result.Signal != "SIGTERM" {
		t.Errorf("%+v", st)
	}
}
