// Package adk gives the console toolset to agents that are built with the Agent
// Development Kit for Go (google.golang.org/adk/v2).
//
//	import hutchtools "github.com/hutch-dev/hutch/adapters/adk"
//
//	box, err := local.Open("workspace", nil) // files and commands, in a jail
//	…
//	defer box.Close()
//	a, err := llmagent.New(llmagent.Config{Name: "coder", Model: m, Tools: hutchtools.Tools(box, nil)})
//
// The kit calls the tools of one answer of the model in parallel, which they are
// made for, unless a task runner of your own says otherwise
// (platform.WithTaskRunner); calls that must follow one another come in different
// answers.
//
// A call answers {"output": text}, and {"error": text} where it failed. With this
// kit every error of a tool is shown to the model in that second form; its loop
// ends by itself only when ctx has ended.
//
// An agent that serves several sessions shares the workspace of its tools between
// them, and what they know of it. Where every session has a workspace of its own,
// so should the agent, or a [adk.Toolset] that looks the tools up by the session.
//
// The kit has no place for hints such as [tool.Tool.ReadOnly]. Who wants to ask
// before a tool runs puts a guard around the backend (packages guard and policy),
// or uses the kit's own confirmation on [Toolset].
package adk

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/model"
	adk "google.golang.org/adk/v2/tool"
	"google.golang.org/adk/v2/tool/toolutils"
	"google.golang.org/genai"
)

// Tools returns the tools of [tool.Console] for b; o may be nil.
func Tools(b hutch.Backend, o *tool.Options) []adk.Tool {
	var all []adk.Tool
	for _, t := range tool.Console(b, o) {
		all = append(all, Wrap(t))
	}
	return all
}

// Toolset returns [Tools] as a toolset with the name "hutch", for what the kit
// can do with these: adk.FilterToolset, adk.WithConfirmation.
func Toolset(b hutch.Backend, o *tool.Options) adk.Toolset { return toolset(Tools(b, o)) }

type toolset []adk.Tool

func (toolset) Name() string                                      { return "hutch" }
func (s toolset) Tools(agent.ReadonlyContext) ([]adk.Tool, error) { return s, nil }

// Wrap makes a tool of the kit of any tool of package tool. It panics if t.Input
// is not the JSON Schema of an object.
func Wrap(t tool.Tool) adk.Tool {
	var schema map[string]any
	if err := json.Unmarshal(t.Input, &schema); err != nil {
		panic(fmt.Sprintf("adk: the input schema of tool %q: %v", t.Name, err))
	}
	if schema["type"] != "object" {
		panic(fmt.Sprintf("adk: the input schema of tool %q is not that of an object", t.Name))
	}
	return &wrapped{t, schema}
}

// wrapped is what the kit's own loop takes for a function tool. Those of package
// functiontool check arguments before the tool does, in words that do not say how
// to mend them.
type wrapped struct {
	tool   tool.Tool
	schema map[string]any
}

func (w *wrapped) Name() string        { return w.tool.Name }
func (w *wrapped) Description() string { return w.tool.Description }

// IsLongRunning is false: in the words of the kit that is a tool which answers
// before it has done its work.
func (w *wrapped) IsLongRunning() bool { return false }

// Declaration is what the model is told.
func (w *wrapped) Declaration() *genai.FunctionDeclaration {
	return &genai.FunctionDeclaration{Name: w.tool.Name, Description: w.tool.Description, ParametersJsonSchema: w.schema}
}

// ProcessRequest adds the tool to a request, and shows the media of its answers.
func (w *wrapped) ProcessRequest(_ agent.Context, req *model.LLMRequest) error {
	if err := toolutils.PackTool(req, w); err != nil {
		return err
	}
	var err error
	req.Contents, err = show(req.Contents, w.tool.Name)
	return err
}

// Run calls the tool.
func (w *wrapped) Run(ctx agent.Context, args any) (map[string]any, error) {
	input, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	res, err := w.tool.Call(ctx, tool.Call{Input: input})
	if err != nil {
		return nil, err
	}
	text := strings.ToValidUTF8(res.Text, "\ufffd")
	if res.Failed {
		return map[string]any{"error": text}, nil
	}
	answer := map[string]any{"output": text}
	if len(res.Media) > 0 {
		answer[mediaKey] = carried(res.Media)
	}
	return answer, nil
}
