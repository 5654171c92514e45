package workspaces

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// kind is one of the providers, in a folder of its own.
type kind struct {
	name string
	// outlives says that what was written outlives a process that is killed.
	outlives bool
	make     func(t *testing.T, dir string) session.Provider
}

var kinds = []kind{
	{"state", false, func(_ *testing.T, dir string) session.Provider { return &State{Dir: dir} }},
	{"local", true, func(_ *testing.T, dir string) session.Provider { return &Local{Dir: dir} }},
	{"docker", true, dockerProvider},
}

func dockerProvider(t *testing.T, dir string) session.Provider {
	image := "hutch-base"
	if i := os.Getenv("HUTCH_TEST_IMAGE"); i != "" {
		image = i
	}
	if _, err := docker.BuiltImages(t.Context(), ""); err != nil {
		need.Lacking(t, "docker", err)
	}
	p := &docker.Pool{Options: docker.Options{Image: image}}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if err := p.Wait(t.Context()); err != nil {
		need.Lacking(t, "docker", err)
	}
	return &Docker{Dir: dir, Pool: p}
}

func forKinds(t *testing.T, f func(t *testing.T, k kind, dir string, p session.Provider)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made", "on demand")
			f(t, k, dir, k.make(t, dir))
		})
	}
}

// manager is one whose records are in r.
func manager(t *testing.T, p session.Provider, r hutch.Backend) *session.Manager {
	t.Helper()
	m, err := session.New(t.Context(), p, &session.Options{Records: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range m.List() {
			_ = m.End(context.Background(), s.ID)
		}
		_ = m.Close(context.Background())
	})
	return m
}

func use(t *testing.T, m *session.Manager, id string, f func(b hutch.Backend)) {
	t.Helper()
	u, err := m.Use(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Done()
	f(u.Backend())
}

func TestSleepAndEnd(t *testing.T) {
	forKinds(t, func(t *testing.T, _ kind, dir string, p session.Provider) {
		m := manager(t, p, nil)
		for _, id := range []string{"one", "two"} {
			if _, err := m.Create(t.Context(), session.Spec{ID: id}); err != nil {
				t.Fatal(err)
			}
			use(t, m, id, func(b hutch.Backend) { testroom.Put(t, b, "a/name", id) })
			if err := m.Sleep(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		use(t, m, "one", func(b hutch.Backend) { testroom.Want(t, b, "a/name", "one") })
		for _, id := range []string{"one", "two"} { // one is awake, one asleep
			if err := m.End(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if _, err := m.Create(t.Context(), session.Spec{ID: "one"}); err != nil {
			t.Fatal(err)
		}
		use(t, m, "one", func(b hutch.Backend) {
			if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a session has what one before it had: %v", err)
			}
		})
	})
}

// A manager that is never closed is one whose process was killed.
func TestKilled(t *testing.T) {
	forKinds(t, func(t *testing.T, k kind, _ string, p session.Provider) {
		records := state.New(nil)
		lost, err := session.New(t.Context(), p, &session.Options{Records: records})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lost.Create(t.Context(), session.Spec{ID: "one"}); err != nil {
			t.Fatal(err)
		}
		use(t, lost, "one", func(b hutch.Backend) { testroom.Put(t, b, "f", "kept") })
		m := manager(t, p, records)
		if k.outlives {
			use(t, m, "one", func(b hutch.Backend) { testroom.Want(t, b, "f", "kept") })
		} else if _, err := m.Use(t.Context(), "one"); !errors.Is(err, session.ErrGone) {
			t.Errorf("Use: %v", err)
		}
		if err := m.End(t.Context(), "one"); err != nil {
			t.Error(err)
		}
	})
}

// What has vanished is never an empty workspace.
func TestVanished(t *testing.T) {
	forKinds(t, func(t *testing.T, _ kind, dir string, p session.Provider) {
		m := manager(t, p, nil)
		if _, err := m.Create(t.Context(), session.Spec{ID: "one"}); err != nil {
			t.Fatal(err)
		}
		if err := m.Sleep(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		found, _ := filepath.Glob(filepath.Join(dir, "one-*"))
		if len(found) != 1 {
			t.Fatal(found)
		}
		if err := os.Rename(found[0], found[0]+".aside"); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Use(t.Context(), "one"); !errors.Is(err, session.ErrGone) || strings.Contains(err.Error(), dir) {
			t.Errorf("Use: %v", err)
		}
		if err := os.Rename(found[0]+".aside", found[0]); err != nil {
			t.Fatal(err)
		}
		if err := m.End(t.Context(), "one"); err != nil {
			t.Errorf("End: %v", err)
		}
	})
}

func TestTakenFolder(t *testing.T) {
	dir := t.TempDir()
	l := &Local{Dir: dir}
	s := session.Info{Spec: session.Spec{ID: "one"}, Serial: strings.Repeat("ab", 16)}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "one-abababab")); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		if _, err := l.Open(t.Context(), s, again); err == nil {
			t.Errorf("again %v: a link was taken for the folder", again)
		}
	}
}

// A command can take all rights away; that keeps nothing from being removed.
func TestEndWithoutRights(t *testing.T) {
	m := manager(t, &Local{Dir: t.TempDir(), Options: func(session.Info) *local.Options { return nil }}, nil)
	i, err := m.Create(t.Context(), session.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	use(t, m, i.ID, func(b hutch.Backend) {
		x, ok := hutch.As[hutch.Execer](b)
		if !ok {
			need.Lacking(t, "jail", "no commands")
		}
		r, err := x.Exec(t.Context(), hutch.Shell("mkdir -p a/b && echo > a/b/c && chmod 0 a/b a"))
		if err != nil || r.ExitCode != 0 {
			need.Lacking(t, "jail", err)
		}
	})
	if err := m.End(t.Context(), i.ID); err != nil {
		t.Error(err)
	}
}

func TestByRuntime(t *testing.T) {
	p := ByRuntime{"memory": &State{Dir: t.TempDir()}}
	m := manager(t, p, nil)
	if _, err := m.Create(t.Context(), session.Spec{ID: "a", Runtime: "memory"}); err != nil {
		t.Error(err)
	}
	if _, err := m.Create(t.Context(), session.Spec{ID: "b"}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no runtime: %v", err)
	}
}

// A container whose session has ended does not come back with the next one.
func TestPoolIsFresh(t *testing.T) {
	dir := t.TempDir()
	p := dockerProvider(t, dir)
	m := manager(t, p, nil)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for range 2 {
		i, err := m.Create(ctx, session.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		use(t, m, i.ID, func(b hutch.Backend) {
			if _, err := b.Stat(ctx, "used"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("used before: %v", err)
			}
			testroom.Put(t, b, "used", "")
		})
		if err := m.End(ctx, i.ID); err != nil {
			t.Error(err)
		}
	}
}
