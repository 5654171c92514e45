// Package testroom has workspaces for the tests of what works on any backend.
package testroom

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/local"
)

// Jail is a new directory with commands in a jail.
func Jail(t testing.TB) *local.Sandbox {
	t.Helper()
	if runtime.GOOS != "linux" {
		need.Lacking(t, "jail", runtime.GOOS)
	}
	s, err := local.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Isolation(t.Context()); err != nil {
		need.Lacking(t, "jail", err)
	}
	return s
}

// Put writes a file.
func Put(t testing.TB, b hutch.Backend, name, content string) {
	t.Helper()
	if _, err := hutch.WriteFile(t.Context(), b, name, []byte(content), nil); err != nil {
		t.Fatal(err)
	}
}

// Want checks what is in a file.
func Want(t testing.TB, b hutch.Backend, name, content string) {
	t.Helper()
	got, err := hutch.ReadFile(t.Context(), b, name)
	if err != nil || string(got) != content {
		t.Errorf("%s: %q, %v; want %q", name, got, err, content)
	}
}

// ErrGone is the error of a workspace that no longer answers.
var ErrGone = errors.New("the connection is gone")

// Gone is a workspace that no longer answers.
type Gone struct{ hutch.Backend }

func (Gone) Open(context.Context, string) (hutch.File, error) { return nil, ErrGone }
func (Gone) Stat(context.Context, string) (hutch.Info, error) { return hutch.Info{}, ErrGone }
