package guard_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/local"
)

func workspace(t testing.TB) (*local.Sandbox, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// sandbox is a guard with the method of its power.
type sandbox struct {
	*guard.Backend
	hutch.Execer
}

// With rules that allow everything a guarded sandbox is a sandbox, whether
// somebody may be asked or not.
func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole law, in a jail")
	}
	s, _ := workspace(t)
	if runtime.GOOS != "linux" {
		need.Lacking(t, "jail", runtime.GOOS)
	}
	if _, err := s.Isolation(t.Context()); err != nil {
		need.Lacking(t, "jail", err)
	}
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox {
		s, _ := workspace(t)
		g := guarded(t, s, &rules{})
		x, ok := hutch.As[hutch.Execer](g)
		if !ok {
			t.Fatal("no commands")
		}
		return sandbox{g, x}
	})
}

// Whatever is exchanged for links, on a real file system, nothing leads to what
// is hidden.
func TestSwappedLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need privileges")
	}
	s, dir := workspace(t)
	put(t, s, "d/f", "secret/f", "secret/deep/g", "open")
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink("d/f", at("t1"))
			os.Rename(at("t1"), at("l"))
			os.Rename(at("d"), at("real"))
			os.Symlink("secret", at("d"))
			os.Symlink("secret/f", at("t2"))
			os.Rename(at("t2"), at("l"))
			os.Remove(at("d"))
			os.Rename(at("real"), at("d"))
		}
	})
	g := guarded(t, s, deny(all, "secret"))
	done := attack(t, g)
	close(stop)
	swapper.Wait()
	for name, data := range map[string]string{"secret/f": "in secret/f\n", "secret/deep/g": "in secret/deep/g\n"} {
		if got, err := os.ReadFile(at(name)); string(got) != data {
			t.Errorf("%s has become %q, %v", name, got, err)
		}
	}
	entries, _ := os.ReadDir(at("secret"))
	if len(entries) != 2 {
		t.Errorf("in secret there is %v", entries)
	}
	t.Logf("%d reads went through", done)
}

// attack uses g until it has had its chances, and reports how often it got through.
func attack(t *testing.T, g hutch.Backend) (done int) {
	t.Helper()
	secret := func(what, text string) {
		if strings.Contains(text, "secret") || strings.Contains(text, "deep") {
			t.Fatalf("%s shows %q", what, text)
		}
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		for _, name := range []string{"d/f", "l"} {
			data, err := hutch.ReadFile(ctx, g, name)
			secret("Open", string(data))
			if err == nil {
				done++
			}
			writeErr(g, name)
			edit(g, name, "x", "y")
			matches, _ := hutch.Collect(hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: name}))
			for _, m := range matches {
				secret("Grep", m.Text)
			}
			hutch.Copy(ctx, g, "copy", g, name)
		}
		matches, _ := hutch.Collect(hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: "d"}))
		for _, m := range matches {
			secret("Grep", m.Name+m.Text)
		}
		for _, seq := range []func(func(hutch.Info, error) bool){g.List(ctx, "d"), hutch.Walk(ctx, g, "d"), hutch.Glob(ctx, g, "d/**", nil)} {
			infos, _ := hutch.Collect(seq)
			for _, i := range infos {
				secret("a list", i.Name)
			}
		}
		writeErr(g, "d/new")
		g.Remove(ctx, "d/new")
		g.Remove(ctx, "d/deep/g")
		hutch.Move(ctx, g, "d/f", "d/g")
		hutch.Move(ctx, g, "d/g", "d/f")
		hutch.Move(ctx, g, "open", "d/open")
		hutch.Move(ctx, g, "d/open", "open")
	}
	return done
}
