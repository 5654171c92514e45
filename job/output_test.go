package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// TestOrder: what came in one order is read in it, and each stream by itself.
func TestOrder(t *testing.T) {
	f := newFake(map[string]program{"p": prints(func(out, err io.Writer) {
		io.WriteString(out, "a")
		io.WriteString(err, "B")
		io.WriteString(err, "C")
		io.WriteString(out, "d")
	})})
	j := mustNew(t, f, nil)
	id := start(t, j, "p")
	s := wait(t, j, id)
	if s.Stdout != 2 || s.Stderr != 2 || s.Lost != 0 || len(s.Files) > 0 {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct {
		o    ReadOptions
		want string
		next int64
	}{
		{ReadOptions{}, "a[BC]d", 4},
		{ReadOptions{Stream: Stdout}, "ad", 2},
		{ReadOptions{Stream: Stderr}, "[BC]", 2},
		{ReadOptions{From: 2}, "[C]d", 4},
		{ReadOptions{From: 4}, "", 4},
		{ReadOptions{Max: 2}, "a[B]", 2},
		{ReadOptions{Stream: Stderr, From: 1}, "[C]", 2},
		{ReadOptions{Stream: Stdout, Max: 1}, "a", 1},
	} {
		got := read(t, j, id, c.o)
		if text(got) != c.want || got.Next != c.next || got.Gone != 0 || got.End == got.More {
			t.Errorf("%+v: %q, %+v", c.o, text(got), got)
		}
	}
	for _, o := range []ReadOptions{{From: 5}, {From: -1}, {Max: -1}, {Stream: 3}, {Stream: Stdout, From: 3}} {
		if _, err := j.Read(t.Context(), id, &o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestCharacters: neither the writes of a command, nor the other stream, nor
// the size of a chunk part a character.
func TestCharacters(t *testing.T) {
	const word = "aä€😀" // one to four bytes
	f := newFake(map[string]program{"p": prints(func(out, err io.Writer) {
		for i := range len(word) {
			io.WriteString(out, word[i:i+1])
			io.WriteString(err, "-")
		}
		io.WriteString(out, "\xe2\x82") // never finished
	})})
	j := mustNew(t, f, nil)
	id := start(t, j, "p")
	wait(t, j, id)
	all := read(t, j, id, ReadOptions{})
	for _, p := range all.Pieces[:len(all.Pieces)-1] {
		if !utf8.Valid(p.Data) {
			t.Errorf("a piece with half a character: %q", p.Data)
		}
	}
	for max := 1; max <= 12; max++ {
		var got []byte
		for from := int64(0); ; {
			c := read(t, j, id, ReadOptions{Stream: Stdout, From: from, Max: max})
			if c.Next == from {
				t.Fatalf("max %d: no progress at %d", max, from)
			}
			if c.Next <= int64(len(word)) && !utf8.Valid(c.Bytes()) || len(c.Bytes()) > max && utf8.RuneCount(c.Bytes()) != 1 {
				t.Errorf("max %d: chunk %q", max, c.Bytes())
			}
			got, from = append(got, c.Bytes()...), c.Next
			if c.End {
				break
			}
		}
		if string(got) != word+"\xe2\x82" {
			t.Errorf("max %d: %q", max, got)
		}
	}
}

// TestBytes: output that is no text comes through as it is.
func TestBytes(t *testing.T) {
	data := make([]byte, 100<<10)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(data)
	f := newFake(map[string]program{"p": prints(func(out, _ io.Writer) {
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+int(r.Uint64()%5000))
			out.Write(rest[:n])
			rest = rest[n:]
		}
	})})
	j := mustNew(t, f, nil)
	id := start(t, j, "p")
	wait(t, j, id)
	if got := readAll(t, j, id, Merged, 777); !bytes.Equal(got, data) {
		t.Error("other bytes")
	}
}

// readAll reads to the end of a job that has ended, and wants nothing gone.
func readAll(t testing.TB, j *Jobs, id string, s Stream, max int) (all []byte) {
	t.Helper()
	for from := int64(0); ; {
		c := read(t, j, id, ReadOptions{Stream: s, From: from, Max: max})
		if c.Gone > 0 {
			t.Fatalf("%d bytes gone before %d", c.Gone, c.Next)
		}
		all, from = append(all, c.Bytes()...), c.Next
		if c.End {
			return all
		}
	}
}

// TestWaiting: a reader that is faster than the writer.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"p": prints(func(out, err io.Writer) {
			for i := range 5 {
				time.Sleep(time.Second)
				fmt.Fprint(out, i)
				fmt.Fprint(err, "noise")
			}
			time.Sleep(time.Second)
		})})
		j := mustNew(t, f, nil)
		id := start(t, j, "p")
		began := time.Now()
		if c := read(t, j, id, ReadOptions{Wait: 500 * time.Millisecond}); text(c) != "" || c.End || c.More || time.Since(began) != 500*time.Millisecond {
			t.Errorf("nothing yet: %+v after %v", c, time.Since(began))
		}
		var got string
		for from := int64(0); ; {
			c := read(t, j, id, ReadOptions{Stream: Stdout, From: from, Wait: time.Hour})
			got, from = got+text(c)+";", c.Next
			if c.End {
				break
			}
		}
		if got != "0;1;2;3;4;;" || time.Since(began) != 6*time.Second {
			t.Errorf("%q after %v", got, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		other := start(t, j, "p")
		if _, err := j.Read(ctx, other, &ReadOptions{Stream: Stderr, From: 0, Wait: time.Hour}); err == nil {
			_, err = j.Read(ctx, other, &ReadOptions{Stream: Stderr, From: 5, Wait: time.Hour})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("waiting longer than its context: %v", err)
			}
		}
	})
}

