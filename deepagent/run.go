package deepagent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/keep"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/state"
)

// run is one agent at work on one conversation: that of a Run, or a sub-agent.
type run struct {
	model  llm.Model
	o      *Options
	tree   *tree
	b      hutch.Backend
	own    hutch.Backend // b, or Console.Keep, for what nobody is asked about
	keep   *keep.Store
	jobs   *job.Jobs // nil where no commands run
	store  Store     // nil saves nothing
	points *Checkpoints
	price  *Price

	// Of a sub-agent: its name with those above it, the call that it works for,
	// how deep it is, and how many steps it has.
	agent, task string
	depth       int
	steps       int
	spec        *SubAgent

	conv   *Conversation
	system string
	tools  []action
	offer  []llm.Tool // the same for the model
	skills []skill
	todos  *todoList
	asked  string // the prompt
	said   string // what the model has said last
	before Usage  // of earlier runs of the conversation

	stuck  stuck
	size   int // tokens of the request that was answered last, as reported
	sized  int // how many messages that were
	silent int // replies in a row that say nothing
	cut    int // texts in a row that were cut off
}

// run is a whole run, from the first event to the last, which it returns.
func (a *Agent) run(ctx context.Context, t *tree, prompt string, d *Deps) (Event, error) {
	r := &run{model: a.model, o: &a.o, tree: t, price: a.o.Price, store: a.o.Store}
	if d == nil {
		d = &Deps{}
	}
	if r.b = d.Backend; r.b == nil {
		r.b = state.New(nil)
	}
	if d.Store != nil {
		r.store = d.Store
	}
	r.jobs, r.points = d.Jobs, d.Checkpoints
	if r.points != nil {
		release, err := r.points.begin(r.b, r.store)
		if err != nil {
			return Event{}, err
		}
		defer release()
	}
	if err := r.load(ctx, d.Conversation); err != nil {
		return Event{}, err
	}
	if err := r.begin(prompt); err != nil {
		return Event{}, err
	}
	if err := r.prepare(ctx, nil); err != nil {
		return Event{}, err
	}
	defer r.close(d.Jobs)
	t.emit(Event{Kind: Begin, Conversation: r.conv.ID, Text: r.model.Name(), Todos: r.todos.list()})
	return r.work(ctx)
}

// begin adds the prompt to the conversation.
func (r *run) begin(prompt string) error {
	settle(&r.conv.Messages)
	r.asked = prompt
	if prompt != "" {
		say(&r.conv.Messages, llm.Block{Text: prompt})
		return nil
	}
	if n := len(r.conv.Messages); n == 0 || r.conv.Messages[n-1].Role != llm.User {
		return fmt.Errorf("deepagent: %w: the prompt is empty, and there is nothing to go on with", fs.ErrInvalid)
	}
	return nil
}

// work goes on until the end and returns it.
func (r *run) work(ctx context.Context) (Event, error) {
	err := r.loop(ctx)
	settle(&r.conv.Messages)
	res := &Result{
		Text: r.said, Ending: ending(ctx, err), Conversation: r.conv.ID,
		Usage: r.tree.meter.usage(), Todos: r.todos.list(), Messages: r.conv.Messages,
	}
	e := Event{Kind: End, Result: res}
	if err != nil {
		e.Error = err.Error()
	}
	return e, err
}

func ending(ctx context.Context, err error) Ending {
	switch {
	case err == nil:
		return Finished
	case ctx.Err() != nil:
		return Cancelled
	case errors.Is(err, ErrBudget):
		return OverLimit
	case errors.Is(err, ErrStuck):
		return Stuck
	case errors.Is(err, ErrRefused):
		return Refused
	}
	return Broken
}

// emit sends an event as this agent's.
func (r *run) emit(e Event) {
	e.Agent, e.Task = r.agent, r.task
	r.tree.emit(e)
}

// close ends the commands in the background that belong to the run.
func (r *run) close(theirs *job.Jobs) {
	if r.jobs != nil && r.jobs != theirs {
		_ = r.jobs.Close() // never an error
	}
}

// say adds a block to the last message if that is the user's, else as a new one:
// no two messages in a row are the user's.
func say(messages *[]llm.Message, blocks ...llm.Block) {
	m := *messages
	if n := len(m); n > 0 && m[n-1].Role == llm.User {
		last := m[n-1]
		last.Content = append(last.Content[:len(last.Content):len(last.Content)], blocks...)
		*messages = append(m[:n-1:n-1], last)
		return
	}
	*messages = append(m, llm.Message{Role: llm.User, Content: blocks})
}

// textOf is what a message says.
func textOf(m llm.Message) string {
	var all []string
	for _, b := range m.Content {
		if b.Text != "" {
			all = append(all, b.Text)
		}
	}
	return strings.Join(all, "\n\n")
}

func lastText(messages []llm.Message) string {
	for i := len(messages) - 1; i >= 0; i-- {
		if m := messages[i]; m.Role == llm.Assistant && textOf(m) != "" {
			return textOf(m)
		}
	}
	return ""
}

// callsOf are the calls of a message.
func callsOf(m llm.Message) []llm.Call {
	var calls []llm.Call
	for _, b := range m.Content {
		if b.Call != nil {
			calls = append(calls, *b.Call)
		}
	}
	return calls
}

func newID() string { return strings.ToLower(rand.Text()) }
