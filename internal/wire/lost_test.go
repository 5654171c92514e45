package wire

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// link is a client and the two ends of its connection.
type link struct {
	c            *Client
	mine, theirs net.Conn
	over         chan struct{} // closed when ServeConn has returned
	cancel       context.CancelFunc
	served       error
	backend      hutch.Backend
}

func newLink(t testing.TB, b hutch.Backend) *link {
	t.Helper()
	l := &link{over: make(chan struct{}), backend: b}
	l.mine, l.theirs = pair(t)
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(l.over)
		l.served = ServeConn(ctx, l.theirs, NewHandler(b, nil))
	}()
	var err error
	l.c, err = DialConn(t.Context(), l.mine)
	t.Cleanup(func() { l.cancel(); l.mine.Close(); <-l.over })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.c.Close() })
	return l
}

// started is a writer that tells when something was written.
type started struct {
	once sync.Once
	ch   chan struct{}
}

func (s *started) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.ch) })
	return len(p), nil
}

const beats = `trap '' TERM INT HUP; printf . > beat; echo ready; while :; do printf . >> beat; sleep 0.02; done`

// stuckOps are operations that do not end by themselves, and how each begins.
func stuckOps(t *testing.T, c *Client) map[string]func(begun func()) error {
	return map[string]func(begun func()) error{
		"exec": func(begun func()) error {
			out := &started{ch: make(chan struct{})}
			cmd := hutch.Shell(beats)
			cmd.Stdout = out
			go func() { <-out.ch; begun() }()
			_, err := c.Exec(t.Context(), cmd)
			return err
		},
		"write": func(begun func()) error {
			n := 0
			_, err := c.Write(t.Context(), "half", reader(func(p []byte) (int, error) {
				if n += len(p); n > 1<<20 {
					begun()
					time.Sleep(time.Millisecond) // and goes on for ever
				}
				return len(p), nil
			}), nil)
			return err
		},
		"read": func(begun func()) error {
			f, err := c.Open(t.Context(), "large")
			if err != nil {
				return err
			}
			defer f.Close()
			begun()
			<-c.Lost()
			_, err = io.Copy(io.Discard, f)
			return err
		},
	}
}

