package docker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// pooled hands out containers that were made while the last check ran.
func pooled(t *testing.T, o Options) *Pool {
	t.Helper()
	testEngine(t)
	if o.Image == "" {
		o.Image = testImage
	}
	p := &Pool{Options: o, Min: 2}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func taken(t testing.TB, p *Pool) *Sandbox {
	t.Helper()
	s, err := p.Take(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// recycler hands a container out again when the check that had it is over and
// has left nothing in it: making one costs more than most checks.
type recycler struct {
	p *Pool

	mu   sync.Mutex
	free []*Sandbox
}

func recycled(t *testing.T, o Options) *recycler {
	r := &recycler{p: pooled(t, o)}
	t.Cleanup(func() {
		for _, s := range r.free {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

func (r *recycler) take(t testing.TB) *Sandbox {
	t.Helper()
	s := r.pop()
	if s == nil {
		var err error
		if s, err = r.p.Take(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if !t.Failed() && emptied(s) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.free = append(r.free, s)
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (r *recycler) pop() *Sandbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.free)
	if n == 0 {
		return nil
	}
	s := r.free[n-1]
	r.free = r.free[:n-1]
	return s
}

// emptied removes what is in a container, and reports whether that was all.
func emptied(s *Sandbox) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	const script = `for dir in . /tmp "$HOME"; do
	cd "$dir" && find . -mindepth 1 -type d ! -perm -700 -exec chmod u+rwx {} \; &&
		find . -mindepth 1 -maxdepth 1 ! -name .hutch-tmp -exec rm -rf {} + || exit
	[ -z "$(ls -A | grep -vx .hutch-tmp)" ] || exit
done`
	res, err := s.Exec(ctx, hutch.Shell(script))
	return err == nil && res.ExitCode == 0 && s.alive()
}

func TestSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	r := recycled(t, Options{})
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox {
		s := r.take(t)
		if s.Plain() != "" {
			t.Fatal("no helper: " + s.Plain())
		}
		return s
	})
}

// patient skips what takes longer than "go test" waits unless it is told to.
func patient(t *testing.T) {
	t.Helper()
	if d, ok := t.Deadline(); ok && time.Until(d) < 25*time.Minute {
		t.Skip("needs -timeout 1h")
	}
}

// TestSuitePlain goes the way that needs no helper. It starts some ten thousand
// programs.
func TestSuitePlain(t *testing.T) {
	patient(t)
	r := recycled(t, Options{Plain: true})
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox { return r.take(t) })
}

// TestCommandsPlain is the part of it that the engine has most to do with.
func TestCommandsPlain(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	r := recycled(t, Options{Plain: true})
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox { return r.take(t) })
}

// TestCommandsOverStream has the helper talk over the engine's stream, as it
// does with an engine on another machine.
func TestCommandsOverStream(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	e := testEngine(t)
	e.setApart()
	t.Cleanup(func() { apart.Delete(e.host) })
	r := recycled(t, Options{})
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox { return r.take(t) })
}

// TestWithoutSpeeds compares nothing: it is the suite on the bare five methods.
func TestWithoutSpeeds(t *testing.T) {
	patient(t)
	r := recycled(t, Options{})
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(r.take(t)) })
}