// lines prints n numbered lines, some of them as errors.
func lines(n int) func(out, err io.Writer) {
	return func(out, err io.Writer) {
		for i := range n {
			if i%7 == 0 {
				fmt.Fprintf(err, "error %d\n", i)
			} else {
				fmt.Fprintf(out, "line %d\n", i)
			}
		}
	}
}

func wantLines(n int) (merged, out, errs string) {
	var m, o, e strings.Builder
	lines(n)(io.MultiWriter(&m, &o), io.MultiWriter(&m, &e))
	return m.String(), o.String(), e.String()
}

// TestSpill: more than memory holds is in the workspace, and is read from there
// with its order and its streams.
func TestSpill(t *testing.T) {
	const n = 200_000
	f := newFake(map[string]program{"p": prints(lines(n))})
	j := mustNew(t, f, &Options{Memory: 64 << 10})
	id := start(t, j, "p")
	s := wait(t, j, id)
	if s.Lost != 0 || s.LostWhy != nil || len(s.Files) < 2 {
		t.Fatalf("%+v", s)
	}
	merged, out, errs := wantLines(n)
	for s, want := range map[Stream]string{Merged: merged, Stdout: out, Stderr: errs} {
		if got := readAll(t, j, id, s, 300<<10); string(got) != want {
			t.Errorf("stream %d: %d bytes, want %d", s, len(got), len(want))
		}
	}
	var whole []byte
	for _, name := range s.Files {
		if !strings.HasPrefix(name, ".hutch/out/"+id+"-") {
			t.Errorf("a file %s", name)
		}
		data, err := hutch.ReadFile(t.Context(), f, name)
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, data...)
	}
	if !strings.HasPrefix(merged, string(whole)) {
		t.Error("the files do not hold what was printed")
	}
	if seen, err := hutch.Collect(hutch.Glob(t.Context(), f, "**/*.log", nil)); err != nil || len(seen) > 0 {
		t.Errorf("a search finds them: %v, %v", seen, err)
	}
}

// TestGone: what is no longer kept is counted, and offsets stay what they were.
func TestGone(t *testing.T) {
	const n = 200_000
	merged, out, _ := wantLines(n)
	for name, o := range map[string]*Options{
		"memory only": {Memory: 64 << 10, Spill: -1},
		"spill bound": {Memory: 64 << 10, Spill: 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(map[string]program{"p": prints(lines(n))})
			j := mustNew(t, f, o)
			id := start(t, j, "p")
			s := wait(t, j, id)
			if s.Lost == 0 || s.LostWhy != nil {
				t.Errorf("%+v", s)
			}
			for stream, want := range map[Stream]string{Merged: merged, Stdout: out} {
				var got []byte
				first := read(t, j, id, ReadOptions{Stream: stream, From: 10})
				if stream == Merged && first.Gone != s.Lost-10 {
					t.Errorf("%d gone from offset 10, %d lost in all", first.Gone, s.Lost)
				}
				got = first.Bytes()
				for c := first; !c.End; {
					c = read(t, j, id, ReadOptions{Stream: stream, From: c.Next})
					if c.Gone > 0 {
						t.Fatalf("a second gap of %d", c.Gone)
					}
					got = append(got, c.Bytes()...)
				}
				if string(got) != want[10+first.Gone:] {
					t.Errorf("stream %d: other bytes after the gap of %d", stream, first.Gone)
				}
			}
			if kept := int64(len(merged)) - s.Lost; o.Spill > 0 && kept > o.Spill+SegmentSize+2*int64(o.Memory) {
				t.Errorf("%d bytes are kept", kept)
			}
			files, _ := hutch.Collect(hutch.Glob(t.Context(), f, "**/*.log", &hutch.GlobOptions{Hidden: true}))
			if len(files) != len(s.Files) {
				t.Errorf("%d files, %d known", len(files), len(s.Files))
			}
		})
	}
}

// TestOneStreamGone: a stream of which nothing is left says so.
func TestOneStreamGone(t *testing.T) {
	f := newFake(map[string]program{"p": prints(func(out, err io.Writer) {
		io.WriteString(out, "early")
		io.WriteString(err, strings.Repeat("x", 1<<20))
	})})
	j := mustNew(t, f, &Options{Memory: 64 << 10, Spill: -1})
	id := start(t, j, "p")
	wait(t, j, id)
	if c := read(t, j, id, ReadOptions{Stream: Stdout, From: 1}); c.Gone != 4 || c.Next != 5 || !c.End || len(c.Pieces) > 0 {
		t.Errorf("%+v", c)
	}
}