type reader func(p []byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

// TestLost ends a connection in every way while operations are under way.
func TestLost(t *testing.T) {
	ways := map[string]struct {
		end  func(l *link)
		want error
	}{
		"cut by us":         {func(l *link) { l.mine.Close() }, ErrLost},
		"cut by them":       {func(l *link) { l.theirs.Close() }, ErrLost},
		"the server ends":   {func(l *link) { l.cancel() }, ErrLost},
		"the client closes": {func(l *link) { l.c.Close() }, hutch.ErrClosed},
	}
	for way, w := range ways {
		t.Run(way, func(t *testing.T) { lose(t, w.end, w.want) })
	}
}

func lose(t *testing.T, end func(*link), want error) {
	sb := unconfined(t)
	l := newLink(t, sb)
	if _, err := hutch.WriteFile(t.Context(), sb, "large", make([]byte, 32<<20), nil); err != nil {
		t.Fatal(err)
	}
	var begun, ended sync.WaitGroup
	for name, op := range stuckOps(t, l.c) {
		begun.Add(1)
		ended.Go(func() {
			err := op(sync.OnceFunc(begun.Done))
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
			var pe *fs.PathError
			if !errors.As(err, &pe) || pe.Op == "" || pe.Path == "" {
				t.Errorf("%s: %#v, want a PathError", name, err)
			}
		})
	}
	begun.Wait()
	end(l)
	ended.Wait()
	<-l.c.Lost()
	<-l.over // and so nothing of the requests is left
	if _, err := sb.Stat(t.Context(), "half"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file was written: %v", err)
	}
	before, err := sb.Stat(t.Context(), "beat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sb.Exec(t.Context(), hutch.Shell("sleep 0.2")); err != nil {
		t.Fatal(err)
	}
	if after, err := sb.Stat(t.Context(), "beat"); err != nil || after.Size != before.Size {
		t.Errorf("the command lives on: %d bytes grow to %d, %v", before.Size, after.Size, err)
	}
	if _, err := l.c.Stat(t.Context(), "large"); !errors.Is(err, want) {
		t.Errorf("afterwards Stat is %v, want %v", err, want)
	}
}

// TestVanished has a far side that hangs found by asking it.
func TestVanished(t *testing.T) {
	defer func(q, p time.Duration) { quiet, patience = q, p }(quiet, patience)
	quiet, patience = 50*time.Millisecond, 50*time.Millisecond
	mine, theirs := pair(t)
	hung := &hang{Conn: mine, stop: make(chan struct{})}
	serve, end := context.WithCancel(context.Background())
	defer end()
	go func() { _ = ServeConn(serve, theirs, NewHandler(state.New(nil), nil)) }()
	c, err := DialConn(t.Context(), hung)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	close(hung.stop)
	if _, err := c.Stat(t.Context(), "."); !errors.Is(err, ErrLost) {
		t.Errorf("Stat of a far side that hangs: %v, want ErrLost", err)
	}
	<-c.Lost()
}

// hang is a connection over which nothing comes once it has stopped.
type hang struct {
	net.Conn
	stop chan struct{}
}

func (h *hang) Read(p []byte) (int, error) {
	for {
		n, err := h.Conn.Read(p)
		select {
		case <-h.stop:
			if err != nil {
				return 0, err
			}
		default:
			return n, err
		}
	}
}

// TestServeConn wants the reason for the end, and no request left behind it.
func TestServeConn(t *testing.T) {
	l := newLink(t, state.New(nil))
	l.c.Close()
	<-l.over
	if l.served != nil {
		t.Errorf("a connection that has ended: %v", l.served)
	}
	l = newLink(t, state.New(nil))
	l.cancel()
	<-l.over
	if !errors.Is(l.served, context.Canceled) {
		t.Errorf("a context that has ended: %v", l.served)
	}
	mine, theirs := pair(t)
	_, _ = mine.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	if err := ServeConn(t.Context(), theirs, NewHandler(state.New(nil), nil)); err == nil {
		t.Error("HTTP/1.1 on a stream is served")
	}
	mine.Close()
}

// TestDialNothing wants an error from what speaks no HTTP/2, or nothing at all.
func TestDialNothing(t *testing.T) {
	mine, theirs := pair(t)
	other := theirs
	go func() { _, _ = other.Write([]byte(strings.Repeat("SSH-2.0-x\r\n", 1000))); other.Close() }()
	if _, err := DialConn(t.Context(), mine); !errors.Is(err, ErrLost) {
		t.Errorf("DialConn to something else: %v, want ErrLost", err)
	}
	mine, theirs = pair(t)
	defer theirs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := DialConn(ctx, mine); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("DialConn to silence: %v", err)
	}
	if _, err := mine.Write([]byte("x")); err == nil {
		t.Error("a DialConn that fails leaves the connection open")
	}
}

// TestCrowd has many requests that nobody serves on, and others that pass them.
func TestCrowd(t *testing.T) {
	sb := unconfined(t)
	c := newLink(t, sb).c
	if _, err := hutch.WriteFile(t.Context(), sb, "large", make([]byte, 8<<20), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range 12 {
		out := &started{ch: make(chan struct{})}
		all.Go(func() { // eats nothing of its endless input
			cmd := hutch.Shell("echo; while [ ! -e go ]; do sleep 0.05; done")
			cmd.Stdin, cmd.Stdout = reader(func(p []byte) (int, error) { return len(p), nil }), out
			if _, err := c.Exec(ctx, cmd); err != nil {
				t.Error(err)
			}
		})
		<-out.ch
		f, err := c.Open(t.Context(), "large") // and is not read
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if _, err := hutch.WriteFile(t.Context(), c, "new", make([]byte, 8<<20), nil); err != nil {
		t.Error(err)
	}
	if data, err := hutch.ReadFile(t.Context(), c, "new"); err != nil || len(data) != 8<<20 {
		t.Error(len(data), err)
	}
	if _, err := hutch.WriteFile(t.Context(), c, "go", nil, nil); err != nil {
		t.Error(err)
	}
	all.Wait()
}
