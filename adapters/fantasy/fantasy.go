// Package fantasy gives the console toolset of hutch to agents that are made with
// Fantasy (charm.land/fantasy):
//
//	agent := fantasy.NewAgent(model,
//		fantasy.WithSystemPrompt("You are a careful programmer."),
//		fantasy.WithTools(adapter.Tools(backend, nil)...), // adapter is this package
//	)
//	result, err := agent.Generate(ctx, fantasy.AgentCall{Prompt: prompt})
//
// Agent.Stream runs calls of tools that change nothing side by side, up to five at
// once, also next to one that does change something; others one after the other.
// Agent.Generate runs all one after the other.
package fantasy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"charm.land/fantasy"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

// Tools returns the console toolset for b as tools of Fantasy; o may be nil. They
// belong to one conversation, as those of [tool.Console].
func Tools(b hutch.Backend, o *tool.Options) []fantasy.AgentTool {
	var all []fantasy.AgentTool
	for _, t := range tool.Console(b, o) {
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of Fantasy of t. Fantasy takes the properties of an object as
// its arguments and which of them are required, and knows of the marks only that
// a tool may run next to others: those that are ReadOnly.
//
// A result that failed is one with IsError; an error of t ends the run. Agent.Stream
// returns that error; Agent.Generate, as of v0.41.2, drops it, and its last step has
// a call without a result: look at the context after it. An image or a document is
// carried with its text. The Data of a result is the Metadata of
// the response, as JSON, for the program; the model does not see it.
func Wrap(t tool.Tool) fantasy.AgentTool { return &wrapped{t: t} }

type wrapped struct {
	t       tool.Tool
	options fantasy.ProviderOptions
}

// Info implements fantasy.AgentTool. Its maps are new ones each time: Fantasy
// changes them.
func (w *wrapped) Info() fantasy.ToolInfo {
	var schema struct {
		Properties map[string]any `json:"properties"`
		Required   []string       `json:"required"`
	}
	// A schema that is none has no properties, and every call of it is refused.
	_ = json.Unmarshal(w.t.Input, &schema)
	if schema.Properties == nil {
		schema.Properties = map[string]any{}
	}
	if schema.Required == nil {
		schema.Required = []string{}
	}
	return fantasy.ToolInfo{
		Name: w.t.Name, Description: w.t.Description, Parallel: w.t.ReadOnly,
		Parameters: schema.Properties, Required: schema.Required,
	}
}

// Run implements fantasy.AgentTool.
func (w *wrapped) Run(ctx context.Context, call fantasy.ToolCall) (fantasy.ToolResponse, error) {
	res, err := w.t.Call(ctx, tool.Call{Input: json.RawMessage(call.Input)})
	if err != nil {
		return fantasy.ToolResponse{}, err
	}
	out := fantasy.NewTextResponse(res.Text)
	out.IsError = res.Failed
	switch {
	case len(res.Media) > 1:
		out = fantasy.NewTextErrorResponse(fmt.Sprintf("%s\nError: only one of %d files can be shown at once.", res.Text, len(res.Media)))
	case len(res.Media) == 1 && strings.HasPrefix(res.Media[0].Type, "image/"):
		out = fantasy.NewImageResponse(res.Media[0].Data, res.Media[0].Type)
		out.Content = res.Text
	case len(res.Media) == 1:
		out = fantasy.NewMediaResponse(res.Media[0].Data, res.Media[0].Type)
		out.Content = res.Text
	}
	return fantasy.WithResponseMetadata(out, res.Data), nil
}

// ProviderOptions implements fantasy.AgentTool.
func (w *wrapped) ProviderOptions() fantasy.ProviderOptions { return w.options }

// SetProviderOptions implements fantasy.AgentTool. It is for before the first run.
func (w *wrapped) SetProviderOptions(o fantasy.ProviderOptions) { w.options = o }
