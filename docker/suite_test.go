package docker

import (
	"context"
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

func TestSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	p := pooled(t, Options{})
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox {
		s := taken(t, p)
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
	p := pooled(t, Options{Plain: true})
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox { return taken(t, p) })
}

// TestCommandsPlain is the part of it that the engine has most to do with.
func TestCommandsPlain(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	p := pooled(t, Options{Plain: true})
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox { return taken(t, p) })
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
	p := pooled(t, Options{})
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox { return taken(t, p) })
}

// TestWithoutSpeeds compares nothing: it is the suite on the bare five methods.
func TestWithoutSpeeds(t *testing.T) {
	patient(t)
	p := pooled(t, Options{})
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(taken(t, p)) })
}
