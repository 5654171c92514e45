package anthropic

import (
	"encoding/json"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

// event has the fields of all events that are understood. Others are passed over,
// as the provider asks for.
type event struct {
	Type    string `json:"type"`
	Index   int    `json:"index"`
	Message struct {
		Usage usage `json:"usage"`
	} `json:"message"`
	Block struct {
		Type      string          `json:"type"`
		ID        string          `json:"id"`
		Name      string          `json:"name"`
		Input     json.RawMessage `json:"input"`
		Text      string          `json:"text"`
		Thinking  string          `json:"thinking"`
		Signature string          `json:"signature"`
		Data      string          `json:"data"`
	} `json:"content_block"`
	Delta struct {
		Type       string `json:"type"`
		Text       string `json:"text"`
		Partial    string `json:"partial_json"`
		Thinking   string `json:"thinking"`
		Signature  string `json:"signature"`
		StopReason string `json:"stop_reason"`
	} `json:"delta"`
	Usage usage `json:"usage"`
}

// usage counts, where it comes again, from the beginning.
type usage struct {
	Input      int64 `json:"input_tokens"`
	Output     int64 `json:"output_tokens"`
	CacheRead  int64 `json:"cache_read_input_tokens"`
	CacheWrite int64 `json:"cache_creation_input_tokens"`
}

type block struct {
	kind     string
	call     *link.Piece
	input    string // as it began; what follows replaces it
	thinking []byte
	sign     string
}

type decoder struct {
	link   *link.Link
	b      *link.Builder
	blocks map[int]*block
	usage  usage
	stop   string
}

// Event implements [link.Decoder].
func (d *decoder) Event(ev link.Event) (done bool, err error) {
	var e event
	if ev.Name == "error" {
		return false, d.fault(ev.Data)
	}
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		return false, d.link.Error(llm.ErrAnswer, "an event is no JSON: %v", err)
	}
	switch e.Type {
	case "error":
		return false, d.fault(ev.Data)
	case "message_start":
		d.count(e.Message.Usage)
	case "content_block_start":
		return false, d.start(e)
	case "content_block_delta":
		return false, d.delta(e)
	case "content_block_stop":
		d.end(e.Index)
	case "message_delta":
		d.count(e.Usage)
		if e.Delta.StopReason != "" {
			d.stop = e.Delta.StopReason
		}
	case "message_stop":
		return true, d.finish()
	}
	return false, nil
}

// End implements [link.Decoder].
func (d *decoder) End() error {
	return d.link.Error(llm.ErrCut, "the stream has ended before the message")
}

func (d *decoder) fault(data []byte) error {
	f, _ := link.ParseFault(data)
	return d.link.Fault(f)
}

func (d *decoder) count(u usage) {
	d.usage.Input = max(d.usage.Input, u.Input)
	d.usage.Output = max(d.usage.Output, u.Output)
	d.usage.CacheRead = max(d.usage.CacheRead, u.CacheRead)
	d.usage.CacheWrite = max(d.usage.CacheWrite, u.CacheWrite)
}

func (d *decoder) start(e event) error {
	if d.blocks[e.Index] != nil {
		return d.link.Error(llm.ErrAnswer, "block %d begins twice", e.Index)
	}
	k := &block{kind: e.Block.Type, sign: e.Block.Signature}
	d.blocks[e.Index] = k
	d.b.Seal()
	switch k.kind {
	case "text":
		d.b.Text(e.Block.Text)
	case "thinking":
		k.thinking = []byte(e.Block.Thinking)
		d.b.Reasoning(e.Block.Thinking)
	case "redacted_thinking":
		d.b.Opaque(redacted{k.kind, e.Block.Data})
	case "tool_use":
		k.call = d.b.Begin(e.Block.ID, e.Block.Name, nil)
		if s := string(e.Block.Input); s != "{}" && s != "null" {
			k.input = s
		}
	}
	return nil
}

func (d *decoder) delta(e event) error {
	k := d.blocks[e.Index]
	if k == nil {
		return d.link.Error(llm.ErrAnswer, "block %d goes on and has not begun", e.Index)
	}
	switch {
	case e.Delta.Type == "text_delta" && k.kind == "text":
		d.b.Text(e.Delta.Text)
	case e.Delta.Type == "thinking_delta" && k.kind == "thinking":
		k.thinking = append(k.thinking, e.Delta.Thinking...)
		d.b.Reasoning(e.Delta.Thinking)
	case e.Delta.Type == "signature_delta" && k.kind == "thinking":
		k.sign += e.Delta.Signature
	case e.Delta.Type == "input_json_delta" && k.call != nil:
		k.input = ""
		d.b.Input(k.call, e.Delta.Partial)
	}
	return nil
}

// thought and redacted are what goes back to the provider.
type thought struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
}

type redacted struct {
	Type string `json:"type"`
	Data string `json:"data"`
}

func (d *decoder) end(index int) {
	k := d.blocks[index]
	if k == nil {
		return
	}
	if k.call != nil {
		d.b.Input(k.call, k.input)
		k.input = ""
	}
	if k.kind == "thinking" {
		d.b.Opaque(thought{k.kind, string(k.thinking), k.sign})
	}
	d.b.Seal()
	k.kind = "ended"
}

func (d *decoder) finish() error {
	for _, k := range d.blocks {
		if k.kind != "ended" && k.kind != "redacted_thinking" {
			return d.link.Error(llm.ErrAnswer, "the message ends in the middle of a block")
		}
	}
	u := d.usage
	d.b.Usage(llm.Usage{
		Input: u.Input + u.CacheRead + u.CacheWrite, Output: u.Output,
		CacheRead: u.CacheRead, CacheWrite: u.CacheWrite,
	})
	stop, ok := stops[d.stop]
	if !ok {
		stop = llm.Other
	}
	if stop == llm.Calls && d.b.Calls() == 0 {
		return d.link.Error(llm.ErrAnswer, "it waits for tools, and calls none")
	}
	d.b.Stop(stop)
	return nil
}

var stops = map[string]llm.Stop{
	"end_turn":                      llm.End,
	"stop_sequence":                 llm.End,
	"tool_use":                      llm.Calls,
	"max_tokens":                    llm.Length,
	"model_context_window_exceeded": llm.Length,
	"refusal":                       llm.Refused,
}
