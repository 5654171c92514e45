package openai

import (
	"encoding/json"
	"strings"

	"github.com/hutch-dev/hutch/llm/internal/link"
)

type callDelta struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// arguments are a piece of a string, or all of it as an object, as some servers
// have it.
func (c callDelta) arguments() string {
	var s string
	if json.Unmarshal(c.Function.Arguments, &s) == nil {
		return s
	}
	return string(c.Function.Arguments)
}

// calls puts together what comes in pieces. A piece belongs to the call with the
// same index; but some servers, Ollama among them, give all calls the index 0, or
// none, and some give no IDs. So a piece with a name begins a new call if its ID
// is another, or if the call of that index already has a whole input.
type calls struct {
	open []*open
}

type open struct {
	index    int
	id, name string
	input    strings.Builder // what the piece has got
	piece    *link.Piece     // nil until it has begun
}

func (s *calls) add(b *link.Builder, c callDelta) {
	args := c.arguments()
	o := s.find(c)
	if o == nil {
		s.flush(b)
		o = &open{id: c.ID, name: c.Function.Name}
		if c.Index != nil {
			o.index = *c.Index
		}
		s.open = append(s.open, o)
	} else if o.piece == nil {
		o.more(c)
	}
	if args == "" {
		return
	}
	o.begin(b)
	o.input.WriteString(args)
	b.Input(o.piece, args)
}

// find is the call that c goes on with, the newest of its index.
func (s *calls) find(c callDelta) *open {
	for i := len(s.open) - 1; i >= 0; i-- {
		o := s.open[i]
		if c.Index != nil && o.index != *c.Index {
			continue
		}
		if c.Function.Name == "" {
			return o
		}
		if c.ID != "" && o.id != "" && c.ID != o.id || json.Valid([]byte(o.input.String())) {
			return nil
		}
		return o
	}
	return nil
}

// more is a piece before the input: the name comes in pieces, or once again.
func (o *open) more(c callDelta) {
	if o.id == "" {
		o.id = c.ID
	}
	if c.Function.Name != o.name {
		o.name += c.Function.Name
	}
}

func (o *open) begin(b *link.Builder) {
	if o.piece == nil {
		o.piece = b.Begin(o.id, o.name, nil)
	}
}

// flush begins what has had no input yet.
func (s *calls) flush(b *link.Builder) {
	for _, o := range s.open {
		o.begin(b)
	}
}
