package tool_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

var execNames = []string{"execute", "run_in_background", "read_output", "kill_shell", "list_shells"}

func TestWithoutCommands(t *testing.T) {
	denied := map[guard.Op]guard.Outlook{guard.Execute: guard.Denied}
	for what, b := range map[string]hutch.Backend{
		"no sandbox":                state.New(nil),
		"denied by somebody else":   foresees{newBox(nil)},
		"denied":                    guarded(t, newBox(nil), check{outlook: denied}),
		"denied outside of a guard": guarded(t, guarded(t, newBox(nil), check{}), check{outlook: denied}),
	} {
		for _, name := range execNames {
			if _, ok := console(t, b, nil).tools[name]; ok {
				t.Errorf("%s: there is a tool %s", what, name)
			}
		}
	}
	c := console(t, guarded(t, newBox(nil), check{outlook: map[guard.Op]guard.Outlook{guard.Execute: guard.Asked}}), nil)
	for _, name := range execNames {
		if asks := c.tools[name].Asks; asks != slices.Contains(execNames[:2], name) {
			t.Errorf("%s asks: %v", name, asks)
		}
	}
}

func TestExecute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(map[string]script{
			"hello": says("hello\n", "", 0), "quiet": says("", "", 0), "both": says("out\n", "err\n", 0),
			"three": says("some\n", "wrong\n", 3), "silent": says("", "", 1), "sleep": lasts("so far\n", time.Hour),
			"bytes": says("a\xffb\n", "", 0),
			"crash": func(context.Context, *hutch.Cmd) (hutch.Result, error) {
				return hutch.Result{ExitCode: 139, Signal: "SIGSEGV"}, nil
			},
			"pwd": func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				io.WriteString(cmd.Stdout, cmd.Dir+"\n")
				return hutch.Result{}, nil
			},
		})
		put(t, b, "src/a.go", "package a")
		c := console(t, b, nil)
		for _, e := range []struct {
			in     args
			text   string
			failed bool
		}{
			{args{"command": "hello"}, "hello\n", false},
			{args{"command": "quiet"}, "(no output)", false},
			{args{"command": "both"}, "out\nerr\n", false},
			{args{"command": "three"}, "Command failed (exit code 3):\nsome\nwrong\n", true},
			{args{"command": "silent"}, "Command failed (exit code 1):\n(no output)", true},
			{args{"command": "crash"}, "Command failed (exit code 139, SIGSEGV):\n(no output)", true},
			{args{"command": "bytes"}, "a\ufffdb\n", false},
			{args{"command": "sleep"}, "Command timed out after 2m0s and was killed with all it had started (exit code 124). It printed until then:\nso far\n", true},
			{args{"command": "sleep", "timeout": 1}, "Command timed out after 1s and was killed with all it had started (exit code 124). It printed until then:\nso far\n", true},
			{args{"command": "pwd"}, "\n", false},
			{args{"command": "pwd", "cwd": "src"}, "src\n", false},
			{args{"command": "pwd", "cwd": "/workspace/src"}, "src\n", false},
			{args{"command": "pwd", "cwd": "/workspace"}, ".\n", false},
			{args{"command": "pwd", "cwd": "scr"}, "Error: Directory '/workspace/scr' not found. Did you mean '/workspace/src'?", true},
			{args{"command": "pwd", "cwd": "src/a.go"}, "Error: '/workspace/src/a.go' is a file, not a directory to run a command in.", true},
			{args{"command": " \n"}, "Error: `command` is empty.", true},
			{args{"command": "a\x00b"}, "Error: `command` holds a NUL byte.", true},
		} {
			if r := c.call("execute", e.in); r.Text != e.text || r.Failed != e.failed {
				t.Errorf("%v: %q, failed %v; want %q", e.in, r.Text, r.Failed, e.text)
			}
		}
		c.fails("execute", args{"command": "pwd", "cwd": "/etc"}, "outside the workspace")
		c.fails("execute", args{"command": "pwd", "cwd": "../x"}, "leaves the workspace")
		c.fails("execute", args{"command": strings.Repeat("x", 200_000)}, "Write it into a file")
		for _, seconds := range []int{0, -1, 3601} {
			c.fails("execute", args{"command": "hello", "timeout": seconds}, "`timeout` must be an integer of 1 to 3600")
		}
		d := data(t, c.call("execute", args{"command": "sleep", "timeout": 7}))
		if d["exit_code"] != 124. || d["timed_out"] != true || d["duration_ms"] != 7000. || d["bytes"] != 7. || d["truncated"] != false {
			t.Errorf("data %v", d)
		}
		if d := data(t, c.call("execute", args{"command": "crash"})); d["signal"] != "SIGSEGV" || d["exit_code"] != 139. {
			t.Errorf("data %v", d)
		}
	})
}

