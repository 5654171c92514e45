package gemini

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

type request struct {
	System   *content    `json:"systemInstruction,omitempty"`
	Contents []content   `json:"contents"`
	Tools    []tools     `json:"tools,omitempty"`
	Config   *toolConfig `json:"toolConfig,omitempty"`
	Generate generate    `json:"generationConfig"`
}

type generate struct {
	MaxTokens   int       `json:"maxOutputTokens"`
	Temperature *float64  `json:"temperature,omitempty"`
	Thinking    *thinking `json:"thinkingConfig,omitempty"`
}

type tools struct {
	Functions []function `json:"functionDeclarations"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parametersJsonSchema"`
}

type toolConfig struct {
	Calling calling `json:"functionCallingConfig"`
}

type calling struct {
	Mode string `json:"mode"`
}

type content struct {
	Role  string `json:"role,omitempty"`
	Parts []part `json:"parts"`
}

type part struct {
	Text      *string   `json:"text,omitempty"`
	Thought   bool      `json:"thought,omitempty"`
	Signature string    `json:"thoughtSignature,omitempty"`
	Data      *blob     `json:"inlineData,omitempty"`
	Call      *call     `json:"functionCall,omitempty"`
	Response  *response `json:"functionResponse,omitempty"`
}

type blob struct {
	Type string `json:"mimeType"`
	Data []byte `json:"data"`
}

type call struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

// response has "output" for what a function has given, and "error" for how it has
// failed (https://ai.google.dev/api/caching#FunctionResponse).
type response struct {
	ID       string            `json:"id,omitempty"`
	Name     string            `json:"name"`
	Response map[string]string `json:"response"`
}

// request is what is sent for req.
func (m *Model) request(req *llm.Request) (*request, error) {
	if err := m.link.Check(req); err != nil {
		return nil, err
	}
	r := &request{Contents: []content{}, Generate: generate{link.MaxTokens(req), req.Temperature, m.thinking(req)}}
	if req.System != "" {
		r.System = &content{Parts: []part{text(req.System)}}
	}
	if len(req.Tools) > 0 {
		list := tools{}
		for _, t := range req.Tools {
			list.Functions = append(list.Functions, function{t.Name, t.Description, link.Schema(t)})
		}
		r.Tools = []tools{list}
		if mode := map[llm.Choice]string{llm.Must: "ANY", llm.None: "NONE"}[req.Choice]; mode != "" {
			r.Config = &toolConfig{calling{mode}}
		}
	}
	for _, t := range link.Turns(req.Messages) {
		c := content{Role: "user"}
		var err error
		if t.Role == llm.Assistant {
			c = content{"model", m.said(t.Content)}
		} else if c.Parts, err = m.asked(t.Content); err != nil {
			return nil, err
		}
		if len(c.Parts) > 0 {
			r.Contents = append(r.Contents, c)
		}
	}
	if len(r.Contents) == 0 {
		return nil, m.link.Error(llm.ErrRequest, "there is no message")
	}
	return r, nil
}

func text(s string) part { return part{Text: &s} }

// unsigned stands where the first call of another model's step has no signature:
// from Gemini 3 on the API wants one there, and takes this for it
// (https://ai.google.dev/gemini-api/docs/thought-signatures, FAQ).
const unsigned = "skip_thought_signature_validator"

// said is what the model has said, signatures where they came.
func (m *Model) said(blocks []llm.Block) []part {
	var parts []part
	signed := thinkingOf(m.name, llm.High) != Level
	for _, b := range blocks {
		switch {
		case b.Reasoning != nil:
			parts = m.thought(parts, b.Reasoning)
		case b.Call != nil:
			p := part{Call: &call{link.ID(b.Call.ID), link.Name(b.Call.Name), link.Arguments(b.Call.Input)}}
			if o := opaqueOf(b.Call.Opaque); o.Signature != "" {
				p.Signature = o.Signature
			} else if !signed {
				p.Signature = unsigned
			}
			signed = true
			parts = append(parts, p)
		default:
			parts = append(parts, text(b.Text))
		}
	}
	return parts
}

// thought adds a thought as it came, or its signature to the text before it. One
// without a signature is nothing the API wants to see again.
func (m *Model) thought(parts []part, r *llm.Reasoning) []part {
	o := opaqueOf(r.Opaque)
	if r.Provider != provider || o.Signature == "" {
		return parts
	}
	n := len(parts)
	switch {
	case o.Of == ofThought:
		p := text(r.Text)
		p.Thought, p.Signature = true, o.Signature
		return append(parts, p)
	case o.Of == ofText && n > 0 && parts[n-1].Text != nil && parts[n-1].Signature == "":
		parts[n-1].Signature = o.Signature
		return parts
	}
	p := text("")
	p.Signature = o.Signature
	return append(parts, p)
}

// asked is what the user says. Media of an answer come behind all answers: before
// Gemini 3 they had no place in one.
func (m *Model) asked(blocks []llm.Block) ([]part, error) {
	results, said, err := link.Said[part]{Tool: "function", Text: text, Media: m.media}.Split(blocks)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, r := range results {
		parts = append(parts, answer(r))
	}
	return append(parts, said...), nil
}

func answer(r *llm.Result) part {
	key := "output"
	if r.Failed {
		key = "error"
	}
	return part{Response: &response{link.ID(r.ID), link.Name(r.Name), map[string]string{key: r.Text}}}
}

// families and kinds are what the API takes inline
// (https://ai.google.dev/gemini-api/docs/file-input-methods).
var (
	families = []string{"audio", "video", "text"}
	kinds    = []string{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "application/pdf"}
)

func (m *Model) media(md *llm.Media) (part, error) {
	family, _, _ := strings.Cut(md.Type, "/")
	if !slices.Contains(kinds, md.Type) && !slices.Contains(families, family) {
		return part{}, m.link.Error(llm.ErrRequest, "it takes no media of type %q", md.Type)
	}
	return part{Data: &blob{md.Type, md.Data}}, nil
}
