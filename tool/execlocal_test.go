package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/tool"
)

func TestJailed(t *testing.T) {
	s := testroom.Jail(t)
	put(t, s, "dir with space/a.txt", "one\n")
	c := console(t, s, nil)
	for _, e := range []struct {
		in     args
		text   string
		failed bool
	}{
		{args{"command": "echo one; echo two >&2; echo three"}, "one\ntwo\nthree\n", false},
		{args{"command": "echo $((2+3)) | tr 5 6; printf '%s' \"$(echo 'a  b')\""}, "6\na  b", false},
		{args{"command": "exit 3"}, "Command failed (exit code 3):\n(no output)", true},
		{args{"command": "kill -SEGV $$"}, "Command failed (exit code 139, SIGSEGV):\n(no output)", true},
		{args{"command": "cat"}, "(no output)", false},
		{args{"command": "cat a.txt && pwd", "cwd": "dir with space"}, "one\n/workspace/dir with space\n", false},
		{args{"command": "cat a.txt", "cwd": "/workspace/dir with space"}, "one\n", false},
		{args{"command": "cd 'dir with space'; X=1"}, "(no output)", false},
		{args{"command": "pwd; echo \"<$X>\""}, "/workspace\n<>\n", false},
	} {
		if r := c.call("execute", e.in); r.Text != e.text || r.Failed != e.failed {
			t.Errorf("%v: %q, failed %v; want %q", e.in, r.Text, r.Failed, e.text)
		}
	}
	c.fails("execute", args{"command": "no-such-program"}, "exit code 127")
	r := c.call("execute", args{"command": "trap '' TERM; echo before; sleep 98763 & setsid sleep 98763 & sleep 98763", "timeout": 1})
	if !r.Failed || !strings.HasSuffix(r.Text, "until then:\nbefore\n") || !strings.HasPrefix(r.Text, "Command timed out after 1s") {
		t.Errorf("%q", r.Text)
	}
	c.gone("98763")
}

// gone checks that no sleep of that length is left.
func (c *bench) gone(mark string) {
	c.Helper()
	script := `for p in /proc/[0-9]*; do tr '\0' ' ' < $p/cmdline 2>/dev/null; echo; done | grep -c '^sleep ` + mark[:1] + `[` + mark[1:2] + `]` + mark[2:] + `' || true`
	c.says("0\n", "execute", args{"command": script})
}

func TestJailedCancel(t *testing.T) {
	c := console(t, testroom.Jail(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, _ := json.Marshal(args{"command": "trap '' TERM; sleep 98764 & echo ready; wait"})
	r, err := c.tools["execute"].Call(ctx, tool.Call{Input: in, Progress: func(s string) {
		if strings.Contains(s, "ready") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", r.Text, err)
	}
	c.gone("98764")
}

// TestJailedLarge: the path in the answer is one that commands and file tools know.
func TestJailedLarge(t *testing.T) {
	s := testroom.Jail(t)
	c := console(t, s, nil)
	r := c.call("execute", args{"command": "seq 1 300000"})
	if len(r.Kept) != 1 || !strings.Contains(r.Text, r.Kept[0].Path) {
		t.Fatalf("%+v", r.Kept)
	}
	path := r.Kept[0].Path
	c.says("300000\n", "execute", args{"command": "wc -l < " + path})
	if got := c.ok("read_file", args{"path": path, "offset": 123455, "limit": 1}); !strings.Contains(got, "123456") {
		t.Errorf("%q", got)
	}
	if got := c.ok("execute", args{"command": "git init -q . 2>/dev/null && git status --short || true"}); strings.Contains(got, ".hutch") {
		t.Errorf("git sees it: %q", got)
	}
	// A command that puts a link in the way finds no output on the other side.
	c.ok("execute", args{"command": "rm -rf .hutch; mkdir secret .hutch; ln -s ../secret .hutch/out"})
	r = c.call("execute", args{"command": "seq 1 300000"})
	if len(r.Kept) > 0 || !strings.Contains(r.Text, "could not be kept in a file") {
		t.Errorf("kept through a link: %+v", r.Kept)
	}
	if n := len(list(t, s, "secret")); n > 0 {
		t.Errorf("%d files behind the link", n)
	}
}

func list(t testing.TB, b hutch.Backend, dir string) []hutch.Info {
	t.Helper()
	all, err := hutch.Collect(b.List(t.Context(), dir))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJailedBackground(t *testing.T) {
	c := console(t, testroom.Jail(t), nil)
	c.ok("run_in_background", args{"command": "echo up; trap '' TERM; sleep 98765 & setsid sleep 98765 & while :; do sleep 98765; done"})
	c.says("[bg_1] running\nup\n", "read_output", args{"shell_id": "bg_1", "wait": 60})
	c.ok("run_in_background", args{"command": "cat; echo end of input"})
	var got string
	for deadline := time.Now().Add(time.Minute); !strings.Contains(got, "exited") && time.Now().Before(deadline); {
		got += c.ok("read_output", args{"shell_id": "bg_2", "wait": 60})
	}
	if !strings.Contains(got, "[bg_2] exited (code 0)\n") || !strings.Contains(got, "end of input\n") {
		t.Errorf("%q", got)
	}
	c.says("Killed background shell bg_1", "kill_shell", args{"shell_id": "bg_1"})
	c.gone("98765")
}
