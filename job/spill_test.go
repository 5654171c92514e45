package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// TestRefused: where the workspace takes no files the newest output is there,
// and the reason.
func TestRefused(t *testing.T) {
	f := newFake(map[string]program{"p": prints(lines(100_000))})
	tries := 0
	no := backendtest.Faulty(f.Backend, func(op, name string) error {
		if op == "write" {
			tries++
			return fs.ErrPermission
		}
		return nil
	})
	j := mustNew(t, f, &Options{Memory: 64 << 10, Keep: no})
	id := start(t, j, "p")
	s := wait(t, j, id)
	if s.Lost == 0 || !errors.Is(s.LostWhy, fs.ErrPermission) || len(s.Files) > 0 {
		t.Errorf("%+v", s)
	}
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}
	merged, _, _ := wantLines(100_000)
	c := read(t, j, id, ReadOptions{})
	if c.Gone != s.Lost || !strings.HasPrefix(merged[c.Gone:], string(c.Bytes())) {
		t.Errorf("%d gone, %d lost", c.Gone, s.Lost)
	}
}

// TestHole: one file that could not be written is a gap between others.
func TestHole(t *testing.T) {
	f := newFake(map[string]program{"p": prints(lines(250_000))})
	tries := 0
	b := backendtest.Faulty(f.Backend, func(op, name string) error {
		if op == "write" && strings.HasSuffix(name, ".log") {
			if tries++; tries == 2 {
				return errors.New("the disk is full")
			}
		}
		return nil
	})
	j := mustNew(t, f, &Options{Memory: 64 << 10, Keep: b})
	id := start(t, j, "p")
	s := wait(t, j, id)
	if s.Lost == 0 || s.LostWhy == nil || len(s.Files) < 2 {
		t.Fatalf("%+v", s)
	}
	holds(t, j, id, 250_000, s.Lost)
}

// TestTouched: a file that a command has changed or removed is not read.
func TestTouched(t *testing.T) {
	f := newFake(map[string]program{"p": prints(lines(250_000))})
	j := mustNew(t, f, &Options{Memory: 64 << 10})
	id := start(t, j, "p")
	s := wait(t, j, id)
	old, err := hutch.ReadFile(t.Context(), f, s.Files[1])
	if err != nil || len(s.Files) < 3 {
		t.Fatal(err, s.Files)
	}
	old[100] ^= 1
	if _, err := hutch.WriteFile(t.Context(), f, s.Files[1], old, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(t.Context(), s.Files[2]); err != nil {
		t.Fatal(err)
	}
	holds(t, j, id, 250_000, -1)
	after, _ := j.Status(id)
	if len(after.Files) != len(s.Files)-2 || after.Lost < int64(len(old)) {
		t.Errorf("%d files, %d lost", len(after.Files), after.Lost)
	}
}

// holds reads all, and checks that every byte is right or counted as gone. lost
// is how many are, -1 for what the status says in the end.
func holds(t *testing.T, j *Jobs, id string, n int, lost int64) {
	t.Helper()
	merged, _, _ := wantLines(n)
	var gone int64
	for c := (Chunk{}); !c.End; {
		from := c.Next
		c = read(t, j, id, ReadOptions{From: from})
		gone += c.Gone
		if from += c.Gone; merged[from:c.Next] != string(c.Bytes()) {
			t.Fatalf("other bytes at %d", from)
		}
	}
	if lost < 0 {
		s, _ := j.Status(id)
		lost = s.Lost
	}
	if gone != lost || gone == 0 {
		t.Errorf("%d gone, %d lost", gone, lost)
	}
}

// TestKilledWhileSpilling: what was printed before the end is kept, and a
// backend that hangs does not keep the job from ending.
func TestKilledWhileSpilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"p": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			<-ctx.Done()
			lines(100_000)(cmd.Stdout, cmd.Stderr)
			return hutch.Result{}, ctx.Err()
		}})
		j := mustNew(t, f, &Options{Memory: 64 << 10})
		id := start(t, j, "p")
		synctest.Wait()
		if s, err := j.Kill(t.Context(), id); err != nil || s.Lost > 0 || len(s.Files) == 0 {
			t.Errorf("%+v, %v", s, err)
		}
		hung := mustNew(t, f, &Options{Memory: 64 << 10, Keep: hangs{f.Backend}})
		id = start(t, hung, "p")
		synctest.Wait()
		began := time.Now()
		s, err := hung.Kill(t.Context(), id)
		if err != nil || !errors.Is(s.LostWhy, context.Canceled) || time.Since(began) != spillGrace {
			t.Errorf("%+v, %v after %v", s, err, time.Since(began))
		}
	})
}

