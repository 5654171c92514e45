//go:build amd64 || arm64

package jail

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var protectedNames = []string{".git/hooks", ".git/config", ".gitmodules", "a/b/c/secret", "link/inside", "file/below"}

// fill makes a workspace in which the protected names exist, one way or another.
func fill(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		".git/config": "[core]\n", ".git/hooks/pre-commit": "#!/bin/sh\n", ".gitmodules": "m\n", "a/b/c/secret": "s\n", "file": "f\n",
		"real/inside": "i\n", "free": "x\n", ".git/HEAD": "ref\n",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
}

// tricks are scripts for which $p is a protected name, $d its folder and $b its base.
var tricks = []string{
	`echo evil > "$p"`, `echo evil >> "$p"`, `: > "$p"`, `rm -f "$p" && echo evil > "$p"`, `rm -rf "$p" && mkdir "$p"`, `mkdir -p "$p" && echo evil > "$p/pre-commit"`,
	`echo evil > new; mv -f new "$p"`, `echo evil > new; cp --remove-destination new "$p"`, `mkdir newdir; echo evil > newdir/pre-commit; mv -T newdir "$p"`,
	`mv "$d" gone && mkdir -p "$d" && echo evil > "$p"`, `mv "${p%%/*}" gone && mkdir -p "$d" && echo evil > "$p"`, `mv "$p" gone`,
	`ln "$p" hard && echo evil >> hard`, `echo evil > new; ln -f new "$p"`, `echo evil > new; ln -sfT "$PWD/new" "$p"`, `ln -sfT /tmp "$d" && echo evil > "$p"`,
	`chmod 777 "$p" && echo evil > "$p"`, `chmod -R 777 "${p%%/*}"; echo evil > "$p"`, `touch "$p/evil"`, `mkdir -p "$d"; cd "$d" && echo evil > "$b"`,
	`truncate -s 0 "$p"`, `mknod "$p" p`, `cp -r . /tmp/copy; echo evil > /proc/self/cwd/"$p"`, `echo evil > /proc/self/root/workspace/"$p"`,
	`rmdir "$d"; rmdir "${p%%/*}"; rm -rf "${p%%/*}"; mkdir -p "$d"; echo evil > "$p"`, `mkdir away; mv "$d" away/ ; mkdir -p "$d"; echo evil > "$p"`,
	`python3 -c "import os;os.rename('$d','gone2')" && mkdir -p "$d" && echo evil > "$p"`,
}

// evil reports what is at the protected names as seen from the host: text that was not there, or things that were removed.
func evil(t *testing.T, dir string) (bad []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, p)
		for _, prot := range append(protectedNames, "link", "file") {
			if err == nil && (name == prot || strings.HasPrefix(name, prot+"/")) && d.Type().IsRegular() {
				if b, _ := os.ReadFile(p); strings.Contains(string(b), "evil") || strings.HasSuffix(name, "/evil") {
					bad = append(bad, name)
				}
			}
		}
		return nil
	})
	return bad
}

func TestProtectedNames(t *testing.T) {
	for _, existing := range []bool{true, false} {
		t.Run(fmt.Sprintf("existing=%v", existing), func(t *testing.T) {
			for _, name := range protectedNames {
				dir := t.TempDir()
				if existing {
					fill(t, dir)
				}
				j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
				for _, trick := range tricks {
					script := fmt.Sprintf("p='%s'; d='%s'; b='%s'; %s", name, filepath.Dir(name), filepath.Base(name), trick)
					o := runCommand(j, &Command{Args: []string{"sh", "-c", script}})
					if o.err != nil {
						t.Fatal(o)
					}
					if bad := evil(t, dir); bad != nil {
						t.Fatalf("%s: %q changed %q\n%s", name, trick, bad, o)
					}
					runCommand(j, &Command{Args: []string{"sh", "-c", "rm -rf new newdir gone gone2 hard away"}})
				}
				if existing {
					intact(t, dir)
				}
				j.Close()
				if !existing {
					clean(t, dir)
				}
			}
		})
	}
}

func intact(t *testing.T, dir string) {
	t.Helper()
	for name, want := range map[string]string{".git/config": "[core]\n", ".git/hooks/pre-commit": "#!/bin/sh\n", ".gitmodules": "m\n", "a/b/c/secret": "s\n", "file": "f\n"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if l, err := os.Readlink(filepath.Join(dir, "link")); err != nil || l != "real" {
		t.Errorf("link: %q %v", l, err)
	}
}

// clean checks that no placeholder is left.
func clean(t *testing.T, dir string) {
	t.Helper()
	for _, name := range protectedNames {
		first, _, _ := strings.Cut(name, "/")
		if st, err := os.Lstat(filepath.Join(dir, first)); err == nil && first != "gone" {
			t.Errorf("%s is left behind: %s", first, st.Mode())
		}
	}
}

// protectAttacks need system calls that shells do not have. The name is .git/config.
var protectAttacks = []attack{
	{"exchange names", func() error {
		_ = os.WriteFile("x", []byte("evil"), 0o644)
		return unix.Renameat2(unix.AT_FDCWD, "x", unix.AT_FDCWD, ".git/config", unix.RENAME_EXCHANGE)
	}},
	{"exchange folders", func() error {
		_ = os.MkdirAll("y/hooks", 0o755)
		return unix.Renameat2(unix.AT_FDCWD, "y", unix.AT_FDCWD, ".git", unix.RENAME_EXCHANGE)
	}},
	{"link a file without a name", func() error {
		fd, err := unix.Open(".", unix.O_TMPFILE|unix.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, ".git/config", unix.AT_SYMLINK_FOLLOW)
	}},
	{"hard link", func() error { return unix.Link(".git/config", "hard") }},
	{"hard link of a folder's content", func() error { return unix.Link(".git/hooks/pre-commit", "hard2") }},
	{"write through the folder", func() error {
		dir, err := unix.Open(".git", unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		_, err = unix.Openat(dir, "config", unix.O_WRONLY, 0)
		return err
	}},
	{"write through a handle of the file", func() error {
		fd, err := unix.Open(".git/config", unix.O_PATH, 0)
		if err != nil {
			return err
		}
		return write(fmt.Sprintf("/proc/self/fd/%d", fd))()
	}},
	{"change attributes", func() error { return unix.Setxattr(".git/config", "user.x", []byte("1"), 0) }},
	{"change times", func() error { return unix.Utimes(".git/config", []unix.Timeval{{}, {}}) }},
	{"bind a socket over it", func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrUnix{Name: ".git/config"})
	}},
}

