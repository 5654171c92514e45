// Package langchaingo gives the console toolset of hutch to agents that are made
// with LangChainGo (github.com/tmc/langchaingo):
//
//	tools := adapter.Tools(backend, nil) // adapter is this package
//	agent := agents.NewOpenAIFunctionsAgent(adapter.Model(model, tools), tools)
//	executor := agents.NewExecutor(agent, agents.WithMaxIterations(50))
//	answer, err := chains.Run(ctx, executor, prompt)
//
// In LangChainGo a tool takes a string and gives a string. The string is a JSON
// object here, whose schema stands in the description of the tool; Model tells a
// model that can call functions the real arguments instead.
//
// The executor runs calls one after the other.
package langchaingo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/tools"
)

// Tools returns the console toolset for b as tools of LangChainGo; o may be nil.
// They belong to one conversation, as those of [tool.Console]. The result of a
// tool is text there, so Images and Documents in o count as false: read_file then
// says of such a file what it is.
func Tools(b hutch.Backend, o *tool.Options) []tools.Tool {
	var own tool.Options
	if o != nil {
		own = *o
	}
	own.Images, own.Documents = false, false
	var all []tools.Tool
	for _, t := range tool.Console(b, &own) {
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of LangChainGo of t. There is no place for what t says of
// itself besides its name, its description and its schema.
//
// A result that failed is the text that the model reads, and so is one with images
// or documents, which cannot be carried: it says so. An error of t ends the run.
func Wrap(t tool.Tool) tools.Tool { return wrapped{t} }

type wrapped struct{ t tool.Tool }

// Name implements the Tool of LangChainGo.
func (w wrapped) Name() string { return w.t.Name }

// Description implements the Tool of LangChainGo.
func (w wrapped) Description() string {
	return w.t.Description + "\n\nThe input is a JSON object of this schema: " + string(w.t.Input)
}

// Call implements the Tool of LangChainGo. Its input is a JSON object.
func (w wrapped) Call(ctx context.Context, input string) (string, error) {
	res, err := w.t.Call(ctx, tool.Call{Input: json.RawMessage(input)})
	if err != nil {
		return "", err
	}
	if n := len(res.Media); n > 0 {
		return fmt.Sprintf("%s\nError: this cannot be shown here (%d not handed over). Go on without seeing it.", res.Text, n), nil
	}
	return res.Text, nil
}

// Model is m, but a function that is one of all, as the OpenAI functions agent of
// LangChainGo makes it, has its own description and arguments when m is told about
// it. Tools that this package has not made stay as they are.
func Model(m llms.Model, all []tools.Tool) llms.Model {
	own := map[string]tool.Tool{}
	for _, t := range all {
		if w, ok := t.(wrapped); ok {
			own[w.t.Name] = w.t
		}
	}
	return told{m, own}
}

type told struct {
	llms.Model
	own map[string]tool.Tool
}

// GenerateContent implements llms.Model.
func (m told) GenerateContent(ctx context.Context, messages []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	last := func(o *llms.CallOptions) {
		functions := make([]llms.FunctionDefinition, len(o.Functions))
		for i, f := range o.Functions {
			if t, ok := m.own[f.Name]; ok {
				f.Description, f.Parameters = t.Description, arguments(t)
			}
			functions[i] = f
		}
		o.Functions = functions
	}
	// A new slice: that of the caller may have room for others.
	return m.Model.GenerateContent(ctx, messages, append(options[:len(options):len(options)], last)...)
}

// arguments is a schema as the models of LangChainGo take it: some a map only.
func arguments(t tool.Tool) map[string]any {
	var schema map[string]any
	// A schema that is none has no properties, and every call of it is refused.
	_ = json.Unmarshal(t.Input, &schema)
	return schema
}
