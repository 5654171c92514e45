package hutch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxEdit is the size in bytes of the largest file that EditFile takes.
const MaxEdit = 64 << 20

// Edit is one exact replacement of text.
type Edit struct {
	// Old is the text to replace. It must occur exactly once, or with All at
	// least once, and be neither empty nor equal to New. A line end "\n" in it
	// also matches "\r\n" when the text does not occur as it stands.
	Old string
	// New takes its place. In a file whose line ends are all "\r\n", a "\n" in
	// New becomes "\r\n".
	New string
	// All replaces every occurrence, from the start, not overlapping.
	All bool
}

// EditResult says what EditFile or UpdateFile did.
type EditResult struct {
	Info     Info  // of the new version
	Replaced []int // of EditFile: occurrences replaced, for each edit
	// Before and After are the whole content, for a diff. Do not change them.
	Before, After []byte
}

// EditFile applies edits one after the other, each to what the one before it
// made, and stores the result: all of them or none. Bytes outside what is
// replaced stay as they are: line ends, byte order mark, mode, a missing final
// newline.
//
// It is an [UpdateFile]: edits side by side never lose one.
//
// An edit that cannot be applied is an [*EditError] inside an [*fs.PathError]
// and matches fs.ErrInvalid. A file larger than MaxEdit is ErrTooLarge.
func EditFile(ctx context.Context, b Backend, name string, edits []Edit) (EditResult, error) {
	if err := checkEdits(edits); err != nil {
		return EditResult{}, pathError("edit", name, err)
	}
	var counts []int
	res, err := UpdateFile(ctx, b, name, func(before []byte, _ Info) (after []byte, err error) {
		if !utf8.Valid(before) {
			return nil, &EditError{Kind: EditNotText}
		}
		if after, counts, err = apply(before, edits); err == nil && bytes.Equal(before, after) {
			err = &EditError{Kind: EditUnchanged, Index: len(edits) - 1}
		}
		return after, err
	})
	res.Replaced = counts
	if err != nil {
		return EditResult{}, err
	}
	return res, nil
}

// Updater is how a wrapper takes part in [UpdateFile]: it does what UpdateFile
// does, on what it wraps.
type Updater interface {
	Update(ctx context.Context, name string, change func(before []byte, i Info) (after []byte, err error)) (EditResult, error)
}

// UpdateFile replaces the content of a file by what change makes of it. It is a
// compare-and-swap on the revision that was read, tried again with a new call
// of change when somebody else was faster, so that updates side by side never
// lose one. change must not keep or alter before. Where it returns the same
// bytes nothing is written; its error ends the update, inside an
// [*fs.PathError]. A file larger than MaxEdit, before or after, is ErrTooLarge.
func UpdateFile(ctx context.Context, b Backend, name string, change func(before []byte, i Info) (after []byte, err error)) (EditResult, error) {
	if u, ok := As[Updater](b); ok {
		return u.Update(ctx, name, change)
	}
	for try := 0; ; try++ {
		res, refused, err := updateOnce(ctx, b, name, change)
		if refused || !errors.Is(err, ErrConflict) || try >= maxTries {
			return res, err
		}
		if err := pause(ctx, try); err != nil {
			return EditResult{}, pathError("edit", name, err)
		}
	}
}

// maxTries bounds UpdateFile on a file that somebody rewrites without end.
const maxTries = 10_000

