package deepagent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

// SubAgent is an agent that the agent can give work to. It has a conversation of
// its own, on the same backend, and no tool that its agent has not.
//
// A Store does not get its conversation: of that the agent has seen the last message
// alone, and nobody can go on with it. Whoever wants to keep it finds it in the End
// event of the sub-agent, Result.Messages. A run that is gone on with has the result
// of each task that had ended, and of one that had not that this is not known.
type SubAgent struct {
	Name         string // lower-case letters, digits, "-" and "_"
	Description  string // for the agent: what to give it
	Instructions string // for the sub-agent

	// ReadOnly leaves it the tools that change nothing, and Tools those of these
	// names; nil is all.
	ReadOnly bool
	Tools    []string
	// Wrap, if not nil, gives it a narrower backend than b.
	Wrap func(ctx context.Context, b hutch.Backend) (hutch.Backend, error)

	// MaxSteps is how many steps one task takes at most, within the budget of the
	// run; 0 is that alone.
	MaxSteps int
	// Model is another model, with its own Price; nil is that of the agent. Where
	// ContextTokens is 0 it is that of the agent.
	Model         llm.Model
	Price         *Price
	ContextTokens int
}

// builtin are the sub-agents that every agent has.
func builtin() []SubAgent {
	return []SubAgent{
		{
			Name:         "general-purpose",
			Description:  "Does a whole piece of work by itself, with all tools. For work that takes many steps of which you need the outcome alone.",
			Instructions: "Do the task completely. Say at the end what you have done, which files you have changed, and what you could not do.",
		},
		{
			Name:         "research",
			Description:  "Looks things up in the workspace and changes nothing. For questions that take much reading.",
			Instructions: "Find the answer. Say where it is, with paths and line numbers, and quote what matters. Say what you did not find.",
			ReadOnly:     true,
		},
	}
}

// subAgents are all sub-agents, those of the options in front.
func (o *Options) subAgents() []SubAgent {
	all := slices.Clone(o.SubAgents)
	if o.NoBuiltin {
		return all
	}
	for _, b := range builtin() {
		if !slices.ContainsFunc(all, func(s SubAgent) bool { return s.Name == b.Name }) {
			all = append(all, b)
		}
	}
	return all
}

func (o *Options) checkSubAgents() error {
	taken := map[string]bool{}
	for _, s := range o.SubAgents {
		switch {
		case !isAgentName(s.Name):
			return fmt.Errorf("sub-agent %q: only a-z, 0-9, - and _", s.Name)
		case taken[s.Name]:
			return fmt.Errorf("sub-agent %q: the name is taken", s.Name)
		case s.MaxSteps < 0 || s.ContextTokens < 0:
			return fmt.Errorf("sub-agent %q: a limit is negative", s.Name)
		case o.MaxCost > 0 && s.Model != nil && s.Price == nil:
			return fmt.Errorf("sub-agent %q: MaxCost, and no Price of its model", s.Name)
		}
		taken[s.Name] = true
	}
	return nil
}

// has reports whether an agent has a tool: a sub-agent has what its parent has and
// its own description leaves it.
func (s *SubAgent) has(a action, parent *run) bool {
	if s == nil {
		return true
	}
	inherited := parent.action(a.Name) != nil
	return inherited && (!s.ReadOnly || a.ReadOnly || a.own) && (s.Tools == nil || a.own || slices.Contains(s.Tools, a.Name))
}

type taskIn struct {
	Agent  string `json:"agent" jsonschema:"The name of the sub-agent."`
	Prompt string `json:"prompt" jsonschema:"The whole task: what to do, what there is to know, and what to answer. It knows nothing of this conversation."`
}

// taskTool gives work to sub-agents.
func (r *run) taskTool() action {
	var list strings.Builder
	for _, s := range r.o.SubAgents {
		fmt.Fprintf(&list, "\n- %s: %s", s.Name, s.Description)
	}
	return action{together: true, Tool: tool.Func(tool.Tool{
		Name: "task", Title: "Give a task to a sub-agent", Destructive: true, OpenWorld: true,
		Description: "Give a task to a sub-agent, which works in the same workspace with a conversation of its own, and get its last message. Several tasks in one step run side by side; let them not change the same files.\n" + list.String(),
	}, r.runTask)}
}

// runTask is a run of a sub-agent. Its errors are for the model that gave the
// task, unless the whole run is over.
func (r *run) runTask(ctx context.Context, in taskIn) (string, error) {
	i := slices.IndexFunc(r.o.SubAgents, func(s SubAgent) bool { return s.Name == in.Agent })
	switch {
	case i < 0:
		return "", fmt.Errorf("there is no sub-agent %q", clip(line(in.Agent), 100))
	case strings.TrimSpace(in.Prompt) == "":
		return "", fmt.Errorf("`prompt` is empty")
	}
	child, err := r.child(ctx, &r.o.SubAgents[i])
	if err != nil {
		return "", err
	}
	defer child.close(nil)
	child.asked = in.Prompt
	say(&child.conv.Messages, llm.Block{Text: in.Prompt})
	child.emit(Event{Kind: Begin, Conversation: child.conv.ID, Text: child.model.Name()})
	end, err := child.work(ctx)
	child.emit(end)
	switch {
	case err == nil:
		return end.Result.Text, nil
	case end.Result.Text == "":
		return "", fmt.Errorf("the sub-agent did not finish: %w", err)
	}
	return "", fmt.Errorf("the sub-agent did not finish: %w. It said last:\n%s", err, end.Result.Text)
}

// child makes a sub-agent that is ready to work.
func (r *run) child(ctx context.Context, s *SubAgent) (*run, error) {
	o := *r.o
	o.ContextTokens = orElse(s.ContextTokens, o.ContextTokens)
	c := &run{model: r.model, o: &o, tree: r.tree, b: r.b, price: r.price, agent: s.Name, depth: r.depth + 1, spec: s, todos: &todoList{}}
	if r.agent != "" {
		c.agent = r.agent + "/" + s.Name
	}
	if a, ok := ctx.Value(askerKey{}).(*asker); ok {
		c.task = a.call.ID
	}
	if s.Model != nil {
		c.model, c.price = s.Model, s.Price
	}
	if s.Wrap != nil {
		b, err := s.Wrap(ctx, r.b)
		if err != nil {
			return nil, err
		}
		c.b = b
	}
	c.conv = &Conversation{ID: newID(), Model: c.model.Name()}
	return c, c.prepare(ctx, r)
}
