package job

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"
)

func TestStdin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"cat": cat, "sleep": sleep, "true": exits(0)})
		j := mustNew(t, f, nil)
		id := start(t, j, "cat")
		if n, err := j.Write(t.Context(), id, []byte("one ")); n != 4 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		if c := read(t, j, id, ReadOptions{}); text(c) != "one " || c.End {
			t.Errorf("%+v", c)
		}
		big := make([]byte, 1<<20) // much more than there is room for
		if n, err := j.Write(t.Context(), id, big); n != len(big) || err != nil {
			t.Fatal(n, err)
		}
		if err := j.CloseInput(id); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Write(t.Context(), id, []byte("x")); !errors.Is(err, fs.ErrClosed) && !errors.Is(err, ErrEnded) {
			t.Errorf("after the end of input: %v", err)
		}
		if s := wait(t, j, id); s.Err != nil || s.Stdout != 4+1<<20 {
			t.Errorf("%+v", s)
		}
		if _, err := j.Write(t.Context(), id, []byte("x")); !errors.Is(err, ErrEnded) {
			t.Errorf("a job that has ended: %v", err)
		}
		if err := j.CloseInput(id); err != nil {
			t.Errorf("closing it again: %v", err)
		}
	})
}

// TestStdinWaits: nobody reads, and the job ends meanwhile.
func TestStdinWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := mustNew(t, newFake(map[string]program{"sleep": sleep}), nil)
		id := start(t, j, "sleep", "10s")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		big := make([]byte, stdinRoom+1)
		if n, err := j.Write(ctx, id, big); n != stdinRoom || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := j.Write(t.Context(), id, []byte("x")); n != 0 || !errors.Is(err, ErrEnded) {
			t.Errorf("%d, %v", n, err)
		}
	})
}
