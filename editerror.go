package hutch

import (
	"fmt"
	"io/fs"
	"strings"
)

// EditKind says why an edit cannot be applied.
type EditKind string

// The kinds of an EditError.
const (
	EditNotFound  EditKind = "not found"
	EditAmbiguous EditKind = "ambiguous"
	EditEmpty     EditKind = "empty"
	EditUnchanged EditKind = "unchanged"
	EditNotText   EditKind = "not text"
)

// EditError says which edit cannot be applied and why, in a sentence by which a
// person or a model can mend it. It matches fs.ErrInvalid.
type EditError struct {
	Kind  EditKind
	Index int       // of the edit, from 0
	Lines []int     // where an ambiguous text begins, from line 1
	Near  *NearMiss // the closest text to one that is not found; nil if nothing is close
}

// NearMiss is a place whose text is almost the one that was looked for.
type NearMiss struct {
	Line       int    // where it begins, from 1
	Text       string // what stands there
	Whitespace bool   // it differs in white space alone
}

// Unwrap makes errors.Is(err, fs.ErrInvalid) hold.
func (e *EditError) Unwrap() error { return fs.ErrInvalid }

func (e *EditError) Error() string {
	which := fmt.Sprintf("edit %d: ", e.Index+1)
	switch e.Kind {
	case EditEmpty:
		return which + "the text to replace is empty"
	case EditUnchanged:
		return which + "old and new text are the same"
	case EditNotText:
		return "not UTF-8 text, which alone can be edited"
	case EditAmbiguous:
		return which + fmt.Sprintf("the text occurs %d times (%s); give more context or replace all", len(e.Lines), lineList(e.Lines))
	}
	switch {
	case e.Near == nil:
		return which + "the text is not in the file"
	case e.Near.Whitespace:
		return which + fmt.Sprintf("the text is not in the file; line %d differs in white space only:\n%s", e.Near.Line, e.Near.Text)
	}
	return which + fmt.Sprintf("the text is not in the file; closest is line %d:\n%s", e.Near.Line, e.Near.Text)
}

func lineList(lines []int) string {
	const most = 10
	var s strings.Builder
	s.WriteString("line ")
	for i, l := range lines {
		if i == most {
			s.WriteString(", ...")
			break
		}
		if i > 0 {
			s.WriteString(", ")
		}
		fmt.Fprint(&s, l)
	}
	return s.String()
}

// Bounds of the search for a near miss: past them there is none, not a wait.
const (
	nearWork  = 4 << 20 // comparisons of lines
	nearLines = 12      // lines of text shown
	nearWidth = 200     // bytes shown of each
)

// nearest finds the lines of text that are most like old.
func nearest(text, old string) *NearMiss {
	want := splitLines(strings.Trim(old, "\r\n"))
	have := splitLines(text)
	if len(want) == 0 || len(want)*len(have) > nearWork {
		return nil
	}
	bare := make([]string, len(have))
	for i, l := range have {
		bare[i] = squeeze(l)
	}
	bareWant := make([]string, len(want))
	for i, l := range want {
		bareWant[i] = squeeze(l)
	}
	if at := spaceMatch(bare, bareWant); at >= 0 {
		return &NearMiss{Line: at + 1, Text: excerpt(have[at:min(len(have), at+len(want))]), Whitespace: true}
	}
	at, score := bestWindow(bare, bareWant)
	if score < 0.6 {
		return nil
	}
	return &NearMiss{Line: at + 1, Text: excerpt(have[at:min(len(have), at+len(want))])}
}

func splitLines(s string) []string {
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// squeeze removes all white space.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// spaceMatch finds want in have, ignoring white space, where the first and the
// last line of want may be parts of lines. It is -1 if it is nowhere.
func spaceMatch(have, want []string) int {
	last := len(want) - 1
	if strings.Join(want, "") == "" {
		return -1
	}
next:
	for i := 0; i+last < len(have); i++ {
		if last == 0 {
			if strings.Contains(have[i], want[0]) {
				return i
			}
			continue
		}
		if !strings.HasSuffix(have[i], want[0]) || !strings.HasPrefix(have[i+last], want[last]) {
			continue
		}
		for j := 1; j < last; j++ {
			if have[i+j] != want[j] {
				continue next
			}
		}
		return i
	}
	return -1
}

// bestWindow finds the run of lines most like want, with a score from 0 to 1.
func bestWindow(have, want []string) (at int, score float64) {
	total := 0
	for _, w := range want {
		total += len(w)
	}
	if total == 0 {
		return 0, 0
	}
	for i := range have {
		sum := 0.0
		for j, w := range want {
			if i+j < len(have) {
				sum += float64(len(w)) * likeness(have[i+j], w)
			}
		}
		if s := sum / float64(total); s > score {
			at, score = i, s
		}
	}
	return at, score
}

// likeness is how much of the longer of two lines is a common head and tail.
func likeness(a, b string) float64 {
	if a == b {
		return 1
	}
	longer := max(len(a), len(b))
	shorter := min(len(a), len(b))
	head := 0
	for head < shorter && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < shorter-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return float64(head+tail) / float64(longer)
}

// excerpt shows a few lines, cut to a bearable width.
func excerpt(lines []string) string {
	var s strings.Builder
	for i, l := range lines {
		if i == nearLines {
			fmt.Fprintf(&s, "... (%d more lines)\n", len(lines)-i)
			break
		}
		l = strings.TrimSuffix(l, "\r")
		if len(l) > nearWidth {
			l = strings.ToValidUTF8(l[:nearWidth], "") + "..."
		}
		s.WriteString(l)
		s.WriteByte('\n')
	}
	return strings.TrimSuffix(s.String(), "\n")
}
