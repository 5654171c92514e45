package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/internal/jail"
	"github.com/hutch-dev/hutch/internal/need"
)

// needJail skips where commands cannot be confined, or fails where
// HUTCH_REQUIRE says that they must be.
func needJail(t testing.TB, least Isolation) {
	t.Helper()
	if r := jail.Probe(); r.Err != nil || Isolation(r.Level) < least {
		need.Lacking(t, "jail", fmt.Errorf("this machine does not give isolation %v (it gives %v, %w)", least, r.Level, r.Err))
	}
}

// levels are the ways in which commands run, each held to the whole law.
var levels = []struct {
	name    string
	needs   Isolation
	opts    Options
	ceiling Isolation
}{
	{"default", Isolated, Options{}, Capped},
	{"isolated", Isolated, Options{}, Isolated},
	{"host path", Isolated, Options{HostPath: true}, Capped},
	{"network", Isolated, Options{Network: true}, Capped},
	{"restricted", Restricted, Options{Isolation: Restricted}, Restricted},
	{"unconfined", Unconfined, Options{Isolation: Unconfined}, Unconfined},
}

func openLevel(t testing.TB, opts Options, ceiling Isolation) *Sandbox {
	t.Helper()
	s := mustOpen(t, t.TempDir(), &opts)
	c := jail.Level(ceiling)
	s.ceiling = &c
	return s
}

func TestSandbox(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of the suite are those of Unix")
	}
	for _, l := range levels {
		t.Run(l.name, func(t *testing.T) {
			if l.needs > Unconfined {
				needJail(t, l.needs)
			}
			s := openLevel(t, l.opts, l.ceiling)
			if got, err := s.Isolation(context.Background()); err != nil || got > l.ceiling || got < l.needs {
				t.Fatalf("isolation %v, %v", got, err)
			}
			law := backendtest.TestCommands // files are the same at every level
			if l.name == "default" {
				law = backendtest.TestSandbox
			}
			law(t, func(t testing.TB) hutch.Sandbox { return openLevel(t, l.opts, l.ceiling) })
		})
	}
}

// sh runs a script and returns what it printed.
func sh(t testing.TB, s *Sandbox, script string) (string, hutch.Result) {
	t.Helper()
	var out bytes.Buffer
	cmd := hutch.Shell(script)
	cmd.Stdout, cmd.Stderr = &out, &out
	res, err := s.Exec(context.Background(), cmd)
	must(t, err)
	return out.String(), res
}

// TestTooLittle demands what is not given.
func TestTooLittle(t *testing.T) {
	needJail(t, Restricted)
	s := openLevel(t, Options{}, Restricted)
	_, err := s.Exec(context.Background(), hutch.Shell("true"))
	if err == nil || !strings.Contains(err.Error(), "isolated") {
		t.Errorf("%v, want an error that names the level", err)
	}
	if _, err := s.Isolation(context.Background()); err == nil {
		t.Error("Isolation reports a level below the one demanded")
	}
	if _, err := hutch.WriteFile(context.Background(), s, "f", nil, nil); err != nil {
		t.Errorf("files need no jail: %v", err)
	}
}

func TestRoot(t *testing.T) {
	needJail(t, Isolated)
	for _, l := range levels {
		s := openLevel(t, l.opts, l.ceiling)
		out, _ := sh(t, s, "pwd -P")
		if got := strings.TrimSpace(out); got != s.Root() {
			t.Errorf("%s: Root is %q, a command is in %q", l.name, s.Root(), got)
		}
	}
}

// TestNothingOfTheHost: what a command sees is the workspace and the system.
func TestNothingOfTheHost(t *testing.T) {
	needJail(t, Isolated)
	outside := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(outside, []byte("the secret"), 0o644))
	t.Setenv("HUTCH_TEST_SECRET", "the secret")
	for _, l := range levels {
		if l.ceiling == Unconfined {
			continue
		}
		s := openLevel(t, l.opts, l.ceiling)
		out, _ := sh(t, s, "cat "+outside+"; ls "+filepath.Dir(outside)+"; env; cat /etc/shadow; ls /root /home/*; cat /proc/1/environ; echo x >> /etc/passwd; echo x > /usr/x; cat /proc/kcore | head -c 1")
		if strings.Contains(out, "the secret") || strings.Contains(out, "root:") {
			t.Errorf("%s: %s", l.name, out)
		}
	}
}

// TestSandboxedWriter: a link that a command plants does not lead file
// operations out of the workspace.
func TestSandboxedWriter(t *testing.T) {
	needJail(t, Isolated)
	ctx := context.Background()
	outside := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(outside, []byte("the secret"), 0o644))
	s := mustOpen(t, t.TempDir(), nil)
	sh(t, s, "ln -s "+outside+" out; ln -s /etc/passwd etc; ln -s /workspace/in abs; echo hello > in; mkdir d; ln -s ../in d/up; ln -s / slash; mkfifo pipe")
	for _, name := range []string{"out", "etc", "slash/etc/passwd"} {
		if data, err := hutch.ReadFile(ctx, s, name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("read %s: %q, %v", name, data, err)
		}
		if _, err := hutch.WriteFile(ctx, s, name, nil, nil); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("write %s: %v", name, err)
		}
	}
	for _, name := range []string{"abs", "d/up"} {
		if data, err := hutch.ReadFile(ctx, s, name); err != nil || string(data) != "hello\n" {
			t.Errorf("read %s: %q, %v", name, data, err)
		}
	}
	if _, err := s.Open(ctx, "pipe"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("pipe: %v", err)
	}
}

