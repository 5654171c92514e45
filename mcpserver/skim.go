package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// skimmer finds the id and the method of a message that cannot be taken, because
// it is too large to be held or broken, so that its sender gets an answer.
type skimmer struct {
	depth     int
	text, esc bool   // inside a string, after a backslash
	over      bool   // the first value has ended
	token     []byte // at the top of the message
	key       string
	found     map[string]json.RawMessage
}

// maxToken is the size of the longest id.
const maxToken = 256

// Write implements io.Writer and never fails.
func (s *skimmer) Write(p []byte) (int, error) {
	for i := 0; i < len(p) && !s.over; i++ {
		switch {
		case s.text && s.depth != 1 && !s.esc: // where most of it is
			next := bytes.IndexAny(p[i:], `"\\`)
			if next < 0 {
				return len(p), nil
			}
			i += next
			s.inText(p[i])
		case s.text:
			s.inText(p[i])
		default:
			s.outside(p[i])
		}
	}
	return len(p), nil
}

func (s *skimmer) inText(b byte) {
	s.add(b)
	switch {
	case s.esc:
		s.esc = false
	case b == '\\':
		s.esc = true
	case b == '"':
		s.text = false
	}
}

func (s *skimmer) outside(b byte) {
	switch b {
	case ' ', '\t', '\r', '\n':
	case '"':
		s.text = true
		s.add(b)
	case '{', '[':
		s.add(b) // makes the token no id
		s.depth++
	case '}', ']':
		if s.depth == 1 {
			s.value()
		}
		s.depth--
		s.over = s.depth <= 0
	case ':':
		if s.depth == 1 {
			s.key, s.token = string(s.token), s.token[:0]
		}
	case ',':
		if s.depth == 1 {
			s.value()
		}
	default:
		s.add(b)
	}
}

func (s *skimmer) add(b byte) {
	if s.depth == 1 && len(s.token) <= maxToken {
		s.token = append(s.token, b)
	}
}

// value is called at the end of a value at the top.
func (s *skimmer) value() {
	if (s.key == `"id"` || s.key == `"method"`) && len(s.token) <= maxToken && json.Valid(s.token) {
		if s.found == nil {
			s.found = map[string]json.RawMessage{}
		}
		s.found[s.key] = append(json.RawMessage(nil), s.token...)
	}
	s.key, s.token = "", s.token[:0]
}

// id is not valid where none was found.
func (s *skimmer) id() jsonrpc.ID {
	var v any
	_ = json.Unmarshal(s.found[`"id"`], &v)
	id, err := jsonrpc.MakeID(v)
	if err != nil {
		return jsonrpc.ID{}
	}
	return id
}

// refusal answers the message that was skimmed. The call of a tool gets a result,
// which models see and protocol errors they often do not.
func (s *skimmer) refusal(code int64, text string) *jsonrpc.Response {
	var method string
	_ = json.Unmarshal(s.found[`"method"`], &method)
	if id := s.id(); method == "tools/call" && id.IsValid() {
		result, err := json.Marshal(map[string]any{
			"content": []any{map[string]string{"type": "text", "text": text}},
			"isError": true,
			// What versions from 2026-07-28 on demand, the others do not mind.
			"resultType": "complete",
		})
		if err == nil {
			return &jsonrpc.Response{ID: id, Result: result}
		}
	}
	return &jsonrpc.Response{ID: s.id(), Error: protocolError(code, text)}
}

func tooLarge(most int) string {
	return fmt.Sprintf("the message is too large: at most %d bytes are taken, and nothing was done; send less at a time", most)
}

const (
	codeTooMuch = -32000
	tooMuch     = "too much is under way at a time, and nothing was done; wait until something has ended"
)