// hangs writes nothing until it must.
type hangs struct{ hutch.Backend }

func (h hangs) Write(ctx context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	<-ctx.Done()
	return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: ctx.Err()}
}

// discards keeps nothing of what it is given.
type discards struct{ hutch.Backend }

func (discards) Write(_ context.Context, name string, r io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	n, err := io.Copy(io.Discard, r)
	return hutch.Info{Name: name, Size: n, Rev: "1"}, err
}

// TestGigabyte: memory stays within its bounds, whatever a command prints.
func TestGigabyte(t *testing.T) {
	const size = 1 << 30
	var most uint64
	f := newFake(map[string]program{
		"big": prints(func(out, err io.Writer) {
			line := []byte(strings.Repeat("0123456789abcde\n", 2<<10))
			for i := 0; i < size/len(line); i++ {
				out.Write(line)
				if i%4096 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
			}
		}),
		"mixed": prints(func(out, err io.Writer) {
			for range 1 << 18 {
				out.Write([]byte("o"))
				err.Write([]byte("e"))
			}
		}),
	})
	j := mustNew(t, f, &Options{Keep: discards{f.Backend}})
	id := start(t, j, "big")
	s := wait(t, j, id)
	if s.Stdout != size || s.Lost == 0 || len(s.Files) > maxSegments {
		t.Errorf("%+v", s)
	}
	if most > 64<<20 {
		t.Errorf("%d MiB of heap", most>>20)
	}
	n, _ := j.find("", id)
	if n.out.held > DefaultMemory+2*SegmentSize {
		t.Errorf("%d bytes held", n.out.held)
	}
	id = start(t, j, "mixed")
	if s := wait(t, j, id); s.Stdout+s.Stderr != 1<<19 || len(s.Files) > maxSegments {
		t.Errorf("%+v", s)
	}
	n, _ = j.find("", id)
	for _, seg := range n.out.files {
		if len(seg.runs) > segmentPieces {
			t.Errorf("%d runs in one file", len(seg.runs))
		}
	}
	t.Logf("%d MiB of heap at most", most>>20)
}

// TestSlowReader: a reader behind a writer gets all that fits into the bounds.
func TestSlowReader(t *testing.T) {
	ch := make(chan func(out, err io.Writer))
	f := newFake(map[string]program{"p": step(ch)})
	j := mustNew(t, f, &Options{Memory: 64 << 10})
	id := start(t, j, "p")
	block := strings.Repeat("x", 99) + "\n"
	var next int64
	for i := range 50 {
		ch <- func(out, _ io.Writer) {
			for range 1000 {
				fmt.Fprintf(out, "%05d%s", i, block)
			}
		}
		c := read(t, j, id, ReadOptions{From: next, Max: 50_000, Wait: time.Minute})
		if c.Gone > 0 {
			t.Fatalf("%d gone", c.Gone)
		}
		next = c.Next
	}
	close(ch)
	wait(t, j, id)
	for c := (Chunk{Next: next}); !c.End; next = c.Next {
		if c = read(t, j, id, ReadOptions{From: c.Next}); c.Gone > 0 {
			t.Fatalf("%d gone", c.Gone)
		}
	}
	if want := int64(50 * 1000 * 105); next != want {
		t.Errorf("%d bytes, want %d", next, want)
	}
}
