package llm

import (
	"context"
	"encoding/json"
	"iter"
)

// Model is a language model. It is safe for concurrent use.
type Model interface {
	// Name is provider and model with a colon between them, "anthropic:…", for
	// people to read.
	Name() string

	// Stream sends req and yields what the model answers while it answers. The
	// last part is Done and has the whole Reply; an error comes last and ends the
	// stream without one. Breaking off, and the end of ctx, close the connection.
	// An error is an [*Error] if the provider has said something, ctx's error if
	// ctx has ended. Nothing is tried twice here.
	Stream(ctx context.Context, req *Request) iter.Seq2[Part, error]
}

// DefaultMaxTokens is how many tokens a reply has at most where a Request names
// no number.
const DefaultMaxTokens = 16_384

// Request is a conversation to go on with.
type Request struct {
	System   string // instructions, before all messages
	Messages []Message
	Tools    []Tool
	// Choice says whether tools may be, must be or must not be called.
	Choice Choice

	MaxTokens   int      // of the reply, reasoning included; 0 is DefaultMaxTokens
	Temperature *float64 // nil is the provider's own
	Effort      Effort   // "" is the provider's own
}

// Choice is whether a model calls tools.
type Choice string

// The choices. Auto is the model's own decision.
const (
	Auto Choice = ""
	Must Choice = "must"
	None Choice = "none"
)

// Effort is how much a model reasons before it answers. Providers map it to what
// they have; a model that cannot reason takes no notice.
type Effort string

// The efforts.
const (
	Low    Effort = "low"
	Medium Effort = "medium"
	High   Effort = "high"
)

// Tool is something that a model can call.
type Tool struct {
	Name        string          // letters, digits, "_" and "-", at most 64
	Description string          // Markdown
	Input       json.RawMessage // JSON Schema of the arguments, an object
}

// Role is who says a message.
type Role string

// The roles. What tools have answered is said by the user.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role    `json:"role"`
	Content []Block `json:"content"`
}

// Block is a piece of a message; just one of its fields is set.
type Block struct {
	Text      string     `json:"text,omitempty"`
	Reasoning *Reasoning `json:"reasoning,omitempty"` // of the assistant
	Call      *Call      `json:"call,omitempty"`      // of the assistant
	Result    *Result    `json:"result,omitempty"`    // of the user
	Media     *Media     `json:"media,omitempty"`     // of the user
}

// Reasoning is what a model has thought. Opaque is for the provider that gave it:
// it goes back as it came, and to no other provider. Stale says that something
// before it, instructions and tools included, is not what it was when this was
// thought: a provider that refuses it then does not get it.
type Reasoning struct {
	Text     string          `json:"text,omitempty"`
	Provider string          `json:"provider,omitempty"`
	Opaque   json.RawMessage `json:"opaque,omitempty"`
	Stale    bool            `json:"stale,omitempty"`
}

// Call is a tool that the model wants to be called. Input is what the model has
// written, not always what the schema asks for, and not always JSON: who calls
// looks. It is valid JSON wherever a conversation is encoded: what is not JSON is
// then a string that holds it.
type Call struct {
	ID     string          `json:"id"` // unique in a conversation
	Name   string          `json:"name"`
	Input  Input           `json:"input"`
	Opaque json.RawMessage `json:"opaque,omitempty"` // for the provider, as in Reasoning
}

// Result is what a tool has answered to the call with the same ID.
type Result struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Text   string  `json:"text"`
	Media  []Media `json:"media,omitempty"`
	Failed bool    `json:"failed,omitempty"`
}

// Media is an image or a document.
type Media struct {
	Type string `json:"type"` // MIME type, "image/png"
	Data []byte `json:"data"`
}

// Kind is what a Part brings.
type Kind int

// The kinds of parts.
const (
	TextDelta      Kind = iota + 1 // Text is more of what the model says
	ReasoningDelta                 // Text is more of what it thinks
	CallBegin                      // Call has ID and Name of a call whose input follows
	InputDelta                     // Text is more of the input of the last call
	Done                           // Reply is all of it
)

// Part is a piece of a reply.
type Part struct {
	Kind  Kind
	Text  string
	Call  *Call
	Reply *Reply
}

// Reply is what a model has answered.
type Reply struct {
	Message Message // of the assistant; it may have no content
	Stop    Stop
	Usage   Usage
}

// Stop is why a model has stopped.
type Stop string

// The reasons. A reply that was cut by Length may end in the middle of a call.
const (
	End     Stop = "end"     // it has said what it had to say
	Calls   Stop = "calls"   // it waits for tools
	Length  Stop = "length"  // MaxTokens
	Refused Stop = "refused" // the model or the provider does not answer this
	Other   Stop = "other"
)

// Usage counts tokens. Input has all that the model has read, CacheRead and
// CacheWrite are parts of it. Output has all that it has written, reasoning
// included.
type Usage struct {
	Input      int64 `json:"input"`
	Output     int64 `json:"output"`
	CacheRead  int64 `json:"cache_read,omitempty"`
	CacheWrite int64 `json:"cache_write,omitempty"`
}

// Add is the sum of both.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.Input + v.Input, u.Output + v.Output, u.CacheRead + v.CacheRead, u.CacheWrite + v.CacheWrite}
}

// Generate is Stream for who wants the reply alone.
func Generate(ctx context.Context, m Model, req *Request) (*Reply, error) {
	for part, err := range m.Stream(ctx, req) {
		switch {
		case err != nil:
			return nil, err
		case part.Kind == Done:
			return part.Reply, nil
		}
	}
	return nil, ErrCut
}
