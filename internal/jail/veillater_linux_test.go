//go:build amd64 || arm64

package jail

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// talk is a shell that runs for as long as the test likes and does one line after the other.
type talk struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func newTalk(t *testing.T, j *Jail) *talk {
	t.Helper()
	in, write := io.Pipe()
	read, out := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = j.Run(context.Background(), &Command{Args: []string{"sh"}, Stdin: in, Stdout: out, Stderr: out})
		out.Close()
	}()
	t.Cleanup(func() {
		write.Close()
		read.Close()
		j.Close()
		<-ended
	})
	k := &talk{t, write, bufio.NewScanner(read)}
	k.say("true")
	return k
}

// say has a line done, and returns what it printed and whether it worked.
func (k *talk) say(line string) (string, bool) {
	k.t.Helper()
	if _, err := fmt.Fprintf(k.in, "{ %s\n}; echo \"=$?\"\n", line); err != nil {
		k.t.Fatal(err)
	}
	var out []string
	for k.out.Scan() {
		if status, ok := strings.CutPrefix(k.out.Text(), "="); ok {
			return strings.Join(out, "\n"), status == "0"
		}
		out = append(out, k.out.Text())
	}
	k.t.Fatalf("%q: the shell is gone", line)
	return "", false
}

// stops waits until a line does not work any more.
func (k *talk) stops(line string) {
	k.t.Helper()
	eventually(k.t, "refused: "+line, func() bool { _, ok := k.say(line); return !ok })
}

// veiledBoth runs a test with the kernel telling of changes and without.
func veiledBoth(t *testing.T, test func(t *testing.T)) {
	t.Run("told", test)
	t.Run("polled", func(t *testing.T) {
		pollFolders = true
		defer func() { pollFolders = false }()
		test(t)
	})
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		t.Fatal(err)
	}
}

// TestHiddenLater: what appears while commands run, wherever they are by then.
func TestHiddenLater(t *testing.T) {
	veiledBoth(t, func(t *testing.T) {
		j, dir := veiled(t, Confinement{Hide: []string{"**/.env", "x/*.pem", "**/.ssh", "**/k/**"}}, "x/y/free", "x/.env")
		k := newTalk(t, j)
		k.say("mkdir -p z/k && cd x")
		put(t, dir, "x/one.pem")
		k.stops("cat one.pem")
		put(t, dir, "x/two.pem", "x/y/.env", "x/y/new/.env")
		for _, name := range []string{"two.pem", "y/.env", "y/new/.env", "../x/two.pem", "$OLDPWD/x/two.pem"} {
			k.stops("cat " + name)
		}
		put(t, dir, "x/next")
		rename(t, dir, "x/next", "x/.env") // the host replaces it
		k.stops("cat .env")
		put(t, dir, "x/next")
		rename(t, dir, "x/next", "x/.env")
		if o := runCommand(j, &Command{Args: []string{"cat", "x/.env"}}); o.ExitCode == 0 {
			t.Errorf("the next command reads what was replaced: %s", o)
		}
		k.say("cd ../z/k")
		put(t, dir, "z/k/one", "z/k/sub/two", "z/other/free")
		k.stops("cat one")
		k.stops("cat sub/two")
		put(t, dir, "z/k/three", "z/k/sub/four")
		k.stops("cat three")
		k.stops("cat sub/four")
		if out, ok := k.say("cat ../../x/y/free ../other/free"); !ok {
			t.Error(out)
		}
	})
}

// TestHiddenAroundIt: a command is in a folder when it gets a hidden name.
func TestHiddenAroundIt(t *testing.T) {
	veiledBoth(t, func(t *testing.T) {
		j, dir := veiled(t, Confinement{Hide: []string{"**/.ssh"}}, "free")
		k := newTalk(t, j)
		k.say("mkdir -p a/plain/sub && cd a/plain/sub")
		rename(t, dir, "a/plain", "a/.ssh")
		k.stops("ls -A /workspace/a/.ssh")
		put(t, dir, "a/.ssh/id", "a/.ssh/sub/id", "a/.ssh/sub/more/id")
		for _, name := range []string{"id", "../id", "more/id", "../sub/id"} {
			k.stops("cat " + name)
		}
		put(t, dir, "a/.ssh/sub/more/two")
		k.stops("cat more/two")
	})
}

