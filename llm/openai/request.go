package openai

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

type request struct {
	Model               string     `json:"model"`
	Stream              bool       `json:"stream"`
	StreamOptions       streamOpts `json:"stream_options"`
	MaxTokens           int        `json:"max_tokens,omitempty"`
	MaxCompletionTokens int        `json:"max_completion_tokens,omitempty"`
	Temperature         *float64   `json:"temperature,omitempty"`
	Effort              string     `json:"reasoning_effort,omitempty"`
	Tools               []tool     `json:"tools,omitempty"`
	ToolChoice          string     `json:"tool_choice,omitempty"`
	Messages            []message  `json:"messages"`
}

type streamOpts struct {
	Usage bool `json:"include_usage"`
}

type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Arguments   string          `json:"arguments,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"` // string, []part or nil
	Calls   []call `json:"tool_calls,omitempty"`
	CallID  string `json:"tool_call_id,omitempty"`
	thinking
}

// thinking has the fields in which servers give reasoning, and want it back:
// reasoning_content of DeepSeek and others, reasoning of vLLM
// (https://docs.vllm.ai/en/v0.11.2/features/reasoning_outputs/), Ollama and
// OpenRouter, whose reasoning_details hold signatures
// (https://openrouter.ai/docs/use-cases/reasoning-tokens).
type thinking struct {
	Content string            `json:"reasoning_content,omitempty"`
	Text    string            `json:"reasoning,omitempty"`
	Details []json.RawMessage `json:"reasoning_details,omitempty"`
}

type call struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type part struct {
	Type  string `json:"type"`
	Text  string `json:"text,omitempty"`
	Image *image `json:"image_url,omitempty"`
	File  *file  `json:"file,omitempty"`
	Audio *audio `json:"input_audio,omitempty"`
}

type image struct {
	URL string `json:"url"`
}

type file struct {
	Name string `json:"filename"`
	Data string `json:"file_data"`
}

type audio struct {
	Data   string `json:"data"`
	Format string `json:"format"`
}

// request is what is sent for req.
func (m *Model) request(req *llm.Request) (*request, error) {
	if err := m.link.Check(req); err != nil {
		return nil, err
	}
	r := &request{
		Model: m.name, Stream: true, StreamOptions: streamOpts{true},
		Temperature: req.Temperature, Effort: m.effort(req.Effort), Messages: []message{},
	}
	if m.opts.Limit == MaxTokens {
		r.MaxTokens = link.MaxTokens(req)
	} else {
		r.MaxCompletionTokens = link.MaxTokens(req)
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{"function", function{Name: t.Name, Description: t.Description, Parameters: link.Schema(t)}})
	}
	if len(r.Tools) > 0 {
		r.ToolChoice = map[llm.Choice]string{llm.Must: "required", llm.None: "none"}[req.Choice]
	}
	if req.System != "" {
		r.Messages = append(r.Messages, message{Role: "system", Content: req.System})
	}
	for _, t := range link.Turns(req.Messages) {
		list, err := m.turn(t)
		if err != nil {
			return nil, err
		}
		r.Messages = append(r.Messages, list...)
	}
	if n := len(r.Messages); n == 0 || n == 1 && req.System != "" {
		return nil, m.link.Error(llm.ErrRequest, "there is no message")
	}
	return r, nil
}

// silent reports whether a model is one of OpenAI that cannot reason, and refuses to
// be told how much.
func silent(model string) bool {
	for _, family := range []string{"gpt-3", "gpt-4", "chatgpt-"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return strings.HasSuffix(model, "-chat-latest")
}

func (m *Model) effort(e llm.Effort) string {
	switch {
	case m.opts.Effort == "-" || m.opts.Effort == "" && silent(m.name):
		return ""
	case m.opts.Effort != "":
		return m.opts.Effort
	}
	return string(e)
}

func (m *Model) turn(t llm.Message) ([]message, error) {
	if t.Role == llm.Assistant {
		return m.assistant(t.Content), nil
	}
	return m.user(t.Content)
}

func (m *Model) assistant(blocks []llm.Block) []message {
	msg := message{Role: "assistant"}
	var text strings.Builder
	for _, b := range blocks {
		switch {
		case b.Reasoning != nil:
			m.reasoning(&msg, b.Reasoning)
		case b.Call != nil:
			msg.Calls = append(msg.Calls, call{link.ID(b.Call.ID), "function", function{
				Name: link.Name(b.Call.Name), Arguments: string(link.Arguments(b.Call.Input)),
			}})
		default:
			text.WriteString(b.Text)
		}
	}
	if text.Len() > 0 {
		msg.Content = text.String()
	}
	if msg.Content == nil && msg.Calls == nil {
		return nil // reasoning alone; no server takes that as a message
	}
	return []message{msg}
}

func (m *Model) reasoning(msg *message, r *llm.Reasoning) {
	var o opaque
	if m.opts.DropReasoning || r.Provider != m.opts.Provider || json.Unmarshal(r.Opaque, &o) != nil {
		return
	}
	switch o.Field {
	case fieldContent:
		msg.thinking.Content += r.Text
	case fieldText:
		msg.thinking.Text += r.Text
	}
	msg.Details = append(msg.Details, o.Details...)
}

// user is the answers of tools, and after them what the user says. Media of an
// answer come there too: this API takes none in the message of a tool.
func (m *Model) user(blocks []llm.Block) ([]message, error) {
	results, parts, err := link.Said[part]{Tool: "tool", Text: textPart, Media: m.media}.Split(blocks)
	if err != nil {
		return nil, err
	}
	var list []message
	for _, r := range results {
		list = append(list, message{Role: "tool", CallID: link.ID(r.ID), Content: resultText(r)})
	}
	if len(parts) > 0 {
		list = append(list, message{Role: "user", Content: simple(parts)})
	}
	return list, nil
}

// simple is texts alone as one text, which every server takes.
func simple(parts []part) any {
	var texts []string
	for _, p := range parts {
		if p.Type != "text" {
			return parts
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n\n")
}

// resultText says in words what has no field here.
func resultText(r *llm.Result) string {
	text := r.Text
	if r.Failed {
		text = "The tool has failed. " + text
	}
	if len(r.Media) > 0 {
		text = strings.TrimSpace(text + "\nWhat it shows comes in the next message of the user.")
	}
	return text
}

func textPart(s string) part { return part{Type: "text", Text: s} }

// media is an image as a data URL, a PDF as a file, or sound.
func (m *Model) media(md *llm.Media) (part, error) {
	data := base64.StdEncoding.EncodeToString(md.Data)
	switch md.Type {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return part{Type: "image_url", Image: &image{"data:" + md.Type + ";base64," + data}}, nil
	case "application/pdf":
		return part{Type: "file", File: &file{"document.pdf", "data:application/pdf;base64," + data}}, nil
	case "audio/wav", "audio/x-wav":
		return part{Type: "input_audio", Audio: &audio{data, "wav"}}, nil
	case "audio/mpeg", "audio/mp3":
		return part{Type: "input_audio", Audio: &audio{data, "mp3"}}, nil
	case "text/plain":
		return textPart(string(md.Data)), nil
	}
	return part{}, m.link.Error(llm.ErrRequest, "it takes no media of type %q", md.Type)
}
