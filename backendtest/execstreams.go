package backendtest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

func streamChecks() []check {
	return []check{
		{"Exec/Streams", "Stdout and Stderr are separate and keep every byte", nil, execStreams},
		{"Exec/Volume", "a mebibyte on each stream arrives whole, and nothing waits for the other", nil, execVolume},
		{"Exec/Discard", "without Stdout and Stderr what is printed is discarded", nil, execDiscard},
		{"Exec/OneWriter", "one writer for both streams is called from one goroutine at a time", nil, execOneWriter},
		{"Exec/Live", "output arrives while the command runs", nil, execLive},
		{"Exec/FailingWriter", "a writer that fails does not hang the command, and is no success", nil, execFailingWriter},
		{"Exec/Capture", "a Capture keeps head and tail and says what it dropped", nil, execCapture},
	}
}

func stdinChecks() []check {
	return []check{
		{"Exec/Stdin", "the command reads what Stdin gives, exactly", nil, execStdin},
		{"Exec/NoStdin", "without Stdin the command reads nothing", nil, execNoStdin},
		{"Exec/StdinUnread", "a command that does not read its Stdin ends all the same", nil, execStdinUnread},
		{"Exec/StdinBlocked", "a Stdin that gives nothing does not keep Exec from returning", nil, execStdinBlocked},
	}
}

// all256 is every byte value, and printf's way to print them.
func all256() (bytes, format string) {
	var b, f strings.Builder
	for i := range 256 {
		b.WriteByte(byte(i))
		fmt.Fprintf(&f, `\%03o`, i)
	}
	return b.String(), f.String()
}

func execStreams(t *env) {
	all, format := all256()
	o := t.run(hutch.Shell(fmt.Sprintf(`printf '%s'; printf 'E%s' >&2; printf 'no end'; printf '\r\n' >&2`, format, format)))
	if want := all + "no end"; o.out != want {
		t.Errorf("Stdout has %s, want %s", short(o.out), short(want))
	}
	if want := "E" + all + "\r\n"; o.err != want {
		t.Errorf("Stderr has %s, want %s", short(o.err), short(want))
	}
}

const printMuch = `
much() { head -c 1048576 /dev/zero | tr '\000' "$1"; }
much o; much e >&2; (much E >&2) & much O; wait`

func execVolume(t *env) {
	o := t.run(hutch.Shell(printMuch))
	if want := strings.Repeat("o", mib) + strings.Repeat("O", mib); o.out != want || o.ExitCode != 0 {
		t.Errorf("%d bytes on Stdout, want %d; %+v", len(o.out), len(want), o.Result)
	}
	if want := strings.Repeat("e", mib) + strings.Repeat("E", mib); o.err != want {
		t.Errorf("%d bytes on Stderr, want %d", len(o.err), len(want))
	}
}

func execDiscard(t *env) {
	x := t.execer()
	t.within("a command without streams", func() {
		res, err := x.Exec(t.ctx, hutch.Shell(printMuch+"; exit 3"))
		if err != nil || res.ExitCode != 3 {
			t.Errorf("a command without streams: %+v, %v", res, err)
		}
	})
}

// single is a writer that notices when it is called by two at once.
type single struct {
	in  atomic.Bool
	bad atomic.Bool
	buf []byte // on purpose without a lock, for the race detector
}

func (s *single) Write(p []byte) (int, error) {
	if !s.in.CompareAndSwap(false, true) {
		s.bad.Store(true)
		return len(p), nil
	}
	s.buf = append(s.buf, p...)
	s.in.Store(false)
	return len(p), nil
}

func execOneWriter(t *env) {
	w := &single{}
	cmd := hutch.Shell(`i=0; while [ $i -lt 300 ]; do echo oooo; echo eeee >&2; i=$((i+1)); done; printf end`)
	cmd.Stdout, cmd.Stderr = w, w
	t.run(cmd)
	cmd = hutch.Shell(printMuch)
	cmd.Stdout, cmd.Stderr = w, w
	t.run(cmd)
	if w.bad.Load() {
		t.Error("the writer is called by two at once")
	}
	if got, want := len(w.buf), 300*10+3+4*mib; got != want {
		t.Errorf("%d bytes arrive, want %d", got, want)
	}
}

// watcher is a writer that tells when it has seen something.
type watcher struct {
	buffer
	want string
	once sync.Once
	seen chan struct{}
}

func watchFor(want string) *watcher { return &watcher{want: want, seen: make(chan struct{})} }

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	if strings.Contains(w.String(), w.want) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}