// pause waits a little, longer and at random when many are at the same file.
func pause(ctx context.Context, try int) error {
	if try < 4 {
		return ctx.Err()
	}
	t := time.NewTimer(rand.N(time.Duration(min(try, 32)) * 50 * time.Microsecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// updateOnce reports whether change has refused, which no other try would mend.
func updateOnce(ctx context.Context, b Backend, name string, change func([]byte, Info) ([]byte, error)) (res EditResult, refused bool, err error) {
	before, info, err := readWhole(ctx, b, name)
	if err != nil {
		return EditResult{}, false, err
	}
	after, err := change(before, info)
	if err == nil && len(after) > MaxEdit {
		err = fmt.Errorf("%w: the result has %d bytes, at most %d", ErrTooLarge, len(after), MaxEdit)
	}
	if err != nil {
		return EditResult{}, true, pathError("edit", name, err)
	}
	if !bytes.Equal(before, after) {
		info, err = b.Write(ctx, name, bytes.NewReader(after), &WriteOptions{IfRev: info.Rev})
	}
	if err != nil {
		return EditResult{}, false, err
	}
	return EditResult{Info: info, Before: before, After: after}, false, nil
}

// readWhole reads a file that can be edited.
func readWhole(ctx context.Context, b Backend, name string) ([]byte, Info, error) {
	f, err := b.Open(ctx, name)
	if err != nil {
		return nil, Info{}, err
	}
	defer f.Close()
	info := f.Info()
	if info.Size > MaxEdit {
		return nil, info, pathError("edit", name, fmt.Errorf("%w: %d bytes, at most %d can be edited", ErrTooLarge, info.Size, MaxEdit))
	}
	data, err := readAll(ctx, name, f)
	return data, info, err
}

func checkEdits(edits []Edit) error {
	if len(edits) == 0 {
		return fmt.Errorf("%w: no edits", fs.ErrInvalid)
	}
	for i, e := range edits {
		switch {
		case e.Old == "":
			return &EditError{Kind: EditEmpty, Index: i}
		case e.Old == e.New:
			return &EditError{Kind: EditUnchanged, Index: i}
		case !utf8.ValidString(e.Old) || !utf8.ValidString(e.New):
			return &EditError{Kind: EditNotText, Index: i}
		}
	}
	return nil
}

// apply makes all edits on a copy of data.
func apply(data []byte, edits []Edit) ([]byte, []int, error) {
	text := string(data)
	counts := make([]int, len(edits))
	for i, e := range edits {
		next, n, err := e.apply(text)
		if err != nil {
			err.Index = i
			return nil, nil, err
		}
		if len(next) > MaxEdit {
			return nil, nil, fmt.Errorf("%w: the result has %d bytes, at most %d", ErrTooLarge, len(next), MaxEdit)
		}
		text, counts[i] = next, n
	}
	return []byte(text), counts, nil
}

func (e Edit) apply(text string) (string, int, *EditError) {
	crlf := allCRLF(text)
	old := e.Old
	if !strings.Contains(text, old) {
		old = toCRLF(old)
	}
	first := strings.Index(text, old)
	if first < 0 {
		return "", 0, &EditError{Kind: EditNotFound, Near: nearest(text, e.Old)}
	}
	replacement := e.New
	if crlf || old != e.Old {
		replacement = toCRLF(replacement)
	}
	if e.All {
		return strings.ReplaceAll(text, old, replacement), strings.Count(text, old), nil
	}
	// From the next byte on, so that "aa" in "aaa" is seen to be ambiguous.
	if strings.Contains(text[first+1:], old) {
		return "", 0, &EditError{Kind: EditAmbiguous, Lines: lines(text, old)}
	}
	return text[:first] + replacement + text[first+len(old):], 1, nil
}

// allCRLF reports whether text has line ends and all of them are CRLF.
func allCRLF(text string) bool {
	n := strings.Count(text, "\n")
	return n > 0 && n == strings.Count(text, "\r\n")
}

// toCRLF turns every lone "\n" into "\r\n".
func toCRLF(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// lines is the line number of every place where old begins.
func lines(text, old string) []int {
	var at []int
	line, from := 1, 0
	for {
		i := strings.Index(text[from:], old)
		if i < 0 {
			return at
		}
		line += strings.Count(text[from:from+i+1], "\n")
		n := line
		if text[from+i] == '\n' { // the match begins before the line end just counted
			n--
		}
		at = append(at, n)
		from += i + 1
	}
}
