package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// stubborn is a backend whose changes take as long as they like, whatever
// becomes of their contexts.
type stubborn struct {
	*state.Backend
	begun, release chan struct{}
}

func (s stubborn) Remove(ctx context.Context, name string) error {
	s.begun <- struct{}{}
	<-s.release
	return s.Backend.Remove(context.WithoutCancel(ctx), name)
}

// TestSettled cancels a change that cannot be stopped any more: the client waits
// to hear what became of it, though not for ever.
func TestSettled(t *testing.T) {
	for _, patient := range []bool{true, false} {
		s := stubborn{state.New(nil), make(chan struct{}), make(chan struct{})}
		if _, err := hutch.WriteFile(t.Context(), s, "f", nil, nil); err != nil {
			t.Fatal(err)
		}
		c := newLink(t, s).c
		if c.grace = time.Minute; !patient {
			c.grace = 10 * time.Millisecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		var err error
		asking.Go(func() { err = c.Remove(ctx, "f") })
		<-s.begun
		cancel()
		if patient {
			close(s.release)
			asking.Wait()
			if err != nil {
				t.Errorf("a removal that was done: %v", err)
			}
			continue
		}
		asking.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a removal that hangs: %v, want context.Canceled", err)
		}
		close(s.release)
	}
}

var errWriter = errors.New("the writer failed")

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestWriterFails ends a command that would go on for ever.
func TestWriterFails(t *testing.T) {
	c := far(t, unconfined(t))
	for _, w := range []writer{
		func([]byte) (int, error) { return 0, errWriter },
		func(p []byte) (int, error) { return len(p) - 1, nil },
	} {
		cmd := hutch.Shell("trap '' TERM; while :; do echo x; sleep 0.01; done")
		cmd.Stdout = w
		if res, err := c.Exec(t.Context(), cmd); !errors.Is(err, errWriter) && !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a command whose writer fails: %+v, %v", res, err)
		}
	}
}

// TestReaderFails wants the caller's own error.
func TestReaderFails(t *testing.T) {
	errReader := errors.New("the reader failed")
	c := far(t, state.New(nil))
	for _, n := range []int{0, 10, 1 << 20} {
		r := io.MultiReader(bytes.NewReader(make([]byte, n)), reader(func([]byte) (int, error) { return 0, errReader }))
		if _, err := c.Write(t.Context(), "f", r, nil); !errors.Is(err, errReader) || errors.Is(err, ErrLost) {
			t.Errorf("a reader that fails after %d bytes: %v", n, err)
		}
	}
}
