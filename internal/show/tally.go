package show

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/deepagent"
)

// Tally sums up a run. The zero value is ready.
type Tally struct {
	files    []string // that tools have changed, in the order of the first change
	commands int
	failed   int
	model    string
	id       string
	usage    deepagent.Usage
	ending   deepagent.Ending
	todos    []deepagent.Todo
}

// Add takes an event into account.
func (t *Tally) Add(e deepagent.Event) {
	switch {
	case e.Kind == deepagent.ToolDone:
		t.done(e)
	case e.Kind == deepagent.Used:
		t.usage = *e.Usage
	case e.Agent != "":
	case e.Kind == deepagent.Begin:
		t.model, t.id, t.todos = e.Text, e.Conversation, e.Todos
	case e.Kind == deepagent.Todos:
		t.todos = e.Todos
	case e.Kind == deepagent.End:
		t.usage, t.ending = e.Result.Usage, e.Result.Ending
	}
}

func (t *Tally) done(e deepagent.Event) {
	switch e.Call.Name {
	case "execute":
		if c, ok := commandOf(e); ok {
			t.commands++
			if c.ExitCode != 0 {
				t.failed++
			}
		}
	case "run_in_background":
		if !e.Outcome.Failed {
			t.commands++
		}
	case "write_file", "edit_file", "multi_edit", "hashline_edit", "apply_patch":
		t.changed(e.Outcome)
	}
}

// changed notes the files of an outcome.
func (t *Tally) changed(o *deepagent.Outcome) {
	var out struct {
		Path  string
		Files []struct{ Path string }
	}
	if o.Failed || json.Unmarshal(o.Data, &out) != nil {
		return
	}
	for _, f := range out.Files {
		t.file(f.Path)
	}
	t.file(out.Path)
}

func (t *Tally) file(path string) {
	if path != "" && !slices.Contains(t.files, path) {
		t.files = append(t.files, path)
	}
}

// Files are those that tools have changed, in the order of the first change. What
// commands have changed is not among them.
func (t *Tally) Files() []string { return t.files }

// Todos are the last list.
func (t *Tally) Todos() []deepagent.Todo { return t.todos }

// Conversation is its ID, "" before it has begun.
func (t *Tally) Conversation() string { return t.id }

// Ending is how the run has ended, "" where it has not.
func (t *Tally) Ending() deepagent.Ending { return t.ending }

// Text is the summary, two lines and one for the files.
func (t *Tally) Text() string {
	var b strings.Builder
	if len(t.files) > 0 {
		names := t.files
		if len(names) > 10 {
			names = append(slices.Clip(names[:10]), fmt.Sprintf("and %d more", len(names)-10))
		}
		fmt.Fprintf(&b, "changed: %s\n", Visible(strings.Join(names, ", "), false))
	}
	u := t.usage
	parts := []string{count(u.Steps, "step"), count(t.commands, "command")}
	if t.failed > 0 {
		parts[1] += fmt.Sprintf(" (%d failed)", t.failed)
	}
	about := ""
	if u.Estimated {
		about = "about "
	}
	parts = append(parts, fmt.Sprintf("%s%d tokens read, %d written", about, u.Total.Input, u.Total.Output))
	if u.Cost > 0 {
		parts = append(parts, fmt.Sprintf("cost %s%.4f", about, u.Cost))
	}
	b.WriteString(strings.Join(parts, ", ") + "\n")
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
