// Package genkit gives the console toolset to agents that are built with Genkit
// (github.com/firebase/genkit/go).
//
//	import hutchtools "github.com/hutch-dev/hutch/adapters/genkit"
//
//	box, err := local.Open("workspace", nil) // files and commands, in a jail
//	…
//	defer box.Close()
//	answer, err := genkit.Generate(ctx, g, ai.WithTools(hutchtools.Tools(box, nil)...), ai.WithMaxTurns(30), ai.WithPrompt(prompt))
//
// Genkit makes 5 turns where WithMaxTurns says nothing, and a turn too many is an
// error. It calls the tools of one answer of the model in parallel, which they are
// made for; calls that must follow one another come in different answers.
//
// A call answers {"output": text}, and {"error": text} where it failed: Genkit has
// no mark for a failure. An error of a tool, such as of a workspace that is gone,
// ends Generate.
//
// The tools are those of one Generate, or of all if they are registered with
// [ai.Tool.Register] or genkit.RegisterAction; then there can be one set of them,
// for names are unique in a registry.
//
// Images and PDF files are the Content of an answer. Of Genkit's own plugins only
// those for Gemini pass it on; leave [tool.Options.Images] and Documents alone with
// the others.
//
// Genkit has no place for hints such as [tool.Tool.ReadOnly]; who wants to ask
// before a tool runs puts a guard around the backend (packages guard and policy).
package genkit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/core"
	"github.com/firebase/genkit/go/core/api"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

// Tools returns the tools of [tool.Console] for b, each an [ai.Tool]. They belong
// to one conversation; o may be nil.
func Tools(b hutch.Backend, o *tool.Options) []ai.ToolRef {
	var all []ai.ToolRef
	for _, t := range tool.Console(b, o) {
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of Genkit of any tool of package tool. It panics if t.Input is
// not the JSON Schema of an object.
func Wrap(t tool.Tool) ai.Tool {
	var schema map[string]any
	if err := json.Unmarshal(t.Input, &schema); err != nil {
		panic(fmt.Sprintf("genkit: the input schema of tool %q: %v", t.Name, err))
	}
	if schema["type"] != "object" {
		panic(fmt.Sprintf("genkit: the input schema of tool %q is not that of an object", t.Name))
	}
	run := func(ctx context.Context, input any) (*ai.MultipartToolResponse, error) { return call(ctx, t, input) }
	meta := map[string]any{
		"type": api.ActionTypeToolV2, "name": t.Name, "description": t.Description,
		"tool": map[string]any{"multipart": true}, "dynamic": true,
	}
	return &wrapped{
		Tool: ai.NewMultipartTool(t.Name, t.Description,
			func(ctx *ai.ToolContext, input any) (*ai.MultipartToolResponse, error) { return run(ctx, input) },
			ai.WithInputSchema(schema)),
		action: &action{core.NewAction(t.Name, api.ActionTypeToolV2, meta, nil, run), schema},
	}
}

// call calls a tool with arguments as Genkit has them.
func call(ctx context.Context, t tool.Tool, input any) (*ai.MultipartToolResponse, error) {
	raw, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	res, err := t.Call(ctx, tool.Call{Input: raw})
	if err != nil {
		return nil, err
	}
	text := strings.ToValidUTF8(res.Text, "\ufffd")
	if res.Failed {
		return &ai.MultipartToolResponse{Output: map[string]any{"error": text}}, nil
	}
	answer := &ai.MultipartToolResponse{Output: map[string]any{"output": text}}
	for _, m := range res.Media {
		data := "data:" + m.Type + ";base64," + base64.StdEncoding.EncodeToString(m.Data)
		answer.Content = append(answer.Content, ai.NewMediaPart(m.Type, data))
	}
	return answer, nil
}

// wrapped is a tool as Genkit has it but for what it runs: Genkit's own checks
// arguments against the schema first, and ends Generate where they do not fit.
type wrapped struct {
	ai.Tool
	action *action
}

// Register makes the tool known to a registry, for every Generate with it.
func (w *wrapped) Register(r api.Registry) { w.action.Register(r) }

// RunRaw runs the tool and returns its answer without media.
func (w *wrapped) RunRaw(ctx context.Context, input any) (any, error) {
	res, err := w.RunRawMultipart(ctx, input)
	if err != nil {
		return nil, err
	}
	return res.Output, nil
}

// RunRawMultipart runs the tool.
func (w *wrapped) RunRawMultipart(ctx context.Context, input any) (*ai.MultipartToolResponse, error) {
	raw, err := json.Marshal(input)
	if err != nil {
		return nil, err
	}
	out, err := w.action.RunJSON(ctx, raw, nil)
	if err != nil {
		return nil, err
	}
	var res ai.MultipartToolResponse
	if err := json.Unmarshal(out, &res); err != nil {
		return nil, err
	}
	return &res, nil
}

// action is an action that shows a schema and lets the tool hold arguments to it.
type action struct {
	api.Action
	schema map[string]any
}

// Register implements [api.Registerable].
func (a *action) Register(r api.Registry) { r.RegisterAction(a.Action.Desc().Key, a) }

// Desc implements [api.Action].
func (a *action) Desc() api.ActionDesc {
	d := a.Action.Desc()
	d.InputSchema = a.schema
	return d
}
