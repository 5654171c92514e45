package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/state"
)

// choppy is a connection that gives what goes over it in other pieces, sooner
// and later than it was sent.
type choppy struct {
	net.Conn
	mu  sync.Mutex
	rnd *rand.Rand
}

func chop(c net.Conn) net.Conn { return &choppy{Conn: c, rnd: rand.New(rand.NewPCG(1, 2))} }

func (c *choppy) upTo(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rnd.IntN(400) == 0 {
		time.Sleep(time.Duration(c.rnd.IntN(300)) * time.Microsecond)
	}
	return 1 + c.rnd.IntN(min(n, []int{1, 3, 20, 4000, 100_000}[c.rnd.IntN(5)]))
}

func (c *choppy) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return c.Conn.Read(p[:c.upTo(len(p))])
}

func (c *choppy) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := c.Conn.Write(p[done : done+c.upTo(len(p)-done)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func TestChoppy(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return farOver(t, state.New(nil), chop) })
}

// breakage is what happens to one byte of a stream, or from it on.
type breakage struct {
	kind    string // cut, flip, drop, twice
	toThem  bool   // the direction
	at      int64
	counted *[2]atomic.Int64
}

// evil is the client's end of a connection with a breakage.
type evil struct {
	net.Conn
	breakage
	pos [2]int64 // read and written so far, each by one goroutine
}

func (e *evil) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := e.Conn.Read(p[:(len(p)+1)/2]) // room for what comes twice
	b, cut := e.spoil(0, p[:n])
	if cut {
		e.Conn.Close()
		return len(b), io.EOF
	}
	return copy(p, b), err
}

func (e *evil) Write(p []byte) (int, error) {
	b, cut := e.spoil(1, bytes.Clone(p))
	_, err := e.Conn.Write(b)
	if cut {
		e.Conn.Close()
		return 0, io.ErrClosedPipe
	}
	return len(p), err
}

// spoil does to b what is to happen to it.
func (e *evil) spoil(dir int, b []byte) (spoiled []byte, cut bool) {
	at := e.at - e.pos[dir]
	e.pos[dir] += int64(len(b))
	e.counted[dir].Add(int64(len(b)))
	if e.toThem != (dir == 1) || at < 0 || at >= int64(len(b)) {
		return b, false
	}
	switch e.kind {
	case "cut":
		return b[:at], true
	case "flip":
		b[at] ^= 1 << (e.at % 8)
	case "drop":
		return append(b[:at:at], b[at+1:]...), false
	case "twice":
		n := min(len(b)-int(at), 1+int(e.at%40))
		return append(b[:int(at)+n:int(at)+n], b[at:]...), false
	}
	return b, false
}

// echo is a state with commands: each prints its input, its arguments and the
// first of its signals.
type echo struct{ *state.Backend }

func (e echo) Signals() []string { return []string{"SIGUSR1", "SIGUSR2"} }

func (e echo) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	in, err := io.ReadAll(cmd.Stdin)
	signal := ""
	select {
	case signal = <-cmd.Signals:
	case <-ctx.Done():
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return hutch.Result{}, err
	}
	fmt.Fprintf(cmd.Stdout, "%s|%s|%s", in, cmd.Args, signal)
	fmt.Fprint(cmd.Stderr, "err")
	return hutch.Result{ExitCode: 7, Duration: time.Second}, nil
}

const (
	oldText = "what was there before"
	limit   = 250 * time.Millisecond // for one operation
)

var newText = func() string {
	var b bytes.Buffer
	for i := range 60 {
		fmt.Fprintf(&b, "line %d of the new version\n", i)
	}
	return b.String()
}()

// small uses every kind of operation once, through a connection with a breakage.
func small(t *testing.T, how breakage) {
	far := echo{state.New(nil)}
	for _, name := range []string{"old", "gone", "d/a", "d/b"} {
		if _, err := hutch.WriteFile(t.Context(), far, name, []byte(oldText), nil); err != nil {
			t.Fatal(err)
		}
	}
	mine, theirs := pair(t)
	var serving sync.WaitGroup
	serve, end := context.WithCancel(context.Background())
	serving.Go(func() { _ = ServeConn(serve, theirs, NewHandler(far, nil)) })
	defer serving.Wait()
	defer end()
	defer mine.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	c, err := DialConn(ctx, &evil{Conn: mine, breakage: how})
	cancel()
	if err != nil {
		return
	}
	defer c.Close()
	c.grace = 100 * time.Millisecond
	use(t, c, how)
	c.Close()
	end() // net/http would wait for a second after an error of the protocol
	serving.Wait()
	for name, want := range map[string][]string{"old": {oldText, newText}, "new": {newText, ""}, "gone": {oldText, ""}, "d/a": {oldText}} {
		data, err := hutch.ReadFile(t.Context(), far, name)
		ok := err == nil && (string(data) == want[0] || len(want) > 1 && want[1] != "" && string(data) == want[1])
		if !ok && !(errors.Is(err, fs.ErrNotExist) && want[len(want)-1] == "") {
			t.Errorf("%+v: the far side has %s = %q, %v", how, name, data, err)
		}
	}
}

