package session_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/state"
)

// place is a workspace of three functions.
type place struct {
	b          hutch.Backend
	sleep, end func(context.Context) error
}

func (p place) Backend() hutch.Backend          { return p.b }
func (p place) Sleep(ctx context.Context) error { return p.sleep(ctx) }
func (p place) End(ctx context.Context) error   { return p.end(ctx) }

// inMemory keeps a document of each session that sleeps.
type inMemory struct{ docs sync.Map }

func (p *inMemory) Open(_ context.Context, s session.Info, again bool) (session.Workspace, error) {
	b := state.New(nil)
	if again {
		doc, ok := p.docs.Load(s.Serial)
		if !ok {
			return nil, session.ErrGone
		}
		if err := b.UnmarshalJSON(doc.([]byte)); err != nil {
			return nil, err
		}
	}
	return place{b, func(context.Context) error {
		doc, err := b.MarshalJSON()
		p.docs.Store(s.Serial, doc)
		return err
	}, func(ctx context.Context) error { return p.Remove(ctx, s) }}, nil
}

func (p *inMemory) Remove(_ context.Context, s session.Info) error {
	p.docs.Delete(s.Serial)
	return nil
}

// folders has a folder for each session.
type folders struct{ dir string }

func (p folders) folder(s session.Info) string { return filepath.Join(p.dir, s.Serial) }

func (p folders) Open(_ context.Context, s session.Info, again bool) (session.Workspace, error) {
	if _, err := os.Stat(p.folder(s)); again && errors.Is(err, fs.ErrNotExist) {
		return nil, session.ErrGone
	}
	if err := os.MkdirAll(p.folder(s), 0o700); err != nil {
		return nil, err
	}
	b, err := local.Open(p.folder(s), nil)
	if err != nil {
		return nil, err
	}
	return place{b, func(context.Context) error { return b.Close() }, func(ctx context.Context) error {
		return errors.Join(b.Close(), p.Remove(ctx, s))
	}}, nil
}

func (p folders) Remove(_ context.Context, s session.Info) error { return os.RemoveAll(p.folder(s)) }

// containers takes them from a pool and keeps their IDs, by serial.
type containers struct {
	pool *docker.Pool
	ids  *sync.Map
}

func (p containers) Open(ctx context.Context, s session.Info, again bool) (session.Workspace, error) {
	b, err := p.find(ctx, s, again)
	if err != nil {
		return nil, err
	}
	p.ids.Store(s.Serial, b.ID())
	return place{b, b.Detach, func(context.Context) error {
		p.ids.Delete(s.Serial)
		return b.Close()
	}}, nil
}

func (p containers) find(ctx context.Context, s session.Info, again bool) (*docker.Sandbox, error) {
	if !again {
		return p.pool.Take(ctx)
	}
	id, ok := p.ids.Load(s.Serial)
	if !ok {
		return nil, session.ErrGone
	}
	b, err := docker.Attach(ctx, id.(string), nil)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", session.ErrGone, err)
	}
	return b, err
}

func (p containers) Remove(ctx context.Context, s session.Info) error {
	b, err := p.find(ctx, s, true)
	if errors.Is(err, session.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	p.ids.Delete(s.Serial)
	return b.Close()
}

func TestInMemory(t *testing.T) { testPlace(t, &inMemory{}, false) }

func TestFolders(t *testing.T) {
	if runtime.GOOS != "linux" {
		need.Lacking(t, "jail", runtime.GOOS)
	}
	testroom.Jail(t) // or skip
	testPlace(t, folders{t.TempDir()}, true)
}

func TestContainers(t *testing.T) {
	image := os.Getenv("HUTCH_TEST_IMAGE")
	if image == "" {
		image = "hutch-base"
	}
	o := docker.Options{Image: image, Plain: true, Lease: 20 * time.Second, Idle: 30 * time.Second, Session: "test"}
	b, err := docker.Open(t.Context(), &o)
	if err != nil {
		need.Lacking(t, "docker", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	pool := &docker.Pool{Options: o, Max: 4}
	if err := pool.Start(); err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	testPlace(t, containers{pool, &sync.Map{}}, true)
}

// testPlace is the life of sessions where p has them: worked in, asleep, woken,
// found again after a crash, gone, ended. Those in memory do not survive open.
func testPlace(t *testing.T, p session.Provider, survives bool) {
	ctx, records := context.Background(), state.New(nil)
	opts := &session.Options{Records: records, MaxOpen: 2}
	first := start(t, p, opts)
	a, err := first.Create(ctx, session.Spec{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	u := begin(t, first, "a")
	testroom.Put(t, u.Backend(), "f", "kept")
	u.Done()
	if err := first.Sleep(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	u = begin(t, first, "a")
	testroom.Want(t, u.Backend(), "f", "kept")
	if survives {
		runs(t, u.Backend())
	}
	u.Done()
	if !survives {
		if err := first.Sleep(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}

	testFound(t, p, opts, a)
	for i, err := range records.List(ctx, ".") {
		t.Error("a record is left:", i.Name, err)
	}
}

// testFound is the second half of the life of a, as if the first process were no more.
func testFound(t *testing.T, p session.Provider, opts *session.Options, a session.Info) {
	ctx, m := context.Background(), start(t, p, opts)
	if i, err := m.Get("a"); err != nil || i.State != session.Asleep || i.Serial != a.Serial {
		t.Errorf("found %+v, %v", i, err)
	}
	u := begin(t, m, "a")
	testroom.Want(t, u.Backend(), "f", "kept")
	u.Done()
	if _, err := m.Create(ctx, session.Spec{ID: "b"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Sleep(ctx, "b"), m.Sleep(ctx, "a")); err != nil {
		t.Fatal(err)
	}
	i, _ := m.Get("b")
	if err := p.Remove(ctx, i); err != nil { // somebody else has taken it away
		t.Fatal(err)
	}
	if _, err := m.Use(ctx, "b"); !errors.Is(err, session.ErrGone) {
		t.Errorf("taken away: %v", err)
	}
	if err := errors.Join(m.End(ctx, "a"), m.End(ctx, "b")); err != nil {
		t.Error(err)
	}
	if _, err := p.Open(ctx, a, true); !errors.Is(err, session.ErrGone) {
		t.Errorf("ended: %v", err)
	}
}

func start(t *testing.T, p session.Provider, opts *session.Options) *session.Manager {
	t.Helper()
	m, err := session.New(context.Background(), p, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) }) // the first one finds nothing any more
	return m
}

func begin(t *testing.T, m *session.Manager, id string) *session.Use {
	t.Helper()
	u, err := m.Use(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// runs checks that commands see the files.
func runs(t *testing.T, b hutch.Backend) {
	t.Helper()
	e, ok := hutch.As[hutch.Execer](b)
	if !ok {
		t.Fatal("it runs no commands")
	}
	var out hutch.Capture
	cmd := hutch.Shell("cat f")
	cmd.Stdout = &out
	if r, err := e.Exec(context.Background(), cmd); err != nil || r.ExitCode != 0 || out.String() != "kept" {
		t.Errorf("a command says %q, %+v, %v", out.String(), r, err)
	}
}