func execLive(t *env) {
	script := `echo ready %s; n=0; while [ ! -e go ] && [ $n -lt 2000 ]; do sleep 0.01; n=$((n+1)); done; [ -e go ] && echo done`
	for _, to := range []string{"", ">&2"} {
		w := watchFor("ready")
		cmd := hutch.Shell(fmt.Sprintf(script, to))
		cmd.Stdout, cmd.Stderr = w, w
		go func() {
			select {
			case <-w.seen:
				_, err := hutch.WriteFile(t.ctx, t.b, "go", nil, nil)
				if err != nil {
					t.Errorf("writing while a command runs: %v", err)
				}
			case <-t.ctx.Done():
			}
		}()
		if o := t.run(cmd); o.ExitCode != 0 || !strings.Contains(w.String(), "done") {
			t.Errorf("the output %q is not seen before the command ends: %+v", w.String(), o.Result)
		}
		hutch.RemoveAll(t.ctx, t.b, "go")
	}
}

var errWriter = errors.New("the writer failed")

func execFailingWriter(t *env) {
	for _, script := range []string{"echo x", printMuch} {
		for _, to := range []string{"out", "err"} {
			cmd := hutch.Shell(script + "; echo end; echo end >&2")
			fail := writerFunc(func([]byte) (int, error) { return 0, errWriter })
			if to == "out" {
				cmd.Stdout = fail
			} else {
				cmd.Stderr = fail
			}
			o, err := t.exec(t.ctx, cmd)
			if err == nil && o.ExitCode == 0 {
				t.Errorf("a command whose std%s writer failed is a success", to)
			}
			if err != nil && !errors.Is(err, errWriter) {
				t.Errorf("a command whose std%s writer failed: %v, want the error of the writer", to, err)
			}
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func execCapture(t *env) {
	c := &hutch.Capture{Max: 20}
	cmd := hutch.Shell(`printf 0123456789; ` + printMuch + `; printf abcdefghij`)
	cmd.Stdout = c
	t.run(cmd)
	if want := int64(2*mib + 20); c.Len() != want || c.Dropped() != want-20 {
		t.Errorf("of %d bytes %d were dropped, want %d and %d", c.Len(), c.Dropped(), want, want-20)
	}
	got := string(c.Bytes())
	if !strings.HasPrefix(got, "0123456789\n") || !strings.HasSuffix(got, "\nabcdefghij") || !strings.Contains(got, fmt.Sprint(2*mib)) {
		t.Errorf("what is kept is %q", got)
	}
	small := &hutch.Capture{}
	cmd = hutch.Shell("printf small")
	cmd.Stdout = small
	t.run(cmd)
	if small.String() != "small" || small.Dropped() != 0 {
		t.Errorf("what is kept is %q, %d dropped", small.String(), small.Dropped())
	}
}

func execStdin(t *env) {
	all, _ := all256()
	for _, content := range []string{"", "x", "line\n", all, large(mib)} {
		cmd := &hutch.Cmd{Args: []string{"cat"}, Stdin: strings.NewReader(content)}
		if o := t.run(cmd); o.out != content || o.ExitCode != 0 {
			t.Errorf("cat prints %d bytes of %d: %s, %+v", len(o.out), len(content), short(o.out), o.Result)
		}
	}
}

func execNoStdin(t *env) {
	if o := t.run(hutch.Shell("cat; echo end")); o.out != "end\n" {
		t.Errorf("without Stdin a command reads %q", o.out)
	}
}

func execStdinUnread(t *env) {
	for name, stdin := range map[string]io.Reader{
		"8 MiB":   strings.NewReader(strings.Repeat("x", 8*mib)),
		"no end":  readerFunc(func(p []byte) (int, error) { return len(p), nil }),
		"a line":  strings.NewReader("x\n"),
		"nothing": strings.NewReader(""),
	} {
		cmd := hutch.Shell("echo started; exit 7")
		cmd.Stdin = stdin
		if o := t.run(cmd); o.ExitCode != 7 || o.out != "started\n" {
			t.Errorf("a command that reads nothing of %s: %+v", name, o)
		}
	}
	cmd := &hutch.Cmd{Args: []string{"head", "-c", "5"}, Stdin: strings.NewReader(strings.Repeat("x", 8*mib))}
	if o := t.run(cmd); o.ExitCode != 0 || o.out != "xxxxx" {
		t.Errorf("a command that reads a part: %+v", o)
	}
}

func execStdinBlocked(t *env) {
	r, w := io.Pipe()
	defer w.Close()
	cmd := hutch.Shell("echo started; exit 7")
	cmd.Stdin = r
	if o := t.run(cmd); o.ExitCode != 7 || o.out != "started\n" {
		t.Errorf("a command with a Stdin that gives nothing: %+v", o)
	}
}