// use fails if an operation gives a wrong answer or none.
func use(t *testing.T, c *Client, how breakage) {
	hangs := false // and so would the rest
	try := func(what string, f func(ctx context.Context) (string, error), want string) {
		if hangs {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		start := time.Now()
		got, err := f(ctx)
		hangs = errors.Is(err, context.DeadlineExceeded)
		if err == nil && got != want {
			t.Errorf("%+v: %s gives %q, want %q", how, what, got, want)
		}
		if how.kind == "" && err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%+v: %s takes %s", how, what, took)
		}
	}
	try("write", func(ctx context.Context) (string, error) {
		i, err := hutch.WriteFile(ctx, c, "new", []byte(newText), nil)
		return fmt.Sprint(i.Name, i.Size), err
	}, fmt.Sprint("new", len(newText)))
	try("read", func(ctx context.Context) (string, error) {
		b, err := hutch.ReadFile(ctx, c, "d/a")
		return string(b), err
	}, oldText)
	try("replace", func(ctx context.Context) (string, error) {
		_, err := hutch.WriteFile(ctx, c, "old", []byte(newText), nil)
		return "", err
	}, "")
	try("list", func(ctx context.Context) (string, error) {
		all, err := hutch.Collect(c.List(ctx, "d"))
		s := ""
		for _, i := range all {
			s += i.Name + " "
		}
		return s, err
	}, "d/a d/b ")
	try("grep", func(ctx context.Context) (string, error) {
		all, err := hutch.Collect(c.Grep(ctx, hutch.Query{Pattern: "before", Dir: "d"}))
		return fmt.Sprint(len(all)), err
	}, "2")
	try("exec", func(ctx context.Context) (string, error) {
		var out, errs bytes.Buffer
		signals := make(chan string, 1)
		signals <- "SIGUSR1"
		res, err := c.Exec(ctx, &hutch.Cmd{Args: []string{"x", "y"}, Stdin: bytes.NewReader([]byte("in")), Stdout: &out, Stderr: &errs, Signals: signals})
		if s := out.String(); len(s) > 0 && s != "in|[x y]|SIGUSR1" {
			t.Errorf("%+v: exec prints %q", how, s)
		}
		return out.String() + errs.String() + fmt.Sprint(res.ExitCode), err
	}, "in|[x y]|SIGUSR1err7")
	try("remove", func(ctx context.Context) (string, error) { return "", c.Remove(ctx, "gone") }, "")
}

// TestBroken breaks a small exchange at every byte, in every way.
func TestBroken(t *testing.T) {
	defer func(q, p time.Duration) { quiet, patience = q, p }(quiet, patience)
	quiet, patience = 60*time.Millisecond, 60*time.Millisecond
	var counted [2]atomic.Int64
	small(t, breakage{at: -1, counted: &counted})
	if t.Failed() {
		return
	}
	size := [2]int64{counted[0].Load(), counted[1].Load()}
	t.Logf("%d bytes come and %d go", size[0], size[1])
	step := int64(3)
	if testing.Short() || raceEnabled {
		step = 41
	}
	log.SetOutput(io.Discard) // net/http has much to say about what is broken
	defer log.SetOutput(os.Stderr)
	todo := make(chan breakage)
	var workers sync.WaitGroup
	for range 24 { // most of what hangs, waits
		workers.Go(func() {
			for how := range todo {
				small(t, how)
			}
		})
	}
	for dir, n := range size {
		for k, kind := range []string{"cut", "flip", "drop", "twice"} {
			for at := int64(k); at < n && !t.Failed(); at += step {
				todo <- breakage{kind: kind, toThem: dir == 1, at: at, counted: &counted}
			}
		}
	}
	close(todo)
	workers.Wait()
}
