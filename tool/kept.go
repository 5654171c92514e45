package tool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// Output of a command. Up to maxShown bytes of it are shown as they are. Of more,
// the first maxKept go into a file, and shownHead and shownTail are shown; where
// no file can be written it is maxShown, head and tail.
const (
	maxShown  = 100_000
	shownHead = 8_000
	shownTail = 12_000
	maxKept   = 64 << 20
)

// sink takes what a command prints: shows it as it comes, remembers head and
// tail, and once there is too much of it, writes all into a file. It is used by
// one goroutine at a time.
type sink struct {
	keep     func(r io.Reader) (hutch.Info, error)
	progress func(string) // may be nil
	cut      []byte       // the beginning of a character that was not shown yet

	shown hutch.Capture
	file  *io.PipeWriter // nil until there is too much
	size  int64          // given to file
	wrote chan struct{}  // closed when keep has returned

	info hutch.Info // of the file
	err  error      // why there is none
}

func newSink(progress func(string), keep func(r io.Reader) (hutch.Info, error)) *sink {
	return &sink{keep: keep, progress: progress, shown: hutch.Capture{Max: maxShown}}
}

// Write never fails: output that cannot be kept ends no command.
func (s *sink) Write(p []byte) (int, error) {
	s.show(p)
	if s.file == nil && s.shown.Len()+int64(len(p)) > maxShown {
		s.open()
	}
	_, _ = s.shown.Write(p)
	s.save(p)
	return len(p), nil
}

// open begins a file with what has been printed so far.
func (s *sink) open() {
	r, w := io.Pipe()
	s.file, s.wrote = w, make(chan struct{})
	go func() {
		defer close(s.wrote)
		s.info, s.err = s.keep(r)
		r.CloseWithError(errNotKept) // whatever is written now is let go
	}()
	s.save(s.shown.Bytes())
}

var errNotKept = errors.New("output is not kept")

func (s *sink) save(p []byte) {
	if s.file == nil {
		return
	}
	p = p[:min(int64(len(p)), maxKept-s.size)]
	if len(p) == 0 {
		return
	}
	n, _ := s.file.Write(p)
	s.size += int64(n)
}

// show hands whole characters to who looks on.
func (s *sink) show(p []byte) {
	if s.progress == nil {
		return
	}
	p = append(s.cut, p...)
	n := len(p) - partial(p)
	s.cut = append([]byte(nil), p[n:]...)
	if n > 0 {
		s.progress(valid(p[:n]))
	}
}

// end finishes the file. With a cause there is none. What was printed then
// does not change any more.
func (s *sink) end(cause error) {
	if len(s.cut) > 0 && s.progress != nil && cause == nil {
		s.progress(valid(s.cut))
	}
	if s.file == nil {
		return
	}
	s.file.CloseWithError(cause)
	<-s.wrote
}

// text is the output as the model sees it, and whether something is left out.
func (s *sink) text(c *console) (text string, kept []Kept, truncated bool) {
	all := s.shown.Bytes()
	if s.file == nil {
		return valid(all), nil, false
	}
	total := s.shown.Len()
	head, tail := all[:maxShown/2], all[len(all)-maxShown/2:]
	if s.err != nil {
		left := fmt.Sprintf("%d bytes of %d are left out here and could not be kept in a file: %s", total-maxShown, total, whyNotKept(s.err))
		return parts(head, tail, left), nil, true
	}
	head, tail = head[:wholeLines(head[:shownHead])], tail[nextLine(tail, len(tail)-shownTail):]
	k := Kept{Name: s.info.Name, Path: hutch.PathOf(c.b, s.info.Name), Size: s.info.Size, Type: "text/plain"}
	if !utf8.Valid(head) {
		k.Type = "application/octet-stream"
	}
	what := "all of it is in "
	if s.size < total {
		what = fmt.Sprintf("the first %d bytes are in ", s.size)
	}
	left := fmt.Sprintf("%d bytes of %d are left out here; %s%s", total-int64(len(head)+len(tail)), total, what, printable(k.Path))
	return parts(head, tail, left), []Kept{k}, true
}

func parts(head, tail []byte, left string) string {
	return strings.TrimSuffix(valid(head), "\n") + "\n\n... (" + left + ") ...\n\n" + valid(tail)
}

// wholeLines is where the last whole line of p ends, or p where that is far away.
func wholeLines(p []byte) int {
	for i := len(p); i > len(p)/2; i-- {
		if p[i-1] == '\n' {
			return i
		}
	}
	return len(p) - partial(p)
}

// nextLine is where the first whole line from i on begins.
func nextLine(p []byte, i int) int {
	for n := i; n < (i+len(p))/2; n++ {
		if p[n-1] == '\n' {
			return n
		}
	}
	for i < len(p) && !utf8.RuneStart(p[i]) {
		i++
	}
	return i
}

// partial is how many bytes at the end of p begin a character and do not end it.
func partial(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		tail := p[len(p)-n:]
		if utf8.RuneStart(tail[0]) && !utf8.FullRune(tail) {
			return n
		}
		if utf8.RuneStart(tail[0]) {
			return 0
		}
	}
	return 0
}

// whyNotKept is the reason in a few words.
func whyNotKept(err error) string {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "writing there is not permitted"
	case errors.As(err, &pe):
		return cause(pe, err)
	}
	return err.Error()
}

// valid is p as text; what is no UTF-8 becomes U+FFFD.
func valid(p []byte) string { return strings.ToValidUTF8(string(p), "\ufffd") }
