package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
)

// body is a small body, and its frames.
func body() (all []byte, frames [][]byte) {
	s := sender{crc: seedOf(7)}
	for i, p := range []string{"head", "", "content", "content", "more"} {
		frames = append(frames, s.add(nil, byte(1+i%2), []byte(p)))
	}
	frames = append(frames, s.end(nil))
	return bytes.Join(frames, nil), frames
}

// received is what of a body is believed.
func received(b []byte, seed uint64) (got []string, err error) {
	r := receiver{r: bytes.NewReader(b), crc: seedOf(seed)}
	for {
		kind, p, err := r.frame(maxFrame)
		if err != nil {
			return got, err
		}
		if kind == kindEnd {
			return got, nil
		}
		got = append(got, fmt.Sprint(kind, string(p)))
	}
}

// TestFrames wants nothing believed that is not what was sent, frame by frame.
func TestFrames(t *testing.T) {
	all, frames := body()
	want, err := received(all, 7)
	if err != nil || len(want) != len(frames)-1 {
		t.Fatal(want, err)
	}
	check := func(what string, b []byte) {
		t.Helper()
		got, err := received(b, 7)
		if !errors.Is(err, errBroken) || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	for i := range all {
		check(fmt.Sprint("cut at ", i), all[:i])
		for bit := range 8 {
			b := bytes.Clone(all)
			b[i] ^= 1 << bit
			check(fmt.Sprintf("bit %d of byte %d", bit, i), b)
		}
	}
	for i := range frames {
		check(fmt.Sprint("without frame ", i), bytes.Join(slices.Delete(slices.Clone(frames), i, i+1), nil))
		if i+1 < len(frames) { // what comes after the end is not read
			check(fmt.Sprint("frame twice ", i), bytes.Join(slices.Insert(slices.Clone(frames), i, frames[i]), nil))
			swapped := slices.Clone(frames)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			check(fmt.Sprint("swapped ", i), bytes.Join(swapped, nil))
		}
	}
	if got, err := received(all, 8); !errors.Is(err, errBroken) || len(got) > 0 {
		t.Errorf("the answer to another request is believed: %q, %v", got, err)
	}
	s := sender{crc: seedOf(7)}
	s.total = 1 // a lie about the length
	check("wrong length", s.end(nil))
}

func TestFrameLimit(t *testing.T) {
	var s sender
	b := s.add(nil, kindData, make([]byte, maxFrame+1))
	r := receiver{r: bytes.NewReader(b)}
	if _, _, err := r.frame(maxFrame); !errors.Is(err, errBroken) {
		t.Errorf("a frame over the limit: %v", err)
	}
	// A large frame that is allowed is believed only as far as it comes.
	s = sender{}
	b = s.add(nil, kindHead, bytes.Repeat([]byte("x"), maxExecHead))
	r = receiver{r: bytes.NewReader(b)}
	if _, p, err := r.frame(maxExecHead); err != nil || len(p) != maxExecHead {
		t.Errorf("a large head: %d bytes, %v", len(p), err)
	}
	r = receiver{r: bytes.NewReader(b[:frameHeader+10])}
	if _, _, err := r.frame(maxExecHead); !errors.Is(err, errBroken) {
		t.Errorf("a large head that is not there: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	all, frames := body()
	f.Add(all)
	f.Add(frames[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := receiver{r: bytes.NewReader(b), crc: seedOf(7)}
		for {
			if _, _, err := r.frame(maxExecHead); err != nil {
				return
			}
		}
	})
}

func TestRecords(t *testing.T) {
	long := string(bytes.Repeat([]byte("é"), 3<<20))
	for _, m := range []hutch.Match{
		{Name: "a", Line: 1}, {Name: "a/b", Line: 1 << 30, Text: "x\xffy\n", Start: 1, End: 2, Context: true},
		{Name: "é", Line: 7, Text: long, Start: 5, End: len(long), Cut: true}, {Name: "n", Line: 2, Text: long[:1<<14]},
	} {
		b := appendMatch([]byte("before"), m)[6:]
		rec, rest, ok, err := next(append(b, "after"...), len(b))
		if err != nil || !ok || string(rest) != "after" {
			t.Fatal(ok, err, len(rest))
		}
		if got, err := decodeMatch(rec); err != nil || got != m {
			t.Errorf("%d bytes come back as %d, %v", len(m.Text), len(got.Text), err)
		}
		if got, err := decodeMatch(append(rec[:len(rec):len(rec)], "of a later version"...)); err != nil || got != m {
			t.Errorf("fields that are not known are not ignored: %v", err)
		}
	}
	for _, i := range []hutch.Info{
		{Name: "."}, {Name: "a", Size: 1 << 50, Mode: fs.ModeSymlink | 0o777, ModTime: time.Unix(-1, 999_999_999), Rev: "r\xff"},
		{Name: "b", ModTime: time.Unix(0, 0)}, {Name: "c", ModTime: time.Date(9999, 1, 1, 0, 0, 0, 1, time.UTC)},
	} {
		rec, _, _, err := next(appendInfo(nil, i), maxInfo)
		got, derr := decodeInfo(rec)
		if same := got.ModTime.Equal(i.ModTime) && got.ModTime.IsZero() == i.ModTime.IsZero(); err != nil || derr != nil || !same {
			t.Errorf("%+v comes back as %+v, %v", i, got, derr)
		}
		got.ModTime = i.ModTime
		if got != i {
			t.Errorf("%+v comes back as %+v", i, got)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(appendInfo(nil, hutch.Info{Name: "a", Size: 5, ModTime: time.Unix(1, 1)}))
	f.Add(appendMatch(nil, hutch.Match{Name: "a", Line: 1, Text: "text", Start: 1, End: 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			rec, rest, ok, err := next(b, maxInfo)
			if err != nil || !ok {
				return
			}
			if i, err := decodeInfo(rec); err == nil && (i.Size < 0 || hutch.CheckName("x", i.Name) != nil) {
				t.Errorf("%+v is believed", i)
			}
			if m, err := decodeMatch(rec); err == nil {
				_ = m.Text[m.Start:m.End]
			}
			b = rest
		}
	})
}

func TestFaults(t *testing.T) {
	both := fmt.Errorf("%w: %w", hutch.ErrConflict, fs.ErrExist)
	for _, err := range []error{
		fs.ErrNotExist, both, errors.New("of its own"), errors.New("no UTF-8 \xff\x00"), io.ErrUnexpectedEOF,
		&fs.PathError{Op: "open", Path: "a/\xff", Err: fs.ErrPermission},
		&fs.PathError{Op: "glob", Path: "[a", Err: fmt.Errorf("%w: why", fs.ErrInvalid)},
		fmt.Errorf("around: %w", &fs.PathError{Op: "write", Path: "f", Err: both}),
		&fs.PathError{Op: "exec", Path: "", Err: context.DeadlineExceeded},
	} {
		got := decodeFault(encodeFault(err))
		if got.Error() != err.Error() {
			t.Errorf("%q comes back as %q", err, got)
		}
		for _, m := range meanings {
			if errors.Is(err, m.err) != errors.Is(got, m.err) {
				t.Errorf("%q comes back and is %v: %t", err, m.err, errors.Is(got, m.err))
			}
		}
		var want, pe *fs.PathError
		if errors.As(err, &want) && (!errors.As(got, &pe) || pe.Op != want.Op || pe.Path != want.Path || pe.Err.Error() != want.Err.Error()) {
			t.Errorf("%#v comes back as %#v", want, pe)
		}
	}
	long := decodeFault(encodeFault(errors.New(string(make([]byte, 1<<20)))))
	if len(long.Error()) > 2*maxText {
		t.Errorf("an error of %d bytes", len(long.Error()))
	}
	if got := decodeFault([]byte(`{"text":"dGV4dA==","is":["of a later version","exist"],"new":1}`)); !errors.Is(got, fs.ErrExist) || got.Error() != "text" {
		t.Errorf("an error of a later version comes as %q", got)
	}
}

func FuzzFaults(f *testing.F) {
	f.Add(encodeFault(&fs.PathError{Op: "open", Path: "a", Err: fs.ErrExist}))
	f.Add([]byte(`{"is":["x","exist","exist"],"at":true,"full":"eA=="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := decodeFault(b); err == nil || decodeFault(encodeFault(err)).Error() == "" && err.Error() != "" {
			t.Errorf("%q is no error", b)
		}
	})
}
