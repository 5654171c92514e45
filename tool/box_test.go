package tool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/fake"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// box is a sandbox in memory whose scripts are functions.
type box struct {
	*state.Backend
	scripts map[string]script
	closed  chan struct{}
	close   func()
}

type script = fake.Program

func newBox(scripts map[string]script) *box {
	b := &box{Backend: state.New(nil), scripts: scripts, closed: make(chan struct{})}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

func (b *box) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Execer:
		*t = b
		return true
	case *hutch.Rooted:
		*t = b
		return true
	}
	return as(b.Backend, target)
}

// as is what files in memory can do.
func as(b *state.Backend, target any) bool {
	t, ok := target.(*hutch.Linker)
	if !ok {
		return false
	}
	*t, ok = hutch.As[hutch.Linker](b)
	return ok
}

func (b *box) Root() string { return "/workspace" }

func (b *box) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return fake.Exec(ctx, cmd, b.closed, b.scripts[cmd.Args[2]])
}

// foresees is a sandbox whose commands are all denied by somebody.
type foresees struct{ *box }

func (f foresees) As(target any) bool {
	if t, ok := target.(*guard.Foreseer); ok {
		*t = check{outlook: map[guard.Op]guard.Outlook{guard.Execute: guard.Denied}}
		return true
	}
	return f.box.As(target)
}

// says prints to both streams and ends with a status.
func says(out, errs string, code int) script {
	return func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		io.WriteString(cmd.Stdout, out)
		io.WriteString(cmd.Stderr, errs)
		return hutch.Result{ExitCode: code}, nil
	}
}

// lasts prints and then takes its time.
func lasts(out string, d time.Duration) script {
	return func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		io.WriteString(cmd.Stdout, out)
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		return hutch.Result{}, nil
	}
}

// check is a guard.Check of functions.
type check struct {
	outlook map[guard.Op]guard.Outlook
	decide  func(ctx context.Context, r *guard.Request) error
}

func (c check) Check(ctx context.Context, r *guard.Request) error {
	if c.decide == nil {
		return nil
	}
	return c.decide(ctx, r)
}
func (c check) Visible(guard.Op, string) bool { return true }
func (c check) Outlook(op guard.Op) guard.Outlook {
	if o, ok := c.outlook[op]; ok {
		return o
	}
	return guard.Allowed
}
func (c check) Confinement() hutch.Confinement { return hutch.Confinement{} }

func guarded(t testing.TB, b hutch.Backend, c check) hutch.Backend {
	t.Helper()
	g, err := guard.New(t.Context(), b, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// try calls a tool whose call may end with an error.
func (c *bench) try(ctx context.Context, name string, in args) (tool.Result, error) {
	c.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		c.Fatal(err)
	}
	return c.tools[name].Call(ctx, tool.Call{Input: raw})
}

// numbers are n lines of ten bytes.
func numbers(n int) (s string) {
	b := make([]byte, 0, 10*n)
	for i := range n {
		b = fmt.Appendf(b, "%09d\n", i)
	}
	return string(b)
}
