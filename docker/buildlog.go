package docker

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// BuildError is the error of a build that did not end well.
type BuildError struct {
	Runtime string // the name of the runtime
	Step    string // the step that failed, "" where the build did not come to one
	// Output is the end of what the step printed, up to 20 lines. It is as the
	// step wrote it: who shows it on a terminal takes out control characters.
	Output string
	Err    error
}

func (e *BuildError) Error() string {
	text := fmt.Sprintf("build of runtime %q", e.Runtime)
	if e.Step != "" {
		text += ": " + e.Step
	}
	text += ": " + e.Err.Error()
	if e.Output != "" {
		text += "; it printed:\n" + e.Output
	}
	return text
}

func (e *BuildError) Unwrap() error { return e.Err }

const (
	keptLines = 20
	keptLine  = 500 // bytes of a line in an error
)

// buildLog follows a build: it writes what happens to progress, and keeps the
// step that is being run with the end of its output.
type buildLog struct {
	progress io.Writer // nil is for nobody
	step     string
	open     string   // a line that has not ended
	last     []string // lines of the step
	failed   error    // of progress: nobody reads any more
}

// begin says that a step has begun.
func (l *buildLog) begin(name string) {
	l.flush()
	l.step, l.last = name, nil
	l.print(name)
}

// note says something that belongs to no step.
func (l *buildLog) note(text string) {
	l.flush()
	l.print("  " + text)
}

// output takes what the step printed, in pieces of any size. Of a line that was
// overwritten, as progress bars do, its last state counts.
func (l *buildLog) output(text string) {
	text = l.open + text
	for {
		line, rest, ended := strings.Cut(text, "\n")
		if !ended {
			break
		}
		l.line(line)
		text = rest
	}
	if at := strings.LastIndexByte(strings.TrimRight(text, "\r"), '\r'); at >= 0 {
		text = text[at+1:]
	}
	if len(text) > 64<<10 { // a line without an end must not fill memory
		l.line(text)
		text = ""
	}
	l.open = text
}

func (l *buildLog) line(text string) {
	text = strings.TrimRight(text, "\r ")
	text = text[strings.LastIndexByte(text, '\r')+1:]
	if text == "" {
		return
	}
	if len(l.last) == keptLines {
		l.last = append(l.last[:0], l.last[1:]...)
	}
	l.last = append(l.last, clip(text, keptLine))
	l.print("  | " + text)
}

// flush ends the line that is open.
func (l *buildLog) flush() {
	if l.open != "" {
		l.line(l.open)
		l.open = ""
	}
}

func (l *buildLog) print(line string) {
	if l.progress == nil || l.failed != nil {
		return
	}
	_, l.failed = io.WriteString(l.progress, line+"\n")
}

// failure is the error of the build that said err.
func (l *buildLog) failure(runtime string, err error) *BuildError {
	l.flush()
	return &BuildError{Runtime: runtime, Step: clip(l.step, keptLine), Output: strings.Join(l.last, "\n"), Err: err}
}

// clip is the beginning of s, up to most bytes, in UTF-8.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
