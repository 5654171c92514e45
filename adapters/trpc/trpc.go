// Package trpc gives the console toolset of hutch to agents that are made with
// tRPC-Agent-Go (trpc.group/trpc-go/trpc-agent-go):
//
//	agent := llmagent.New("coder",
//		llmagent.WithModel(model),
//		llmagent.WithTools(trpc.Tools(backend, nil)),
//	)
//	events, err := runner.NewRunner("app", agent).Run(ctx, user, session, model.NewUserMessage(prompt))
//
// The calls of one message run one after the other, unless the agent has
// WithEnableParallelTools. The tools are safe for that: no write is lost, but a
// read next to a write sees the file before it or after it.
package trpc

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/tool"
	"trpc.group/trpc-go/trpc-agent-go/agent"
	ttool "trpc.group/trpc-go/trpc-agent-go/tool"
	"trpc.group/trpc-go/trpc-agent-go/tool/resultformat"
)

// Tools returns the console toolset for b as tools of tRPC-Agent-Go; o may be nil.
// They belong to one conversation, as those of [tool.Console]. The result of a
// tool is text there, so Images and Documents in o count as false: read_file then
// says of such a file what it is.
func Tools(b hutch.Backend, o *tool.Options) []ttool.Tool {
	var own tool.Options
	if o != nil {
		own = *o
	}
	own.Images, own.Documents = false, false
	var all []ttool.Tool
	for _, t := range tool.Console(b, &own) {
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of tRPC-Agent-Go of t. Its schema has no bounds of numbers and
// lists: they stand in the descriptions of the arguments. Its metadata say what
// t says, but for Idempotent, Title and Asks.
//
// What Call returns is a [Result], of which the model reads the Text. An error of t
// ends the run: it is a StopError too, since any other error would be shown to the
// model. Images and documents cannot be carried: a result with them becomes one
// that has failed and says so.
func Wrap(t tool.Tool) ttool.CallableTool { return &wrapped{t, declare(t)} }

// Result is what happened, for callbacks and events; see [tool.Result].
type Result struct {
	Text   string `json:"text"`
	Data   any    `json:"data,omitempty"`
	Failed bool   `json:"failed,omitempty"`
}

type wrapped struct {
	t        tool.Tool
	declared *ttool.Declaration
}

var _ ttool.MetadataProvider = (*wrapped)(nil)

// Declaration implements the Tool of tRPC-Agent-Go.
func (w *wrapped) Declaration() *ttool.Declaration { return w.declared }

func declare(t tool.Tool) *ttool.Declaration {
	d := &ttool.Declaration{Name: t.Name, Description: t.Description, InputSchema: new(ttool.Schema)}
	var b bounds
	// A schema that is none has no properties, and every call of it is refused.
	if json.Unmarshal(t.Input, d.InputSchema) == nil && json.Unmarshal(t.Input, &b) == nil {
		b.tell(d.InputSchema)
	}
	return d
}

// ToolMetadata implements the MetadataProvider of tRPC-Agent-Go.
func (w *wrapped) ToolMetadata() ttool.ToolMetadata {
	m := ttool.ToolMetadata{
		ReadOnly: w.t.ReadOnly, Destructive: w.t.Destructive, OpenWorld: w.t.OpenWorld, ConcurrencySafe: true,
	}
	switch w.t.Op {
	case guard.Read, guard.List, guard.Glob, guard.Grep:
		m.SearchOrRead = true
	}
	return m
}

// ResultFormatter is how tRPC-Agent-Go learns what the model reads of a result.
func (w *wrapped) ResultFormatter() resultformat.Formatter {
	return resultformat.FormatterFunc[Result](func(_ context.Context, r Result) (string, error) { return r.Text, nil })
}

// Call implements the CallableTool of tRPC-Agent-Go.
func (w *wrapped) Call(ctx context.Context, args []byte) (any, error) {
	res, err := w.t.Call(ctx, tool.Call{Input: args})
	if err != nil {
		return nil, &stop{err, agent.NewStopError(err.Error())}
	}
	if n := len(res.Media); n > 0 {
		res.Text += fmt.Sprintf("\nError: this cannot be shown here (%d not handed over). Go on without seeing it.", n)
		res.Failed = true
	}
	return Result{Text: res.Text, Data: res.Data, Failed: res.Failed}, nil
}

// stop is an error that ends the run.
type stop struct {
	err  error
	stop *agent.StopError
}

func (s *stop) Error() string   { return s.err.Error() }
func (s *stop) Unwrap() []error { return []error{s.err, s.stop} }

// bounds are the parts of a schema that ttool.Schema has no field for.
type bounds struct {
	Minimum    *json.Number       `json:"minimum"`
	Maximum    *json.Number       `json:"maximum"`
	MinItems   *json.Number       `json:"minItems"`
	MaxItems   *json.Number       `json:"maxItems"`
	Properties map[string]*bounds `json:"properties"`
	Items      *bounds            `json:"items"`
}

// tell puts them into the descriptions of s.
func (b *bounds) tell(s *ttool.Schema) {
	if b == nil || s == nil {
		return
	}
	s.Description = strings.TrimSpace(s.Description + between(b.Minimum, b.Maximum, "") + between(b.MinItems, b.MaxItems, " items"))
	for name, p := range b.Properties {
		p.tell(s.Properties[name])
	}
	b.Items.tell(s.Items)
}

func between(least, most *json.Number, of string) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf(" (%s to %s%s)", *least, *most, of)
	case least != nil:
		return fmt.Sprintf(" (at least %s%s)", *least, of)
	case most != nil:
		return fmt.Sprintf(" (at most %s%s)", *most, of)
	}
	return ""
}