// TestProtectedFromCommands tries to get at protected names, absent and
// present, in the ways that have worked elsewhere.
func TestProtectedFromCommands(t *testing.T) {
	needJail(t, Isolated)
	attacks := []string{
		"mkdir -p .git/hooks", "mkdir .git && mkdir .git/hooks && echo x > .git/hooks/pre-commit",
		"echo x > .git/hooks/pre-commit", "echo x > .git/config", "echo x >> .git/config", "rm -rf .git", "rmdir .git/hooks",
		"rm -f .git/config; echo x > .git/config", "mv .git away && mkdir .git && echo x > .git/config",
		"mv .git away; mkdir away; echo x > away/config; mv away .git", "echo x > n; mv n .git/config",
		"ln -s /workspace/evil .git/hooks", "ln -sfn evil .git", "ln .git/config hard && echo x >> hard",
		"echo x > .gitmodules", "rm -f .gitmodules && echo x > .gitmodules", "mv .gitmodules m && echo x > .gitmodules",
		"chmod 777 .git/config && echo x > .git/config", "umount .git/config; echo x > .git/config",
		"cp /bin/true .git/hooks/post-checkout", "git init . && git config core.fsmonitor ./evil", "cd .git && echo x > config",
		"truncate -s 0 .git/config", "echo 'gitdir: evil' > .git", "python3 -c \"import os; os.rename('.git/config', 'c'); open('.git/config', 'w').write('x')\"",
	}
	ctx := context.Background()
	for _, present := range []bool{false, true} {
		dir := t.TempDir()
		if present {
			must(t, os.MkdirAll(filepath.Join(dir, ".git/hooks"), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, ".git/config"), []byte("mine"), 0o644))
			must(t, os.WriteFile(filepath.Join(dir, ".gitmodules"), []byte("mine"), 0o644))
		}
		s := mustOpen(t, dir, nil)
		for _, a := range attacks {
			sh(t, s, a)
		}
		sh(t, s, "mkdir -p .git/objects; echo x > .git/index")
		must(t, s.Close())
		for _, name := range []string{".git/config", ".gitmodules"} {
			got, err := os.ReadFile(filepath.Join(dir, name))
			if present && (err != nil || string(got) != "mine") || !present && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("present %v: %s holds %q, %v", present, name, got, err)
			}
		}
		if e, err := os.ReadDir(filepath.Join(dir, ".git/hooks")); len(e) > 0 || present != (err == nil) {
			t.Errorf("present %v: .git/hooks holds %v, %v", present, e, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); present == errors.Is(err, fs.ErrNotExist) {
			t.Errorf("present %v: .git: %v", present, err)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git/index")); present != (err == nil) {
			t.Errorf("present %v: .git/index must stay writable: %v", present, err)
		}
	}
	s := mustOpen(t, t.TempDir(), &Options{Unprotect: DefaultProtect()})
	if out, res := sh(t, s, "git init -q . && git config user.name x"); res.ExitCode != 0 {
		t.Errorf("not protected, yet: %s", out)
	}
	if _, err := hutch.ReadFile(ctx, s, ".git/config"); err != nil {
		t.Error(err)
	}
}

// TestPlaceholdersUnseen: what the jail puts in the place of absent names is
// not in the lists of the workspace, and gone with the sandbox.
func TestPlaceholdersUnseen(t *testing.T) {
	needJail(t, Isolated)
	ctx := context.Background()
	dir := t.TempDir()
	s := mustOpen(t, dir, nil)
	sh(t, s, "echo x > f")
	all, err := hutch.Collect(s.List(ctx, "."))
	if err != nil || len(all) != 1 || all[0].Name != "f" {
		t.Errorf("%v, %v", all, err)
	}
	for _, name := range []string{".git", ".gitmodules", staging} {
		if _, err := s.Stat(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v", name, err)
		}
	}
	must(t, s.Close())
	if got := names(t, dir); !slices.Equal(got, []string{"f"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestOptionsReachCommands(t *testing.T) {
	needJail(t, Isolated)
	visible := t.TempDir()
	must(t, os.WriteFile(filepath.Join(visible, "data"), []byte("shared"), 0o644))
	s := mustOpen(t, t.TempDir(), &Options{
		Env: []string{"MINE=1"}, Visible: []string{visible},
		Limits: hutch.Limits{OpenFiles: 64, FileSize: 4096},
	})
	out, _ := sh(t, s, "echo $MINE; cat "+visible+"/data; echo; echo x > "+visible+"/new; ulimit -n; head -c 10000 /dev/zero > big; stat -c %s big")
	lines := strings.Split(out, "\n")
	if len(lines) < 5 || lines[0] != "1" || lines[1] != "shared" || !slices.Contains(lines, "64") || !slices.Contains(lines, "4096") {
		t.Errorf("%q", out)
	}
	if got := names(t, visible); len(got) != 1 {
		t.Errorf("a visible directory was written: %v", got)
	}
}
