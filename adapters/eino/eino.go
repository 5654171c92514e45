// Package eino gives a workspace of hutch to agents that are made with Eino
// (github.com/cloudwego/eino). There are two ways. The console toolset as tools
// of any agent:
//
//	tools := eino.Tools(backend, nil)
//	agent, err := adk.NewChatModelAgent(ctx, &adk.ChatModelAgentConfig{
//		Name: "coder", Model: model,
//		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{Tools: tools}},
//	})
//
// And the workspace below Eino's own tools, those of its deep agent and of its
// middlewares for skills and plans:
//
//	shell, err := eino.NewShell(backend, nil)
//	agent, err := deep.New(ctx, &deep.Config{
//		Name: "deep", ChatModel: model, Backend: eino.NewBackend(backend, nil), Shell: shell,
//		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{
//			ToolCallMiddlewares: []compose.ToolMiddleware{eino.Mend()}}},
//	})
//
// Without Mend an error of the workspace, such as a file that is not there, ends
// the run of Eino's own tools; the console toolset needs none.
//
// Eino runs the calls of one message side by side, unless ExecuteSequentially is
// set. All that is here is safe for that: no write is lost, but a read next to a
// write sees the file before it or after it.
package eino

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	etool "github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/schema"
	"github.com/eino-contrib/jsonschema"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

// Tools returns the console toolset for b as tools of Eino; o may be nil. They
// belong to one conversation, as those of [tool.Console]. With Images or
// Documents in o read_file is made by [WrapMedia], all others by [Wrap].
func Tools(b hutch.Backend, o *tool.Options) []etool.BaseTool {
	media := o != nil && (o.Images || o.Documents)
	var all []etool.BaseTool
	for _, t := range tool.Console(b, o) {
		if media && t.Name == "read_file" {
			all = append(all, WrapMedia(t))
			continue
		}
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of Eino of t. What t says of itself besides its name, its
// description and its arguments is in the Extra of its info: "title" and, where
// they hold, "read_only", "destructive", "idempotent", "open_world" and "asks".
//
// A result that failed is the text that the model reads: Eino has no other mark
// for it. An error of t ends the run. Images and documents cannot be carried: a
// result with them becomes a text that says so.
func Wrap(t tool.Tool) etool.InvokableTool { return text{info{t}} }

// WrapMedia is Wrap for a tool that hands over images and documents, for models
// that take them in the result of a tool.
func WrapMedia(t tool.Tool) etool.EnhancedInvokableTool { return media{info{t}} }

type info struct{ t tool.Tool }

// Info implements the BaseTool of Eino.
func (i info) Info(context.Context) (*schema.ToolInfo, error) {
	args := new(jsonschema.Schema)
	if err := json.Unmarshal(i.t.Input, args); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", i.t.Name, err)
	}
	extra := map[string]any{"title": i.t.Title}
	for name, holds := range map[string]bool{
		"read_only": i.t.ReadOnly, "destructive": i.t.Destructive, "idempotent": i.t.Idempotent,
		"open_world": i.t.OpenWorld, "asks": i.t.Asks,
	} {
		if holds {
			extra[name] = true
		}
	}
	return &schema.ToolInfo{
		Name: i.t.Name, Desc: i.t.Description, Extra: extra,
		ParamsOneOf: schema.NewParamsOneOfByJSONSchema(args),
	}, nil
}

type text struct{ info }

// InvokableRun implements the InvokableTool of Eino.
func (t text) InvokableRun(ctx context.Context, args string, _ ...etool.Option) (string, error) {
	res, err := t.t.Call(ctx, tool.Call{Input: json.RawMessage(args)})
	if err != nil {
		return "", err
	}
	if n := len(res.Media); n > 0 {
		return fmt.Sprintf("%s\nError: this cannot be shown here (%d not handed over). Go on without seeing it.", res.Text, n), nil
	}
	return res.Text, nil
}

type media struct{ info }

// InvokableRun implements the EnhancedInvokableTool of Eino.
func (t media) InvokableRun(ctx context.Context, args *schema.ToolArgument, _ ...etool.Option) (*schema.ToolResult, error) {
	res, err := t.t.Call(ctx, tool.Call{Input: json.RawMessage(args.Text)})
	if err != nil {
		return nil, err
	}
	out := &schema.ToolResult{Parts: []schema.ToolOutputPart{{Type: schema.ToolPartTypeText, Text: res.Text}}}
	for _, m := range res.Media {
		out.Parts = append(out.Parts, part(m.Type, m.Data))
	}
	return out, nil
}

// part is an image or another file in a result.
func part(kind string, data []byte) schema.ToolOutputPart {
	encoded := base64.StdEncoding.EncodeToString(data)
	common := schema.MessagePartCommon{Base64Data: &encoded, MIMEType: kind}
	if isImage(kind) {
		return schema.ToolOutputPart{Type: schema.ToolPartTypeImage, Image: &schema.ToolOutputImage{MessagePartCommon: common}}
	}
	return schema.ToolOutputPart{Type: schema.ToolPartTypeFile, File: &schema.ToolOutputFile{MessagePartCommon: common}}
}