// TestExecuteErrors are what the model cannot mend.
func TestExecuteErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dead bool
		b := newBox(map[string]script{
			"lost": func(context.Context, *hutch.Cmd) (hutch.Result, error) {
				return hutch.Result{}, errors.New("the status of the command is not known")
			},
			"large and lost": func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				io.WriteString(cmd.Stdout, numbers(100_000))
				return hutch.Result{}, errors.New("the status of the command is not known")
			},
			"big": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				io.WriteString(cmd.Stdout, numbers(100_000))
				<-ctx.Done()
				time.Sleep(time.Second)
				dead = true
				return hutch.Result{}, ctx.Err()
			},
		})
		c := console(t, b, nil)
		for _, command := range []string{"lost", "large and lost"} {
			if r, err := c.try(t.Context(), "execute", args{"command": command}); err == nil {
				t.Errorf("an unknown status: %q", r.Text)
			}
		}
		if names := outFiles(t, b); len(names) > 0 {
			t.Errorf("lost, and kept: %v", names)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r, err := c.try(ctx, "execute", args{"command": "big"}); !errors.Is(err, context.DeadlineExceeded) || !dead {
			t.Errorf("cancelled: %q, %v, dead %v", r.Text, err, dead)
		}
		if names := outFiles(t, b); len(names) > 0 {
			t.Errorf("cancelled, and kept: %v", names)
		}
		time.AfterFunc(time.Second, b.close)
		if r, err := c.try(t.Context(), "execute", args{"command": "big"}); !errors.Is(err, hutch.ErrClosed) {
			t.Errorf("closed: %q, %v", r.Text, err)
		}
	})
}

// outFiles are the files of kept output.
func outFiles(t testing.TB, b hutch.Backend) (names []string) {
	t.Helper()
	for i, err := range hutch.Glob(t.Context(), b, ".hutch/out/*.log", nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, i.Name)
	}
	return names
}

// TestProgress: what is printed is shown as it comes, in whole characters, and
// all of it.
func TestProgress(t *testing.T) {
	const word = "aä€😀"
	b := newBox(map[string]script{"p": func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for i := range len(word) {
			io.WriteString(cmd.Stdout, word[i:i+1])
		}
		io.WriteString(cmd.Stderr, "!\xe2")
		return hutch.Result{}, nil
	}})
	c := console(t, b, nil)
	var got []string
	r, err := c.tools["execute"].Call(t.Context(), tool.Call{Input: json.RawMessage(`{"command":"p"}`), Progress: func(s string) { got = append(got, s) }})
	if err != nil || r.Text != word+"!\ufffd" {
		t.Errorf("%q, %v", r.Text, err)
	}
	if want := []string{"a", "ä", "€", "😀", "!", "\ufffd"}; !slices.Equal(got, want) {
		t.Errorf("progress %q, want %q", got, want)
	}
}

// TestLarge: output of more than what is shown is in a file, every byte of it.
func TestLarge(t *testing.T) {
	exact := numbers(10_000)
	all := strings.ReplaceAll(numbers(200_000), "\n", " \n") // no multiple of what is shown
	b := newBox(map[string]script{"exact": says(exact, "", 0), "more": says(exact, "x", 0), "large": says(all, "", 5), "one": says(strings.Repeat("ä", 60_000), "", 0)})
	c := console(t, b, nil)
	if r := c.call("execute", args{"command": "exact"}); r.Text != exact || len(r.Kept) > 0 {
		t.Errorf("100000 bytes: %d are shown, kept %v", len(r.Text), r.Kept)
	}
	for command, want := range map[string]string{"more": exact + "x", "large": all, "one": strings.Repeat("ä", 60_000)} {
		r := c.call("execute", args{"command": command})
		if len(r.Kept) != 1 {
			t.Fatalf("%s: kept %v", command, r.Kept)
		}
		k := r.Kept[0]
		if k.Path != "/workspace/"+k.Name || k.Size != int64(len(want)) || k.Type != "text/plain" || !strings.HasPrefix(k.Name, ".hutch/out/execute-") {
			t.Errorf("%s: %+v", command, k)
		}
		c.holds(k.Name, want)
		if d := data(t, r); d["truncated"] != true || d["file"] != k.Path || d["bytes"] != float64(len(want)) {
			t.Errorf("%s: data %v", command, d)
		}
		if !utf8.ValidString(r.Text) || strings.Contains(r.Text, "\ufffd") || len(r.Text) > 21_000 || len(r.Text) < 15_000 {
			t.Errorf("%s: %d bytes are shown", command, len(r.Text))
		}
	}
	r := c.call("execute", args{"command": "large"})
	head, rest, _ := strings.Cut(r.Text, "\n\n... (")
	left, tail, _ := strings.Cut(rest, ") ...\n\n")
	head = strings.TrimPrefix(head, "Command failed (exit code 5):\n")
	if !strings.HasPrefix(all, head+"\n") || !strings.HasSuffix(all, "\n"+tail) {
		t.Errorf("head or tail are not whole lines: %q %q", head[len(head)-20:], tail[:20])
	}
	if want := len(all) - len(head) - 1 - len(tail); left != num(want)+" bytes of 2200000 are left out here; all of it is in "+r.Kept[0].Path {
		t.Errorf("left out: %q, want %d", left, want)
	}
	if got := c.ok("read_file", args{"path": r.Kept[0].Path, "offset": 150_000, "limit": 1}); !strings.Contains(got, "000150000") {
		t.Errorf("read_file: %q", got)
	}
	if found, err := hutch.Collect(hutch.Grep(t.Context(), b, hutch.Query{Pattern: "000150000"})); err != nil || len(found) > 0 {
		t.Errorf("a search finds it: %v, %v", found, err)
	}
}

func num(n int) string { b, _ := json.Marshal(n); return string(b) }
