// Package anthropic gives the console toolset to agents that are built with the
// Go SDK of Anthropic: as tools for its tool runner, and for the worker of its
// self-hosted environments.
//
//	import hutchtools "github.com/hutch-dev/hutch/adapters/anthropic"
//
//	box, err := local.Open("workspace", nil) // files and commands, in a jail
//	…
//	defer box.Close()
//	runner := client.Beta.Messages.NewToolRunner(hutchtools.Tools(box, nil), params)
//	answer, err := runner.RunToCompletion(ctx)
//
// The runner calls the tools of one answer of the model in parallel, which they
// are made for; calls that must follow one another come in different answers.
//
// A result that failed reaches the model as a tool_result with is_error, and so
// does, with this SDK, every error of a tool: its runner ends by itself only when
// ctx has ended. Set MaxIterations, so that a model whose workspace is gone does
// not try for ever.
//
// The SDK has no place for hints such as [tool.Tool.ReadOnly]; who wants to ask
// before a tool runs puts a guard around the backend (packages guard and policy).
package anthropic

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

// Tools returns the tools of [tool.Console] for b. They belong to one
// conversation; o may be nil.
func Tools(b hutch.Backend, o *tool.Options) []anthropic.BetaTool {
	var all []anthropic.BetaTool
	for _, t := range tool.Console(b, o) {
		all = append(all, Wrap(t))
	}
	return all
}

// Wrap makes a tool of the SDK of any tool of package tool. It panics if t.Input
// is not the JSON Schema of an object.
func Wrap(t tool.Tool) anthropic.BetaTool {
	schema, err := inputSchema(t.Input)
	if err != nil {
		panic(fmt.Sprintf("anthropic: the input schema of tool %q: %v", t.Name, err))
	}
	return &wrapped{t, schema}
}

// Failure is the error of a call that failed for a reason that the model can
// mend. The runner shows it to the model and goes on; so should a loop of your own.
type Failure struct {
	Text string // what was wrong and how to mend it
}

// Error is Text without the "Error: " that runners put before it.
func (f *Failure) Error() string { return strings.TrimPrefix(f.Text, "Error: ") }

type wrapped struct {
	tool   tool.Tool
	schema anthropic.BetaToolInputSchemaParam
}

func (w *wrapped) Name() string                                    { return w.tool.Name }
func (w *wrapped) Description() string                             { return w.tool.Description }
func (w *wrapped) InputSchema() anthropic.BetaToolInputSchemaParam { return w.schema }

// Execute implements [anthropic.BetaTool]. Its error is a *[Failure] where the
// model can mend it, else ctx has ended or the workspace is gone.
func (w *wrapped) Execute(ctx context.Context, input json.RawMessage) ([]anthropic.BetaToolResultBlockParamContentUnion, error) {
	res, err := w.tool.Call(ctx, tool.Call{Input: input})
	if err != nil {
		return nil, err
	}
	if text := valid(res.Text); res.Failed {
		return nil, &Failure{text}
	}
	return content(res), nil
}

// content is a result as blocks; an empty text is none, which the API refuses.
func content(res tool.Result) []anthropic.BetaToolResultBlockParamContentUnion {
	var blocks []anthropic.BetaToolResultBlockParamContentUnion
	if res.Text != "" {
		blocks = append(blocks, textBlock(valid(res.Text)))
	}
	for _, m := range res.Media {
		blocks = append(blocks, media(m))
	}
	return blocks
}

func textBlock(text string) anthropic.BetaToolResultBlockParamContentUnion {
	return anthropic.BetaToolResultBlockParamContentUnion{OfText: &anthropic.BetaTextBlockParam{Text: text}}
}

// media is an image or a PDF file as a block; of what the API does not take it
// says so.
func media(m tool.Media) anthropic.BetaToolResultBlockParamContentUnion {
	data := base64.StdEncoding.EncodeToString(m.Data)
	switch m.Type {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return anthropic.BetaToolResultBlockParamContentUnion{OfImage: &anthropic.BetaImageBlockParam{
			Source: anthropic.BetaImageBlockParamSourceUnion{OfBase64: &anthropic.BetaBase64ImageSourceParam{
				Data: data, MediaType: anthropic.BetaBase64ImageSourceMediaType(m.Type),
			}},
		}}
	case "application/pdf":
		return anthropic.BetaToolResultBlockParamContentUnion{OfDocument: &anthropic.BetaRequestDocumentBlockParam{
			Source: anthropic.BetaRequestDocumentBlockSourceUnionParam{OfBase64: &anthropic.BetaBase64PDFSourceParam{Data: data}},
		}}
	}
	return textBlock(valid(fmt.Sprintf("(%s: %d bytes of %s, which cannot be shown here)", m.Path, len(m.Data), m.Type)))
}

// inputSchema is a schema as the SDK has it; its parts stay in their order.
func inputSchema(raw json.RawMessage) (anthropic.BetaToolInputSchemaParam, error) {
	var s anthropic.BetaToolInputSchemaParam
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return s, err
	}
	if string(parts["type"]) != `"object"` {
		return s, fmt.Errorf("its type is not object")
	}
	for key, part := range parts {
		switch key {
		case "type":
		case "properties":
			s.Properties = part
		case "required":
			if err := json.Unmarshal(part, &s.Required); err != nil {
				return s, err
			}
		default:
			if s.ExtraFields == nil {
				s.ExtraFields = map[string]any{}
			}
			s.ExtraFields[key] = part
		}
	}
	return s, nil
}

// valid is text as JSON can carry it.
func valid(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