func TestProtectedNamesByCall(t *testing.T) {
	for _, existing := range []bool{true, false} {
		dir := t.TempDir()
		if existing {
			fill(t, dir)
		}
		j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
		attackJail(t, j, "protect")
		if existing {
			intact(t, dir)
		}
	}
}

// TestFreeNames: what is beside the protected names stays usable.
func TestFreeNames(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
	shell(t, j, `echo y >> free && echo z > .git/index && mkdir -p .git/objects/aa a/b/other && echo x > a/b/c/public && mv a/b/c/public a/b/ && rm .git/HEAD`)
}

func TestPlaceholders(t *testing.T) {
	dir := t.TempDir()
	names := []string{".git/config", ".gitmodules"}
	first := openJail(t, &Config{Dir: dir, Protect: names})
	second := openJail(t, &Config{Dir: dir, Protect: names})
	first.Close()
	if o := runCommand(second, &Command{Args: []string{"sh", "-c", "mkdir -p .git; echo evil > .git/config || echo evil > .gitmodules"}}); o.ExitCode == 0 {
		t.Errorf("unprotected after another jail was closed: %s", o)
	}
	second.Close()
	clean(t, dir)
	// What an owner left that died:
	g, err := reserveAll(dir, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.root.Close()
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	openJail(t, &Config{Dir: dir, Protect: names}).Close()
	clean(t, dir)
}

// TestReplacedByHost: the host may replace a protected file, which takes the mount away with it.
func TestReplacedByHost(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
	for _, name := range []string{".git/config", "a/b/c/secret"} {
		if err := os.WriteFile(filepath.Join(dir, "new"), []byte("new\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", "echo evil > " + name}}); o.ExitCode == 0 {
			t.Errorf("%s was replaced by the host and could be written then: %s", name, o)
		}
	}
}

func TestHide(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "state/tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state/tmp/f"), []byte("hidden"), 0o644); err != nil {
		t.Fatal(err)
	}
	j := openJail(t, &Config{Dir: dir, Hide: []string{"state/tmp", ".absent"}})
	if got := shell(t, j, "ls -A state/tmp .absent"); strings.Contains(got, "f\n") {
		t.Errorf("%q", got)
	}
	for _, script := range []string{"cat state/tmp/f", "touch state/tmp/x", "touch .absent/x", "rmdir .absent", "mv state other", "rm -r state/tmp", "mv .absent y"} {
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 {
			t.Errorf("%q worked", script)
		}
	}
	shell(t, j, "echo x > state/other && ls state")
}

func TestNotProtected(t *testing.T) {
	j := openJail(t, &Config{Least: Restricted, Protect: []string{".git/config"}})
	if l := layer(t, j, "protected names"); l.OK || l.Missing == "" {
		t.Errorf("%+v", l)
	}
	shell(t, j, "mkdir .git && echo evil > .git/config")
	for _, name := range []string{"", ".", "/x", "../x", "a//b", "x\x00"} {
		if j, err := Start(context.Background(), &Config{Dir: t.TempDir(), Protect: []string{name}}); err == nil {
			j.Close()
			t.Errorf("%q is no name", name)
		}
	}
}

// TestReplacedMeanwhile does it while a command runs.
func TestReplacedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
	result := make(chan outcome)
	go func() {
		result <- runCommand(j, &Command{Args: []string{"sh", "-c", "touch ready; while [ ! -e go ]; do sleep 0.05; done; sleep 2; echo evil > .git/config"}})
	}()
	eventually(t, "ready", func() bool { _, err := os.Stat(filepath.Join(dir, "ready")); return err == nil })
	// The jail puts back what it protects, also between the removal of what is inside and that of the folder.
	eventually(t, "removed", func() bool { return os.RemoveAll(filepath.Join(dir, ".git")) == nil })
	for _, name := range []string{".git/config", "go"} {
		_ = os.MkdirAll(filepath.Join(dir, ".git"), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("new\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if o := <-result; o.ExitCode == 0 || o.err != nil {
		t.Error(o)
	}
}

func TestLinkedFolder(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(dir, "real.git")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.git", filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
	for _, name := range []string{".git/config", "real.git/config", "real.git/hooks/pre-commit"} {
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", "echo evil > " + name}}); o.ExitCode == 0 {
			t.Errorf("%s could be written", name)
		}
	}
}
