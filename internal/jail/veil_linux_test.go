//go:build amd64 || arm64

package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/search"
)

// put writes files of the host; their text is their name.
func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("text of "+name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func confineJail(t testing.TB, j *Jail, c Confinement) {
	t.Helper()
	if err := j.Confine(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
}

// veiled opens a jail with files and a confinement.
func veiled(t *testing.T, c Confinement, names ...string) (*Jail, string) {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, names...)
	j := openJail(t, &Config{Dir: dir})
	confineJail(t, j, c)
	return j, dir
}

// spies are scripts that try to print what is in $p.
var spies = []string{
	`cat "$p"`, `cat < "$p"`, `cp "$p" stolen && cat stolen`, `mv "$p" stolen && cat stolen`, `ln "$p" stolen && cat stolen`, `ln -s "$PWD/$p" stolen && cat stolen`,
	`cat /proc/self/cwd/"$p"`, `cat /proc/self/root/workspace/"$p"`, `cat /proc/$$/root/workspace/"$p"`, `chmod 644 "$p"; cat "$p"`, `. "./$p"`,
	`mv "${p%%/*}" stolen && cat "stolen/${p#*/}" && cat stolen`, `cp -r . /tmp/copy; cat "/tmp/copy/$p"`, `tar cf - "$p" | tar xOf -`, `cd "$(dirname "$p")" && cat "$(basename "$p")"`,
	`rm -rf "${p%%/*}"; cat "$p"`, `unshare -rm sh -c 'umount "$p"; cat "$p"'`, `umount "$p"; cat "$p"`, `mount --bind "$p" /tmp && cat /tmp/*`, `dd if="$p"`,
	`python3 -c "import os;print(open('$p').read())"`, `python3 -c "import os;d=os.open('.',os.O_RDONLY);f=os.open('$p',os.O_RDONLY,dir_fd=d);print(os.read(f,99))"`,
	`python3 -c "import os;f=os.open('$p',os.O_PATH);print(open('/proc/self/fd/%d'%f).read())"`, `mkdir -p a; mv "$p" a/; cat a/* stolen`, `touch x; mv -f x "$p"; find . -type f | xargs cat`,
	`python3 -c "import os;os.rename('$p','stolen');print(open('stolen').read())"`, `grep -r "" .`, `git grep --no-index ""`,
}

// spy tries all of them, and fails for what printed the text of the file.
func spy(t *testing.T, j *Jail, p string) {
	t.Helper()
	for _, script := range spies {
		o := runCommand(j, &Command{Args: []string{"sh", "-c", script + "; rm -rf stolen /tmp/copy"}, Env: []string{"p=" + p}})
		if o.err != nil {
			t.Fatal(o)
		}
		if strings.Contains(o.out+o.errs, "text of "+p) {
			t.Errorf("%s: %q printed it", p, script)
		}
	}
}

func TestHidden(t *testing.T) {
	j, dir := veiled(t, Confinement{Hide: []string{"!**/.env.example", "**/.env*", "**/.ssh", "deep/er/secret", "keys/**"}},
		".env", "x/.Env.local", "x/.env.example", "x/y/.ssh/id", "deep/er/secret", "deep/er/free", "keys/a/b", "free")
	if got := shell(t, j, "cat x/.env.example deep/er/free free"); strings.Count(got, "text of") != 3 {
		t.Errorf("%q", got)
	}
	o := runCommand(j, &Command{Args: []string{"cat", "deep/er/secret"}})
	if !strings.Contains(o.errs, "Permission denied") {
		t.Errorf("%s", o)
	}
	for _, p := range []string{".env", "x/.Env.local", "x/y/.ssh/id", "deep/er/secret", "keys/a/b"} {
		spy(t, j, p)
	}
	j.Close() // what commands have moved about while it was hidden must not be readable in the next jail
	j = openJail(t, &Config{Dir: dir})
	confineJail(t, j, Confinement{Hide: []string{"!**/.env.example", "**/.env*", "**/.ssh", "deep/er/secret", "keys/**"}})
	if got := shell(t, j, "grep -rh '' . 2>/dev/null; true"); strings.Contains(got, "secret") || strings.Contains(got, "keys") || strings.Contains(got, "ssh") {
		t.Errorf("readable later: %q", got)
	}
}

// TestWorldStaysFree: what is beside hidden files can be worked with, and folders that hold some can move.
func TestWorldStaysFree(t *testing.T) {
	j, _ := veiled(t, Confinement{Hide: []string{"**/.env", "**/*.pem"}}, "pkg/a/.env", "pkg/a/test/x.pem", "pkg/free")
	shell(t, j, "mv pkg other && mv other/a . && echo y > a/new && mkdir a/test/more && cat other/free && rm other/free && rmdir other")
	spy(t, j, "a/.env")
}

func TestProtectedPatterns(t *testing.T) {
	names := []string{".git/config", ".git/hooks/pre-commit", ".gitmodules", "a/b/c/secret", "file"}
	for _, list := range [][]string{{".git/**", ".gitmodules", "**/secret", "FILE"}, {"!free", "**"}} {
		dir := t.TempDir()
		fill(t, dir)
		j := openJail(t, &Config{Dir: dir})
		confineJail(t, j, Confinement{Protect: list})
		for _, name := range names {
			for _, trick := range tricks {
				script := fmt.Sprintf("p='%s'; d='%s'; b='%s'; %s", name, filepath.Dir(name), filepath.Base(name), trick)
				if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.err != nil {
					t.Fatal(o)
				}
				runCommand(j, &Command{Args: []string{"sh", "-c", "rm -rf new newdir gone gone2 hard away /tmp/copy"}})
			}
		}
		intact(t, dir)
		attackJailFree(t, j, dir, list)
		j.Close()
	}
}

// attackJailFree runs the attacks by call where the attacker can be put into the workspace by the host only.
func attackJailFree(t *testing.T, j *Jail, dir string, list []string) {
	t.Helper()
	attackJail(t, j, "protect")
	intact(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "free"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if list[0] == "!free" {
		shell(t, j, "echo y > free")
	}
}

func TestReadOnlyWorkspace(t *testing.T) {
	for _, list := range [][]string{{"**"}, {"."}} {
		j, dir := veiled(t, Confinement{Protect: list}, "a", "b/c", ".git/config")
		for _, script := range []string{"echo x > a", "echo x > b/c", "touch new", "rm a", "mv b c", "mkdir d", "ln a d", "echo x > .git/config", "chmod 777 a"} {
			if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 {
				t.Errorf("%q: %q worked", list, script)
			}
		}
		shell(t, j, "cat a b/c && echo x > /tmp/x")
		put(t, dir, "late")
		if o := runCommand(j, &Command{Args: []string{"rm", "late"}}); o.ExitCode == 0 {
			t.Error("a new file could be removed")
		}
	}
}

// TestWritableException: read-only but for one folder, also one that comes later.
func TestWritableException(t *testing.T) {
	j, dir := veiled(t, Confinement{Protect: []string{"!out/**", "!a/b/*.md", "**"}}, "a/b/x.md", "a/b/x.go", "out/old", "c")
	shell(t, j, "echo x > out/new && rm out/old && mkdir -p out/d/e && echo x > out/d/e/f && mv out/d out/g && echo y > a/b/x.md")
	for _, script := range []string{"mv out x", "rm -r out a", "touch x", "echo y > a/b/x.go", "rm a/b/x.md", "touch a/b/y.md", "echo x > c", "rmdir out"} {
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 && script != "rm -r out a" {
			t.Errorf("%q worked", script)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "out/again/x")
	shell(t, j, "echo z > out/again/x && touch out/z")
}

// TestConfineAdds: later confinements take nothing back.
func TestConfineAdds(t *testing.T) {
	j, _ := veiled(t, Confinement{Hide: []string{"a"}, Protect: []string{"!x/**", "**"}}, "a", "b", "x/y", "x/z")
	shell(t, j, "cat b && echo 1 > x/y")
	confineJail(t, j, Confinement{Hide: []string{"!a", "b"}, Protect: []string{"!x", "x/y"}})
	confineJail(t, j, Confinement{})
	for _, script := range []string{"cat a", "cat b", "echo 1 > x/y", "rm x/y", "mv x y", "touch c"} {
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 {
			t.Errorf("%q worked", script)
		}
	}
	shell(t, j, "echo 1 > x/z")
	confineJail(t, j, Confinement{Protect: []string{"x"}})
	if o := runCommand(j, &Command{Args: []string{"sh", "-c", "echo 1 > x/z"}}); o.ExitCode == 0 {
		t.Error("x/z can still be written")
	}
	if l := layer(t, j, "confined names"); !l.OK || !strings.HasPrefix(l.Detail, "8 patterns") {
		t.Errorf("%+v", l)
	}
}

// TestConfineAbsent: a name without wildcards is protected before it exists.
func TestConfineAbsent(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "other")
	j := openJail(t, &Config{Dir: dir})
	confineJail(t, j, Confinement{Protect: []string{"!x", "x", "new/a", "top"}})
	for _, script := range []string{"echo evil > top", "mkdir -p new && echo evil > new/a", "mv other top", "mkdir top"} {
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 {
			t.Errorf("%q worked", script)
		}
	}
	shell(t, j, "touch x")
	j.Close()
	for _, name := range []string{"new", "top"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

// TestHiddenRepository: what is protected, by default in the case of a repository, may be hidden as well.
func TestHiddenRepository(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	j := openJail(t, &Config{Dir: dir, Protect: protectedNames})
	confineJail(t, j, Confinement{Hide: []string{".git"}, Protect: []string{".git/index"}})
	for range 3 {
		if o := runCommand(j, &Command{Args: []string{"cat", ".git/HEAD"}}); o.ExitCode == 0 || o.err != nil {
			t.Error(o)
		}
		if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(dir, "git")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "git"), filepath.Join(dir, ".git")); err != nil {
			t.Fatal(err)
		}
	}
	intact(t, dir)
}

func TestConfineLevels(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		confineJail(t, j, Confinement{})
		err := j.Confine(context.Background(), &Confinement{Hide: []string{"x"}})
		if ok := level >= Isolated; ok != (err == nil) || !ok && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v", err)
		}
		if err := j.Confine(context.Background(), &Confinement{Hide: []string{"["}}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a bad pattern: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := j.Confine(ctx, &Confinement{Hide: []string{"x"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		j.Close()
		if err := j.Confine(context.Background(), &Confinement{Hide: []string{"x"}}); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestConfineAgainstList: commands can read and write just what the lists say, in random trees.
func TestConfineAgainstList(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	parts := []string{"a", "b", ".c", "D"}
	globs := append([]string{"*", "**", "?", "{a,b}", "[a-b]", "d"}, parts...)
	pick := func(from []string, n int) string {
		var p []string
		for range 1 + r.IntN(n) {
			p = append(p, from[r.IntN(len(from))])
		}
		return path.Join(p...)
	}
	for range 25 {
		var c Confinement
		for _, l := range []*[]string{&c.Hide, &c.Protect} {
			for range r.IntN(4) {
				*l = append(*l, []string{"", "", "!"}[r.IntN(3)]+pick(globs, 3))
			}
		}
		dir := t.TempDir()
		var files []string
		for range 8 {
			name := pick(parts, 4) + "/f" + []string{"", ".x"}[r.IntN(2)]
			if !slices.Contains(files, name) {
				put(t, dir, name)
				files = append(files, name)
			}
		}
		j := openJail(t, &Config{Dir: dir})
		if err := j.Confine(context.Background(), &c); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		hide, _ := search.CompileNameList(c.Hide)
		protect, _ := search.CompileNameList(c.Protect)
		for _, name := range files {
			o := runCommand(j, &Command{Args: []string{"sh", "-c", `cat "$0" >/dev/null && echo read; echo >> "$0" && echo write; rm -f "$0" && echo rm; true`, name}})
			if o.err != nil {
				t.Fatal(o)
			}
			h, p := hide.Has(name), protect.Has(name)
			if h == strings.Contains(o.out, "read") || !h && p == strings.Contains(o.out, "write") || p && strings.Contains(o.out, "rm") {
				t.Errorf("%+v: %s is hidden %v, protected %v: %s", c, name, h, p, o)
			}
		}
		j.Close()
	}
}
