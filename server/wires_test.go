package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/remote"
	"github.com/hutch-dev/hutch/state"
)

// dial is the wire to a session.
func (f *fixture) dial(path, token string) *remote.Backend {
	f.t.Helper()
	b, err := remote.Dial(f.t.Context(), f.url+path+"/wire", &remote.Options{Token: token})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { b.Close() })
	return b
}

// TestWire wants the wire of a session to be that session's alone, and to wake it.
func TestWire(t *testing.T) {
	f := serving(t, nil)
	a, ownA := f.create("a")
	b, ownB := f.create("b")
	x, y := f.dial(a, ownA), f.dial(b, ownB)
	testroom.Put(t, x, "d/f", "of a")
	testroom.Put(t, y, "d/f", "of b")
	testroom.Want(t, x, "d/f", "of a")
	f.want(204, "", "POST", a+"/sleep", ownA, nil)
	testroom.Want(t, x, "d/f", "of a")
	for _, wrong := range []string{ownB, "wrong"} {
		if b, err := remote.Dial(t.Context(), f.url+a+"/wire", &remote.Options{Token: wrong}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a wrong token: %v, %v", b, err)
		}
	}
	f.want(http.StatusHTTPVersionNotSupported, "", "POST", a+"/wire/hutch/hello", ownA, "x")
	f.want(405, "method", "GET", a+"/wire/hutch/hello", ownA, nil)
	f.want(204, "", "DELETE", a, ownA, nil)
	if _, err := hutch.ReadFile(t.Context(), x, "d/f"); err == nil {
		t.Error("the wire of a session that has ended works")
	}
	testroom.Want(t, y, "d/f", "of b")
}

// TestWireIsLaw wants a session to be a backend as every other.
func TestWireIsLaw(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	f := serving(t, nil)
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		f := &fixture{t: t, s: f.s, m: f.m, url: f.url, addr: f.addr, plain: f.plain}
		r := f.do("POST", "/v1/sessions", master, nil)
		var made createOut
		r.into(t, &made)
		path := "/v1/sessions/" + made.Session.ID
		t.Cleanup(func() {
			if err := f.m.End(context.Background(), made.Session.ID); err != nil {
				t.Error(err)
			}
		})
		return f.dial(path, made.Token)
	})
}

// TestWireCommands wants commands of the wire to end with the session, and with the
// service.
func TestWireCommands(t *testing.T) {
	room := testroom.Jail(t)
	for name, end := range map[string]func(f *fixture, path string){
		"session": func(f *fixture, path string) { f.want(204, "", "DELETE", path, master, nil) },
		"service": func(f *fixture, _ string) { _ = f.s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			f := servingOn(t, &place{open: func() hutch.Backend { return room }}, nil, nil)
			path, own := f.create("a")
			x, ok := hutch.As[hutch.Execer](f.dial(path, own))
			if !ok {
				t.Fatal("no commands")
			}
			started := &first{said: make(chan struct{})}
			done := make(chan error, 1)
			go func() {
				_, err := x.Exec(t.Context(), &hutch.Cmd{Args: []string{"sh", "-c", "echo started; sleep 1000"}, Stdout: started})
				done <- err
			}()
			<-started.said
			end(f, path)
			if err := <-done; err == nil {
				t.Error("the command has ended well")
			}
		})
	}
}

// first closes said with what is written first.
type first struct {
	said chan struct{}
	n    int
}

func (f *first) Write(b []byte) (int, error) {
	if f.n == 0 {
		close(f.said)
	}
	f.n++
	return len(b), nil
}

// TestWireLimit wants the wire to be counted apart.
func TestWireLimit(t *testing.T) {
	f := servingOn(t, &place{open: func() hutch.Backend { return state.New(nil) }}, nil, func(o *ServiceOptions) {
		o.Limits.PerSession, o.Limits.Rate = 1, 1
	})
	path, own := f.create("a")
	x := f.dial(path, own)
	for range 20 {
		testroom.Put(t, x, "f", "x")
	}
}