// TestProtectedLater is the same for what may not be changed.
func TestProtectedLater(t *testing.T) {
	veiledBoth(t, func(t *testing.T) {
		j, dir := veiled(t, Confinement{Protect: []string{"**/*.key", "late/**"}}, "x/y/free")
		k := newTalk(t, j)
		k.say("mkdir late later; cd x/y")
		put(t, dir, "x/y/1.key", "x/1.key")
		k.stops("true >> 1.key")
		k.stops("true >> ../1.key")
		put(t, dir, "x/y/2.key", "x/2.key")
		for _, line := range []string{"true >> 2.key", "true >> ../2.key", "mv ../../x/y ../../gone", "mv ../../x ../../gone"} {
			k.stops(line)
		}
		put(t, dir, "x/y/2.key", "x/2.key") // if they were moved away before
		for _, line := range []string{"rm 2.key", "mv ../2.key 3", "echo evil > ../2.key", "ln -f free 2.key"} {
			k.stops(line)
		}
		if out, ok := k.say("echo z > free && touch new"); !ok {
			t.Error(out)
		}
		k.say("cd ../../late")
		put(t, dir, "late/a", "late/b/c")
		for _, line := range []string{"true >> a", "true >> b/c", "rm -r b", "true >> ../late/a"} {
			k.stops(line)
		}
		put(t, dir, "late/b/d", "x/y/2.key")
		k.stops("rm b/d")
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", "rm x/y/2.key || rm late/b/d || mv x/y z || touch late/new"}}); o.ExitCode == 0 {
			t.Error(o)
		}
	})
}

// TestHiddenByInode: other names of a hidden file are hidden, those of the file that has its number later are not.
func TestHiddenByInode(t *testing.T) {
	veiledBoth(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "a/other", "m/.env", "free")
		for _, name := range []string{"a/hard", "z/hard"} {
			put(t, dir, name)
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(filepath.Join(dir, "m/.env"), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		j := openJail(t, &Config{Dir: dir})
		confineJail(t, j, Confinement{Hide: []string{"**/.env"}})
		for _, name := range []string{"m/.env", "a/hard", "z/hard"} {
			if o := runCommand(j, &Command{Args: []string{"cat", name}}); o.ExitCode == 0 || o.err != nil {
				t.Errorf("%s: %s", name, o)
			}
		}
		k := newTalk(t, j)
		if err := os.Link(filepath.Join(dir, "m/.env"), filepath.Join(dir, "a/later")); err != nil {
			t.Fatal(err)
		}
		k.stops("cat a/later")
		for i := range 50 {
			name := fmt.Sprintf("n/%d", i)
			if err := os.RemoveAll(filepath.Join(dir, "q")); err != nil {
				t.Fatal(err)
			}
			put(t, dir, "q/.env")
			k.stops("cat q/.env")
			if err := os.RemoveAll(filepath.Join(dir, "q")); err != nil {
				t.Fatal(err)
			}
			put(t, dir, name)
			shell(t, j, "cat "+name)
		}
	})
}

// TestUnreadableFolder: what the helper cannot look into is not left to the commands.
func TestUnreadableFolder(t *testing.T) {
	veiledBoth(t, func(t *testing.T) {
		j, dir := veiled(t, Confinement{Hide: []string{"**/.env"}, Protect: []string{"**/*.key"}}, "free")
		t.Cleanup(func() { // so that a user can remove them
			for _, name := range []string{"a", "b", "c"} {
				_ = os.Chmod(filepath.Join(dir, name), 0o755)
			}
		})
		k := newTalk(t, j)
		k.say("mkdir -m 0311 a; mkdir b; mkdir -m 0666 c")
		k.stops("test -x a") // it is masked by then
		k.say("chmod 0311 b")
		for _, name := range []string{"a/.env", "b/.env", "c/.env"} {
			_ = os.WriteFile(filepath.Join(dir, name), []byte("x\n"), 0o644) // a user cannot in c
		}
		k.say("chmod 755 c")
		for _, name := range []string{"a/.env", "b/.env", "c/.env"} {
			k.stops("cat " + name)
		}
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", "chmod 755 a b c; cat a/.env || cat b/.env || cat c/.env"}}); o.ExitCode == 0 {
			t.Error(o)
		}
	})
}

// TestSwappedFolders: a command keeps swapping a folder for a link while others are started.
func TestSwappedFolders(t *testing.T) {
	j, dir := veiled(t, Confinement{Hide: []string{"**/.env"}, Protect: []string{"**/*.key"}}, "real/a/.env", "real/a/x.key", "free")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = j.Run(ctx, &Command{Args: []string{"sh", "-c", "while :; do mkdir -p d/a; touch d/a/.env; rm -rf d; ln -s /tmp d; rm d; ln -s real d; rm d; done"}})
	}()
	for i := range 60 {
		put(t, dir, fmt.Sprintf("n%d/.env", i), fmt.Sprintf("n%d/x.key", i))
		o := runCommand(j, &Command{Args: []string{"sh", "-c", fmt.Sprintf("cat real/a/.env || cat n%d/.env || echo evil > real/a/x.key || echo evil > n%d/x.key", i, i)}})
		if o.ExitCode == 0 || o.err != nil {
			t.Fatal(o)
		}
	}
	cancel()
	<-ended
	if b, err := os.ReadFile(filepath.Join(dir, "real/a/.env")); err != nil || !strings.HasPrefix(string(b), "text") {
		t.Errorf("%q %v", b, err)
	}
}
