package show

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/deepagent"
)

// Options qualifies New. The zero value is plain text that nothing is taken back
// from.
type Options struct {
	Color bool
	// Live is for a terminal: the last line shows what is under way, and is taken
	// back by what comes next.
	Live  bool
	Width func() int       // columns of the terminal; nil is 80
	Now   func() time.Time // nil is [time.Now]
}

// Show writes the events of a run for people. It is safe for concurrent use.
type Show struct {
	o Options

	mu   sync.Mutex
	w    io.Writer
	err  error
	mode mode   // whose text the last line belongs to
	last string // the call that was shown last
	part part   // what was shown last
	live live
}

// mode is what stands before the cursor.
type mode int

const (
	lineStart mode = iota
	saying         // in a line of text
	thinking       // in a line of reasoning
)

// part is a kind of what is shown; an empty line stands between two kinds.
type part int

const (
	nothing part = iota
	words
	thoughts
	work
)

// begin begins a part, on a line of its own.
func (s *Show) begin(p part) {
	s.newLine()
	if s.part != p && s.part != nothing {
		s.print("\n")
	}
	s.part = p
}

// New makes a Show that writes to w. o may be nil.
func New(w io.Writer, o *Options) *Show {
	s := &Show{w: w}
	if o != nil {
		s.o = *o
	}
	if s.o.Width == nil {
		s.o.Width = func() int { return 80 }
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	return s
}

// Event shows e. The error is that of the first write that failed.
func (s *Show) Event(e deepagent.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event(e)
	s.draw()
	return s.err
}

func (s *Show) event(e deepagent.Event) {
	switch e.Kind {
	case deepagent.Begin:
		if e.Agent == "" {
			s.begin(work)
			s.note(fmt.Sprintf("%s, conversation %s", e.Text, e.Conversation))
			s.busy("", "the model")
		}
	case deepagent.Text:
		s.stream(e, saying)
	case deepagent.Reasoning:
		s.stream(e, thinking)
	case deepagent.CallBegin:
		s.busy("", "the model writes a call of "+e.Call.Name)
	case deepagent.ToolCall:
		s.call(e)
	case deepagent.Progress:
		s.live.output(e.Call.ID, e.Text)
	case deepagent.ToolDone:
		s.done(e)
	case deepagent.Todos:
		if e.Agent == "" {
			s.todos(e.Todos)
		}
	case deepagent.Answered:
		s.answered(e)
	case deepagent.Retrying:
		s.retry(e.Retry)
	case deepagent.Compacted:
		s.compacted(e.Compaction)
	case deepagent.Used:
		s.busy("", "the model")
	case deepagent.End:
		s.end(e)
	}
}

// stream shows more of what the agent says or thinks. What sub-agents say is not
// shown: several of them speak at a time, and their last word comes with the call.
func (s *Show) stream(e deepagent.Event, m mode) {
	if e.Agent != "" || e.Text == "" {
		return
	}
	color, p := "", words
	if m == thinking {
		color, p = Dim, thoughts
	}
	if s.part != p || s.mode != m && s.mode != lineStart {
		s.begin(p)
	}
	text := strings.ReplaceAll(e.Text, "\r\n", "\n")
	s.mode = m
	s.print(s.paint(color, text))
	if strings.HasSuffix(text, "\n") {
		s.mode = lineStart
	}
}

// newLine ends a line of text that is under way.
func (s *Show) newLine() {
	if s.mode != lineStart {
		s.print("\n")
		s.mode = lineStart
	}
}

// note is a line that is not about the work itself.
func (s *Show) note(text string) {
	s.newLine()
	s.print(s.paint(Dim, text) + "\n")
}

func (s *Show) todos(list []deepagent.Todo) {
	s.begin(work)
	for _, t := range list {
		mark, color := "[ ] ", ""
		switch t.Status {
		case "done":
			mark, color = "[x] ", Dim
		case "in_progress":
			mark, color = "[>] ", Bold
		}
		s.print("  " + s.paint(color, mark+oneLine(t.Text, maxSubject)) + "\n")
	}
}

func (s *Show) answered(e deepagent.Event) {
	if e.Answer == nil {
		return
	}
	if e.Answer.Scope == deepagent.No {
		s.note("  not approved")
	}
}

func (s *Show) retry(r *deepagent.Retry) {
	text := fmt.Sprintf("attempt %d failed: %s; again in %s", r.Try, oneLine(r.Reason, 300), r.Wait.Round(time.Second/10))
	if r.Void {
		text += "; what it has said since the last call is void"
	}
	s.note(text)
	s.busy("", "the model")
}

func (s *Show) compacted(c *deepagent.Compaction) {
	text := fmt.Sprintf("the conversation was summarised: from about %d tokens to %d", c.Before, c.After)
	if c.File != "" {
		text += "; all of it is in " + c.File
	}
	s.note(text)
}

func (s *Show) end(e deepagent.Event) {
	if e.Agent != "" {
		return
	}
	s.newLine()
	s.live = live{}
}

// Alone lets f write while nothing else is written, on a line of its own.
func (s *Show) Alone(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.newLine()
	f()
}

// Close takes back what is shown of what is under way.
func (s *Show) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.newLine()
	s.live = live{}
}

func (s *Show) paint(color, text string) string {
	if !s.o.Color {
		color = ""
	}
	return Paint(color, text)
}

// print writes text that was made visible.
func (s *Show) print(text string) {
	s.erase()
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}
