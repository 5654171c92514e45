package anthropic

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

type request struct {
	Model       string    `json:"model"`
	MaxTokens   int       `json:"max_tokens"`
	Stream      bool      `json:"stream"`
	System      []content `json:"system,omitempty"`
	Tools       []tool    `json:"tools,omitempty"`
	ToolChoice  *choice   `json:"tool_choice,omitempty"`
	Thinking    *thinking `json:"thinking,omitempty"`
	Output      *output   `json:"output_config,omitempty"`
	Temperature *float64  `json:"temperature,omitempty"`
	Messages    []message `json:"messages"`
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Input       json.RawMessage `json:"input_schema"`
	Cache       *cache          `json:"cache_control,omitempty"`
}

type choice struct {
	Type string `json:"type"`
}

type message struct {
	Role    llm.Role `json:"role"`
	Content []any    `json:"content"` // *content, or JSON that goes back as it came
}

type content struct {
	Type   string          `json:"type"`
	Text   string          `json:"text,omitempty"`
	Source *source         `json:"source,omitempty"`
	ID     string          `json:"id,omitempty"`
	Name   string          `json:"name,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`

	ToolUseID string    `json:"tool_use_id,omitempty"`
	IsError   bool      `json:"is_error,omitempty"`
	Content   []content `json:"content,omitempty"`

	Cache *cache `json:"cache_control,omitempty"`
}

type source struct {
	Type  string `json:"type"`
	Media string `json:"media_type"`
	Data  any    `json:"data"` // []byte becomes base64
}

type cache struct {
	Type string `json:"type"`
}

var ephemeral = &cache{"ephemeral"}

// request is what is sent for req.
func (m *Model) request(req *llm.Request) (*request, error) {
	if err := m.link.Check(req); err != nil {
		return nil, err
	}
	r := &request{
		Model: m.name, MaxTokens: link.MaxTokens(req), Stream: true,
		Temperature: req.Temperature, Messages: []message{},
	}
	r.Thinking, r.Output = m.thinking(req)
	if req.System != "" {
		r.System = []content{{Type: "text", Text: req.System}}
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{Name: t.Name, Description: t.Description, Input: link.Schema(t)})
	}
	if kind := map[llm.Choice]string{llm.Must: "any", llm.None: "none"}[req.Choice]; kind != "" && len(req.Tools) > 0 {
		r.ToolChoice = &choice{kind}
	}
	for _, t := range link.Turns(req.Messages) {
		blocks, err := m.contents(t.Content)
		if err != nil {
			return nil, err
		}
		if len(blocks) > 0 {
			r.Messages = append(r.Messages, message{t.Role, blocks})
		}
	}
	if len(r.Messages) == 0 {
		return nil, m.link.Error(llm.ErrRequest, "there is no message")
	}
	if !m.opts.NoCache {
		r.mark()
	}
	return r, nil
}

// mark sets the places up to which the provider keeps what it has read, four at
// most: the tools, the system, and the ends of the last two turns of the user, of
// which one was the end the last time
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
func (r *request) mark() {
	if n := len(r.Tools); n > 0 {
		r.Tools[n-1].Cache = ephemeral
	}
	if n := len(r.System); n > 0 {
		r.System[n-1].Cache = ephemeral
	}
	left := 2
	for _, m := range slices.Backward(r.Messages) {
		if c, ok := m.Content[len(m.Content)-1].(*content); ok && m.Role == llm.User && left > 0 {
			c.Cache = ephemeral
			left--
		}
	}
}

// contents are blocks as the provider has them. What only other providers
// understand, and text that is nothing but space, which this one refuses, is left
// out.
func (m *Model) contents(blocks []llm.Block) ([]any, error) {
	var list []any
	for _, b := range blocks {
		switch {
		case b.Reasoning != nil:
			stale := b.Reasoning.Stale && m.opts.Thinking != Budget // which wants it before calls, and binds it to nothing
			if b.Reasoning.Provider == provider && !stale && json.Valid(b.Reasoning.Opaque) {
				list = append(list, b.Reasoning.Opaque)
			}
		case b.Call != nil:
			list = append(list, &content{
				Type: "tool_use", ID: link.ID(b.Call.ID), Name: link.Name(b.Call.Name), Input: link.Arguments(b.Call.Input),
			})
		case b.Result != nil:
			c, err := m.result(b.Result)
			if err != nil {
				return nil, err
			}
			list = append(list, &c)
		case b.Media != nil:
			c, err := m.media(b.Media)
			if err != nil {
				return nil, err
			}
			list = append(list, &c)
		case strings.TrimSpace(b.Text) != "":
			list = append(list, &content{Type: "text", Text: b.Text})
		}
	}
	return list, nil
}

func (m *Model) result(r *llm.Result) (content, error) {
	c := content{Type: "tool_result", ToolUseID: link.ID(r.ID), IsError: r.Failed}
	if strings.TrimSpace(r.Text) != "" {
		c.Content = append(c.Content, content{Type: "text", Text: r.Text})
	}
	for i := range r.Media {
		block, err := m.media(&r.Media[i])
		if err != nil {
			return content{}, err
		}
		c.Content = append(c.Content, block)
	}
	if r.Failed && len(c.Content) == 0 {
		c.Content = []content{{Type: "text", Text: "failed"}} // is_error wants a text
	}
	return c, nil
}

// media is an image, or a document:
// https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support.
func (m *Model) media(md *llm.Media) (content, error) {
	switch md.Type {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return content{Type: "image", Source: &source{"base64", md.Type, md.Data}}, nil
	case "application/pdf":
		return content{Type: "document", Source: &source{"base64", md.Type, md.Data}}, nil
	case "text/plain":
		return content{Type: "document", Source: &source{"text", md.Type, string(md.Data)}}, nil
	}
	return content{}, m.link.Error(llm.ErrRequest, "it takes no media of type %q", md.Type)
}
