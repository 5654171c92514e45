package openai

import (
	"encoding/json"
	"strings"
)

// The fields in which reasoning comes.
const (
	fieldContent = "reasoning_content"
	fieldText    = "reasoning"
)

// opaque is what goes back with reasoning: the field it came in, and details.
type opaque struct {
	Field   string            `json:"field,omitempty"`
	Details []json.RawMessage `json:"details,omitempty"`
}

// details puts pieces together: those of one index and type go on with each other,
// their texts one after the other, all else as it came last.
type details []*detail

type detail struct {
	fields map[string]any
	texts  map[string]*strings.Builder
}

func (s *details) add(pieces []json.RawMessage) {
	for _, p := range pieces {
		var fields map[string]any
		if json.Unmarshal(p, &fields) != nil {
			continue // not of this API, and nobody wants it back
		}
		if n := len(*s); n == 0 || !(*s)[n-1].goesOn(fields) {
			*s = append(*s, &detail{map[string]any{}, map[string]*strings.Builder{}})
		}
		(*s)[len(*s)-1].add(fields)
	}
}

func (d *detail) goesOn(fields map[string]any) bool {
	return fields["index"] != nil && fields["index"] == d.fields["index"] && fields["type"] == d.fields["type"]
}

func (d *detail) add(fields map[string]any) {
	for name, v := range fields {
		text, ok := v.(string)
		switch {
		case ok && (name == "text" || name == "summary" || name == "data"):
			if d.texts[name] == nil {
				d.texts[name] = &strings.Builder{}
			}
			d.texts[name].WriteString(text)
		case v != nil:
			d.fields[name] = v
		}
	}
}

// list is the details as they go back.
func (s details) list() []json.RawMessage {
	var list []json.RawMessage
	for _, d := range s {
		for name, text := range d.texts {
			d.fields[name] = text.String()
		}
		if data, err := json.Marshal(d.fields); err == nil {
			list = append(list, data)
		}
	}
	return list
}
