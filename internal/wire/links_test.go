package wire

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/state"
)

// TestUnlinkedRoutes wants every operation on files to have a route that goes
// through no link, and no other.
func TestUnlinkedRoutes(t *testing.T) {
	for _, r := range routes {
		switch {
		case r == realRoute || r == execRoute:
			if r.straight != nil || r.unlinked {
				t.Errorf("the route %s: %+v", r.name, r)
			}
		case r.unlinked:
			if !strings.HasPrefix(r.name, straightPath) || r.straight != nil {
				t.Errorf("the route %s: %+v", r.name, r)
			}
		case r.straight == nil || r.straight.name != straightPath+r.name || !r.straight.unlinked || r.straight.op != r.op || r.straight.settled != r.settled:
			t.Errorf("the route %s: %+v", r.name, r.straight)
		}
	}
}

// everything is done with a backend, to see what becomes of it.
func everything(ctx context.Context, b hutch.Backend, name string) map[string]error {
	all := map[string]error{}
	_, all["open"] = b.Open(ctx, name)
	_, all["stat"] = b.Stat(ctx, name)
	_, all["list"] = hutch.Collect(b.List(ctx, name))
	_, all["walk"] = hutch.Collect(hutch.Walk(ctx, b, name))
	_, all["glob"] = hutch.Collect(hutch.Glob(ctx, b, "*", &hutch.GlobOptions{Dir: name}))
	_, all["grep"] = hutch.Collect(hutch.Grep(ctx, b, hutch.Query{Pattern: "x", Dir: name}))
	_, all["write"] = hutch.WriteFile(ctx, b, name, nil, nil)
	all["remove"] = b.Remove(ctx, name)
	if s, ok := hutch.As[hutch.Scanner](b); ok {
		_, all["scan"] = hutch.Collect(s.Scan(ctx, name))
	}
	if r, ok := hutch.As[hutch.Renamer](b); ok {
		all["rename"] = r.Rename(ctx, name, "new")
	}
	return all
}

// TestOldServer: a server that knows nothing of links is never taken for one that
// refuses them, also if it has been exchanged for one that did.
func TestOldServer(t *testing.T) {
	sb := unconfined(t)
	if _, err := hutch.WriteFile(t.Context(), sb, "d/f", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("d/f", sb.Root()+"/link"); err != nil {
		t.Skip(err)
	}
	h := NewHandler(sb, nil)
	rt, url := overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, op := strings.CutPrefix(r.URL.Path, Base+"v1/")
		if op && (name == "real" || strings.Contains(name, "/")) { // as find had it
			refuse(w, http.StatusNotFound, "there is no operation")
			return
		}
		h.ServeHTTP(w, r)
	}))
	c, err := NewClient(t.Context(), rt, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, ok := hutch.As[hutch.Linker](c) // it has said so, and is another one now
	if !ok {
		t.Fatal("no Linker")
	}
	if name, err := l.Real(t.Context(), "link"); !errors.Is(err, errors.ErrUnsupported) || name != "" {
		t.Errorf("Real: %q, %v", name, err)
	}
	for op, err := range everything(t.Context(), l.Unlinked(), "link") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want errors.ErrUnsupported", op, err)
		}
	}
}

// TestNoLinks: where the backend has no Linker, the client has none, and the
// routes refuse.
func TestNoLinks(t *testing.T) {
	c := far(t, hidden{state.New(nil)})
	if _, ok := hutch.As[hutch.Linker](c); ok {
		t.Error("a power that the far side does not have is offered")
	}
	c.powers = append(c.powers, powerLinks, powerRename)
	if name, err := c.Real(t.Context(), "f"); !errors.Is(err, errors.ErrUnsupported) || name != "" {
		t.Errorf("Real: %q, %v", name, err)
	}
	for op, err := range everything(t.Context(), c.Unlinked(), "f") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want errors.ErrUnsupported", op, err)
		}
	}
}

type hidden struct{ hutch.Backend }

func (hidden) As(any) bool { return false }

// TestUnlinkedFar runs the law on a client that goes through no link.
func TestUnlinkedFar(t *testing.T) {
	if testing.Short() {
		t.Skip("the law of sandboxes holds most of this")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		c := far(t, unconfined(t))
		return closing{c.Unlinked(), c}
	})
}

type closing struct {
	hutch.Backend
	c *Client
}

func (c closing) Close() error { return c.c.Close() }

func (c closing) As(target any) bool { return c.Backend.(unlinked).As(target) }

// strange is a far side whose names lead to what is no name.
type strange struct{ *state.Backend }

func (strange) Real(context.Context, string) (string, error) { return "../x", nil }

func TestRealIsName(t *testing.T) {
	c := far(t, strange{state.New(nil)})
	if name, err := c.Real(t.Context(), "f"); !errors.Is(err, ErrLost) || name != "" {
		t.Errorf("Real: %q, %v", name, err)
	}
	if _, err := c.Real(t.Context(), "/f"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Real of no name: %v", err)
	}
}
