package gemini

import (
	"encoding/json"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

type chunk struct {
	Candidates []struct {
		Index   int `json:"index"`
		Content struct {
			Parts []partDelta `json:"parts"`
		} `json:"content"`
		FinishReason  string `json:"finishReason"`
		FinishMessage string `json:"finishMessage"`
	} `json:"candidates"`
	Feedback struct {
		BlockReason string `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage *usage          `json:"usageMetadata"`
	Error json.RawMessage `json:"error"`
}

type partDelta struct {
	Text      string `json:"text"`
	Thought   bool   `json:"thought"`
	Signature string `json:"thoughtSignature"`
	Call      *call  `json:"functionCall"`
}

type usage struct {
	Prompt     int64 `json:"promptTokenCount"`
	ToolPrompt int64 `json:"toolUsePromptTokenCount"`
	Cached     int64 `json:"cachedContentTokenCount"`
	Candidates int64 `json:"candidatesTokenCount"`
	Thoughts   int64 `json:"thoughtsTokenCount"`
}

// opaque is a signature, and what part it came with.
type opaque struct {
	Signature string `json:"signature,omitempty"`
	Of        string `json:"of,omitempty"`
}

const (
	ofThought = "thought"
	ofText    = "text"
	ofNothing = "" // a part without a text
)

func opaqueOf(raw json.RawMessage) (o opaque) {
	_ = json.Unmarshal(raw, &o) // of another provider: nothing
	return o
}

type decoder struct {
	link    *link.Link
	b       *link.Builder
	finish  string
	message string
	blocked bool
}

// Event implements [link.Decoder].
func (d *decoder) Event(ev link.Event) (done bool, err error) {
	var c chunk
	if err := json.Unmarshal(ev.Data, &c); err != nil {
		return false, d.link.Error(llm.ErrAnswer, "an event is no JSON of this API: %v", err)
	}
	if len(c.Error) > 0 && string(c.Error) != "null" {
		f, _ := link.ParseFault(ev.Data)
		return false, d.link.Fault(f)
	}
	if u := c.Usage; u != nil {
		d.b.Usage(llm.Usage{Input: u.Prompt + u.ToolPrompt, Output: u.Candidates + u.Thoughts, CacheRead: u.Cached})
	}
	d.blocked = d.blocked || c.Feedback.BlockReason != ""
	for _, candidate := range c.Candidates {
		if candidate.Index != 0 {
			continue // only one was asked for
		}
		for _, p := range candidate.Content.Parts {
			d.part(p)
		}
		if candidate.FinishReason != "" {
			d.finish, d.message = candidate.FinishReason, candidate.FinishMessage
		}
	}
	return false, nil
}

func (d *decoder) part(p partDelta) {
	switch {
	case p.Call != nil:
		d.call(p)
		return
	case p.Thought:
		d.b.Reasoning(p.Text)
		d.sign(p.Signature, ofThought)
		return
	}
	d.b.Text(p.Text)
	if p.Text == "" {
		d.sign(p.Signature, ofNothing)
		return
	}
	d.sign(p.Signature, ofText)
}

// sign keeps a signature. One of a text is a thought of its own, behind it.
func (d *decoder) sign(signature, of string) {
	if signature == "" {
		return
	}
	if of != ofThought {
		d.b.Seal()
	}
	d.b.Opaque(opaque{signature, of})
}

func (d *decoder) call(p partDelta) {
	var o any
	if p.Signature != "" {
		o = opaque{Signature: p.Signature}
	}
	piece := d.b.Begin(p.Call.ID, p.Call.Name, o)
	if s := string(p.Call.Args); s != "" && s != "null" {
		d.b.Input(piece, s)
	}
}

// End implements [link.Decoder]. The stream has no event that ends it: it is whole
// if the model has given a reason to finish, or the question was refused.
func (d *decoder) End() error {
	stop, ok := stops[d.finish]
	switch {
	case d.finish == "" && d.blocked:
		stop = llm.Refused
	case d.finish == "":
		return d.link.Error(llm.ErrCut, "the stream has ended before the answer")
	case senseless[d.finish]:
		return d.link.Error(llm.ErrAnswer, "%s %s", d.finish, d.message)
	case !ok:
		stop = llm.Other
	case stop == llm.End && d.b.Calls() > 0:
		stop = llm.Calls
	}
	d.b.Stop(stop)
	return nil
}

var stops = map[string]llm.Stop{
	"STOP":                     llm.End,
	"MAX_TOKENS":               llm.Length,
	"SAFETY":                   llm.Refused,
	"RECITATION":               llm.Refused,
	"BLOCKLIST":                llm.Refused,
	"PROHIBITED_CONTENT":       llm.Refused,
	"SPII":                     llm.Refused,
	"IMAGE_SAFETY":             llm.Refused,
	"IMAGE_PROHIBITED_CONTENT": llm.Refused,
	"IMAGE_RECITATION":         llm.Refused,
}

// senseless are the reasons for which the API throws away what the model has
// written.
var senseless = map[string]bool{
	"MALFORMED_FUNCTION_CALL": true,
	"UNEXPECTED_TOOL_CALL":    true,
	"TOO_MANY_TOOL_CALLS":     true,
	"MALFORMED_RESPONSE":      true,
}
