package tool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/tool"
)

// folder is a console on a directory of the host, whose path must never show.
func folder(t *testing.T, o *tool.Options) (string, *bench) {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return dir, console(t, s, o)
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip(err)
	}
}

// TestLocalPaths: tools show and take the paths that commands see.
func TestLocalPaths(t *testing.T) {
	_, c := folder(t, everything())
	if got := c.ok("write_file", args{"path": "/workspace/src/a.go", "content": "package a\n"}); got != "Created: wrote 1 line to /workspace/src/a.go" {
		t.Error(got)
	}
	c.ok("edit_file", edit("src/a.go", "a\n", "b\n"))
	for want, got := range map[string]string{
		"Contents of /workspace:\n  src/":                                   c.ok("ls", args{"path": "/workspace"}),
		"Found 1 file matching '/workspace/src/*.go':\n/workspace/src/a.go": c.ok("glob", args{"pattern": "/workspace/src/*.go"}),
		"Found 1 file matching '**/*.go':\n/workspace/src/a.go":             c.ok("glob", args{"pattern": "**/*.go"}),
		"/workspace/src/a.go:1: package b":                                  c.ok("grep", args{"pattern": "package", "output_mode": "content"}),
		"Applied the patch to 1 file:\n  updated /workspace/src/a.go":       c.ok("apply_patch", args{"patch": "--- /workspace/src/a.go\n+++ /workspace/src/a.go\n@@ -1 +1 @@\n-package b\n+package c\n"}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	c.fails("read_file", args{"path": "/etc/passwd"}, "path is outside the workspace, which is at /workspace")
	c.fails("read_file", args{"path": "/workspace/../etc/passwd"}, "outside the workspace")
	c.fails("read_file", args{"path": "/workspace_evil/x"}, "outside the workspace")
}

// TestLocalLinks: a link that leaves is refused by every tool, and no path of
// the host shows.
func TestLocalLinks(t *testing.T) {
	dir, c := folder(t, everything())
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join(outside, "secret"), filepath.Join(dir, "out"))
	link(t, outside, filepath.Join(dir, "outdir"))
	link(t, "inside", filepath.Join(dir, "in"))
	link(t, "nowhere", filepath.Join(dir, "dangling"))
	put(t, c.b, "inside", "i\n")
	for name, in := range map[string]args{
		"read_file": {"path": "out"}, "write_file": {"path": "out", "content": "x"}, "edit_file": edit("out", "s", "x"),
		"ls": {"path": "outdir"}, "glob": {"pattern": "*", "path": "outdir"}, "grep": {"pattern": "s", "path": "out"},
		"hashline_edit": {"path": "out", "start_line": 0, "start_hash": "", "new_content": "x", "insert_after": true},
		"apply_patch":   {"patch": "*** Begin Patch\n*** Add File: outdir/new\n+x\n*** End Patch"},
	} {
		r := c.call(name, in)
		if !r.Failed || strings.Contains(r.Text, outside) || strings.Contains(r.Text, dir) {
			t.Errorf("%s: %s", name, r.Text)
		}
	}
	if data, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(data) != "s3cret\n" {
		t.Errorf("%q %v", data, err)
	}
	if got := c.ok("grep", args{"pattern": "."}); got != "/workspace/inside" {
		t.Error(got)
	}
	if got := c.ok("ls", nil); got != "Contents of /workspace:\n  dangling (link that leads nowhere)\n  in (2 bytes, link)\n  inside (2 bytes)\n  out (link that leads nowhere)\n  outdir (link that leads nowhere)" {
		t.Error(got)
	}
	c.ok("edit_file", edit("in", "i", "j"))
	c.holds("inside", "j\n")
}

// TestPatchMode: a patch sets the mode of a file, and leaves it otherwise.
func TestPatchMode(t *testing.T) {
	dir, c := folder(t, patches())
	c.ok("apply_patch", args{"patch": "diff --git a/run.sh b/run.sh\nnew file mode 100755\n--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1 @@\n+echo\n"})
	mode := func(want os.FileMode) {
		t.Helper()
		i, err := os.Stat(filepath.Join(dir, "run.sh"))
		if err != nil || i.Mode().Perm() != want {
			t.Errorf("%v %v, want %v", i.Mode(), err, want)
		}
	}
	mode(0o755)
	c.ok("apply_patch", args{"patch": "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-echo\n+echo 1\n"})
	mode(0o755)
	c.ok("apply_patch", args{"patch": "diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n"})
	mode(0o644)
	c.ok("apply_patch", args{"patch": "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-echo 1\n+echo\n"})
	mode(0o755)
}

// TestPatchOfGit: what git prints is applied as git means it: names with odd
// characters, renames, new and deleted files, missing line ends.
func TestPatchOfGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		need.Lacking(t, "git", err)
	}
	repo := t.TempDir()
	git := func(in ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@x", "-c", "core.autocrlf=false"}, in...)...)
		cmd.Dir = repo
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+repo)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v %s", in, err, out)
		}
		return string(out)
	}
	old := map[string]string{"a": manyLines(50), "ä ö.txt": "1\n2\n", "gone": "x\ny\n", "empty": "", "moved": manyLines(20), "crlf": "a\r\nb\r\nc\r\n", "open": "a\nb", "tab\tname": "1\n"}
	now := map[string]string{"a": strings.ReplaceAll(manyLines(50), "line 4", "LINE 4"), "ä ö.txt": "1\n3\n", "dir/new file": "n\n", "new empty": "", "d/moved2": strings.Replace(manyLines(20), "line 7\n", "", 1), "crlf": "a\r\nx\nc\r\n", "open": "a\nb\nc", "tab\tname": "2\n", "-- a": "-\n"}
	var c *bench
	git("init", "-q")
	write := func(files map[string]string) {
		for name, content := range files {
			file := filepath.Join(repo, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "-m", "x")
	}
	write(old)
	git("rm", "-q", "-r", ".")
	write(now)
	for _, how := range [][]string{{"diff", "-M", "HEAD~", "HEAD"}, {"diff", "--no-renames", "-U1", "HEAD~", "HEAD"}, {"format-patch", "--stdout", "-1"}, {"diff", "--no-prefix", "--no-renames", "HEAD~", "HEAD"}} {
		c = open(t, old, patches())
		if r := c.call("apply_patch", args{"patch": git(how...)}); r.Failed {
			t.Errorf("%v: %s", how, r.Text)
			continue
		}
		for name, content := range now {
			c.holds(name, content)
		}
		for name := range old {
			if _, ok := now[name]; !ok {
				c.absent(name)
			}
		}
	}
}
