package openai

import (
	"bytes"
	"encoding/json"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

type chunk struct {
	Choices []struct {
		Index        int     `json:"index"`
		Delta        delta   `json:"delta"`
		Message      *delta  `json:"message"` // of servers that send all at once
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type delta struct {
	Text      text              `json:"content"`
	Refusal   string            `json:"refusal"`
	Content   string            `json:"reasoning_content"`
	Reasoning string            `json:"reasoning"`
	Details   []json.RawMessage `json:"reasoning_details"`
	Calls     []callDelta       `json:"tool_calls"`
}

// text is a string, or the text of a list of parts, as Mistral has it.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(t))
	}
	var parts []part
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		*t += text(p.Text)
	}
	return nil
}

type usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Details    struct {
		Cached  int64 `json:"cached_tokens"`
		Written int64 `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
}

type decoder struct {
	link    *link.Link
	b       *link.Builder
	calls   calls
	field   string // in which reasoning comes
	details details
	thought bool
	refused bool
	finish  string
}

// Event implements [link.Decoder].
func (d *decoder) Event(ev link.Event) (done bool, err error) {
	data := bytes.TrimSpace(ev.Data)
	if string(data) == "[DONE]" {
		return true, d.end("it was done before it had finished")
	}
	if len(data) == 0 {
		return false, nil
	}
	var c chunk
	if err := json.Unmarshal(data, &c); err != nil {
		return false, d.link.Error(llm.ErrAnswer, "an event is no JSON of this API: %v", err)
	}
	if len(c.Error) > 0 && string(c.Error) != "null" || ev.Name == "error" {
		f, _ := link.ParseFault(data)
		return false, d.link.Fault(f)
	}
	if u := c.Usage; u != nil {
		d.b.Usage(llm.Usage{Input: u.Prompt, Output: u.Completion, CacheRead: u.Details.Cached, CacheWrite: u.Details.Written})
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue // only one was asked for
		}
		if choice.Message != nil {
			choice.Delta = *choice.Message
		}
		d.delta(choice.Delta)
		if choice.FinishReason != nil && *choice.FinishReason != "" {
			d.finish = *choice.FinishReason
		}
	}
	return false, nil
}

// End implements [link.Decoder]. Some servers close the stream without the event
// that says so; who has given a reason to finish has finished.
func (d *decoder) End() error { return d.end("the stream has ended before the answer") }

func (d *decoder) delta(t delta) {
	if t.Content != "" || t.Reasoning != "" || len(t.Details) > 0 {
		d.reason(t)
	}
	if t.Text != "" || t.Refusal != "" || len(t.Calls) > 0 {
		d.endThought()
	}
	d.b.Text(string(t.Text))
	d.b.Text(t.Refusal)
	d.refused = d.refused || t.Refusal != ""
	for _, c := range t.Calls {
		d.calls.add(d.b, c)
	}
}

// reason takes reasoning from one of the fields; servers that fill two say the
// same in both.
func (d *decoder) reason(t delta) {
	d.thought = true
	d.details.add(t.Details)
	switch {
	case t.Content != "" && d.field != fieldText:
		d.field = fieldContent
		d.b.Reasoning(t.Content)
	case t.Reasoning != "" && d.field != fieldContent:
		d.field = fieldText
		d.b.Reasoning(t.Reasoning)
	}
}

func (d *decoder) endThought() {
	if d.thought {
		d.b.Opaque(opaque{d.field, d.details.list()})
		d.thought, d.details = false, nil
	}
}

// end is what the answer comes to; early is the error where it has not finished.
func (d *decoder) end(early string) error {
	if d.finish == "" {
		return d.link.Error(llm.ErrCut, "%s", early)
	}
	d.endThought()
	d.calls.flush(d.b)
	stop, ok := stops[d.finish]
	switch {
	case !ok:
		stop = llm.Other
	case d.finish == "error":
		return d.link.Error(llm.ErrTrouble, "the answer has ended with an error")
	case stop == llm.Calls && d.b.Calls() == 0:
		return d.link.Error(llm.ErrAnswer, "it says that it calls tools, and calls none")
	case stop == llm.End && d.b.Calls() > 0:
		stop = llm.Calls // so does Ollama, and OpenAI where a tool must be called
	case stop == llm.End && d.refused:
		stop = llm.Refused
	}
	d.b.Stop(stop)
	return nil
}

var stops = map[string]llm.Stop{
	"stop":           llm.End,
	"eos":            llm.End,
	"tool_calls":     llm.Calls,
	"function_call":  llm.Calls,
	"length":         llm.Length,
	"content_filter": llm.Refused,
	"error":          llm.Other,
}
