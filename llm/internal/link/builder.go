package link

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/hutch-dev/hutch/llm"
)

// Builder collects a reply while it comes, and the parts that tell of it.
type Builder struct {
	provider string
	used     map[string]bool
	pieces   []*Piece
	sealed   bool // what comes next begins a new piece
	calls    int
	stop     llm.Stop
	usage    llm.Usage
	parts    []llm.Part
}

// Piece is a block in the making.
type Piece struct {
	text      strings.Builder
	reasoning *llm.Reasoning
	call      *llm.Call
}

// NewBuilder is for the answer to req. The IDs of its calls are not given again.
func NewBuilder(provider string, req *llm.Request) *Builder {
	b := &Builder{provider: provider, used: map[string]bool{}}
	for _, m := range req.Messages {
		for _, block := range m.Content {
			if block.Call != nil {
				b.used[block.Call.ID] = true
			}
		}
	}
	return b
}

// Take is the parts since the last Take.
func (b *Builder) Take() []llm.Part {
	parts := b.parts
	b.parts = nil
	return parts
}

// last is the piece that goes on, or fresh.
func (b *Builder) last(goesOn func(*Piece) bool, fresh *Piece) *Piece {
	if n := len(b.pieces); n > 0 && !b.sealed && goesOn(b.pieces[n-1]) {
		return b.pieces[n-1]
	}
	b.sealed = false
	b.pieces = append(b.pieces, fresh)
	return fresh
}

// Seal ends the block that is last.
func (b *Builder) Seal() { b.sealed = true }

// Text is more of what is said.
func (b *Builder) Text(s string) {
	if s == "" {
		return
	}
	p := b.last(func(p *Piece) bool { return p.call == nil && p.reasoning == nil }, &Piece{})
	p.text.WriteString(s)
	b.parts = append(b.parts, llm.Part{Kind: llm.TextDelta, Text: s})
}

// Reasoning is more of what is thought.
func (b *Builder) Reasoning(s string) {
	if s == "" {
		return
	}
	b.reasoning().text.WriteString(s)
	b.parts = append(b.parts, llm.Part{Kind: llm.ReasoningDelta, Text: s})
}

// Opaque is what the provider wants to have back with the reasoning that is last;
// it ends it.
func (b *Builder) Opaque(v any) {
	b.reasoning().reasoning.Opaque = raw(v)
	b.Seal()
}

func (b *Builder) reasoning() *Piece {
	fresh := &Piece{reasoning: &llm.Reasoning{Provider: b.provider}}
	return b.last(func(p *Piece) bool { return p.reasoning != nil }, fresh)
}

// Begin is a call whose input follows. An id that is missing or was used before is
// replaced. opaque may be nil.
func (b *Builder) Begin(id, name string, opaque any) *Piece {
	for id == "" || b.used[id] {
		id = newID()
	}
	b.used[id] = true
	p := &Piece{call: &llm.Call{ID: id, Name: name}}
	if opaque != nil {
		p.call.Opaque = raw(opaque)
	}
	b.pieces = append(b.pieces, p)
	b.calls++
	b.parts = append(b.parts, llm.Part{Kind: llm.CallBegin, Call: &llm.Call{ID: id, Name: name}})
	return p
}

// Input is more of the input of the call that p is. Where another call has begun
// since, no part tells of it.
func (b *Builder) Input(p *Piece, s string) {
	if s == "" {
		return
	}
	p.text.WriteString(s)
	for i := len(b.pieces) - 1; i >= 0; i-- {
		if b.pieces[i].call != nil {
			if b.pieces[i] == p {
				b.parts = append(b.parts, llm.Part{Kind: llm.InputDelta, Text: s})
			}
			return
		}
	}
}

// Calls is how many calls have begun.
func (b *Builder) Calls() int { return b.calls }

// Stop says why the model has stopped.
func (b *Builder) Stop(s llm.Stop) { b.stop = s }

// Usage says what was counted; less than nothing is nothing.
func (b *Builder) Usage(u llm.Usage) {
	b.usage = llm.Usage{
		Input: max(u.Input, 0), Output: max(u.Output, 0),
		CacheRead: max(u.CacheRead, 0), CacheWrite: max(u.CacheWrite, 0),
	}
}

// Reply is what has been built.
func (b *Builder) Reply() *llm.Reply {
	r := &llm.Reply{Message: llm.Message{Role: llm.Assistant}, Stop: b.stop, Usage: b.usage}
	for _, p := range b.pieces {
		r.Message.Content = append(r.Message.Content, p.block())
	}
	return r
}

func (p *Piece) block() llm.Block {
	switch text := p.text.String(); {
	case p.call != nil:
		p.call.Input = llm.Input(text)
		return llm.Block{Call: p.call}
	case p.reasoning != nil:
		p.reasoning.Text = text
		return llm.Block{Reasoning: p.reasoning}
	default:
		return llm.Block{Text: text}
	}
}

func raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // made of strings alone
	}
	return data
}

// newID is one that all providers accept: letters, digits and "_", 25 in all.
func newID() string {
	var r [10]byte
	rand.Read(r[:])
	return "call_" + hex.EncodeToString(r[:])
}
