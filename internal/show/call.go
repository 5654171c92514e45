package show

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/deepagent"
)

// How much is shown.
const (
	maxSubject = 160 // columns of what a call is about
	maxLine    = 200 // columns of a line of output
	maxOutput  = 12  // lines of what a command has printed, the last ones
	maxFound   = 6   // lines of what was found
	maxDiff    = 60  // lines
)

// call shows that a tool is called.
func (s *Show) call(e deepagent.Event) {
	s.begin(work)
	c := e.Call
	s.live.drop("") // the model waits
	s.last = c.ID
	subject := Subject(*c)
	if c.Name != "write_todos" { // the list itself is shown
		s.print(s.head(e, subject) + "\n")
	}
	what := c.Name
	if subject != "" {
		what = subject
	}
	s.busy(c.ID, what)
}

func (s *Show) head(e deepagent.Event, subject string) string {
	title := e.Call.Title
	if title == "" {
		title = e.Call.Name
	}
	head := s.paint(Bold, oneLine(title, maxSubject))
	if e.Agent != "" {
		head = s.paint(Dim, "["+e.Agent+"] ") + head
	}
	if subject == "" {
		return "• " + head
	}
	return "• " + head + "  " + subject
}

// Subject is what a call is about, on one line: a command, a path, a pattern.
func Subject(c deepagent.Call) string {
	var in struct {
		Command, Path, Pattern, Patch, Agent, Prompt string
		ShellID                                      string `json:"shell_id"`
		Name                                         string
	}
	if c.Name == "write_todos" || c.Name == "read_todos" {
		return ""
	}
	if json.Unmarshal([]byte(c.Input), &in) != nil {
		return oneLine(string(c.Input), maxSubject)
	}
	switch {
	case in.Command != "":
		return oneLine(in.Command, maxSubject)
	case in.Pattern != "" && in.Path != "":
		return oneLine(in.Pattern+" in "+in.Path, maxSubject)
	case in.Patch != "":
		return ""
	case in.Agent != "" && in.Prompt != "":
		return oneLine(in.Agent+": "+in.Prompt, maxSubject)
	}
	for _, text := range []string{in.Pattern, in.Path, in.ShellID, in.Name} {
		if text != "" {
			return oneLine(text, maxSubject)
		}
	}
	if strings.TrimSpace(string(c.Input)) == "{}" {
		return ""
	}
	return oneLine(string(c.Input), maxSubject)
}

// done shows what came of a call.
func (s *Show) done(e deepagent.Event) {
	c, out := e.Call, e.Outcome
	s.live.drop(c.ID)
	if c.Name == "write_todos" && !out.Failed {
		return
	}
	if s.last != c.ID { // others were called meanwhile
		s.newLine()
		s.print(s.paint(Dim, "  of "+oneLine(c.Name+" "+Subject(*c), maxSubject)+":") + "\n")
		s.last = c.ID
	}
	if command, ok := commandOf(e); ok {
		s.command(command, out)
		return
	}
	if out.Failed {
		s.lines(Removed, out.Text, maxFound)
		return
	}
	if diff := diffOf(e); diff != "" {
		s.diff(diff)
		return
	}
	switch c.Name {
	case "read_file":
		s.note(fmt.Sprintf("  %d lines", strings.Count(strings.TrimSuffix(out.Text, "\n"), "\n")+1))
	default:
		s.lines(Dim, out.Text, maxFound)
	}
}

// command shows what a command has printed, and how it ended.
func (s *Show) command(c command, out *deepagent.Outcome) {
	text, color := out.Text, Dim
	if c.ExitCode != 0 {
		color = Removed
		head, rest, _ := strings.Cut(text, "\n")
		if strings.HasPrefix(head, "Command failed") { // which is said below
			text = rest
		}
	}
	s.tail(text, maxOutput)
	s.print("  " + s.paint(color, fmt.Sprintf("exit %d after %s", c.ExitCode, shortly(out.Duration))) + "\n")
}

// command is the outcome of one.
type command struct {
	ExitCode int `json:"exit_code"`
}

// commandOf is the outcome of a command that has run to its end.
func commandOf(e deepagent.Event) (c command, ok bool) {
	if e.Call.Name != "execute" || len(e.Outcome.Data) == 0 {
		return c, false
	}
	return c, json.Unmarshal(e.Outcome.Data, &c) == nil
}

// diffOf is what a call has changed.
func diffOf(e deepagent.Event) string {
	var in struct{ Patch string }
	if e.Call.Name == "apply_patch" && json.Unmarshal([]byte(e.Call.Input), &in) == nil {
		return in.Patch
	}
	var out struct{ Diff string }
	if json.Unmarshal(e.Outcome.Data, &out) != nil {
		return ""
	}
	return out.Diff
}

// diff shows a diff without its first two lines, which name the file.
func (s *Show) diff(text string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 2 && strings.HasPrefix(lines[0], "--- ") && strings.HasPrefix(lines[1], "+++ ") {
		lines = lines[2:]
	}
	for _, line := range lines[:min(len(lines), maxDiff)] {
		s.print("  " + s.paint(diffColor(line, s.o.Color), shorten(line)) + "\n")
	}
	s.more(len(lines) - maxDiff)
}

// lines shows the first n lines.
func (s *Show) lines(color, text string, n int) {
	s.newLine()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, line := range lines[:min(len(lines), n)] {
		s.print("  " + s.paint(color, shorten(line)) + "\n")
	}
	s.more(len(lines) - n)
}

// tail shows the last n lines.
func (s *Show) tail(text string, n int) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	s.more(len(lines) - n)
	for _, line := range lines[max(0, len(lines)-n):] {
		s.print("  " + s.paint(Dim, "| ") + shorten(line) + "\n")
	}
}

func (s *Show) more(n int) {
	if n > 0 {
		s.note(fmt.Sprintf("  … %d more lines", n))
	}
}

// shorten is a line, visible, that is not too long.
func shorten(line string) string {
	text, cut := clip(Visible(strings.TrimSuffix(line, "\r"), true), maxLine)
	if cut {
		text += "…"
	}
	return text
}

func shortly(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
