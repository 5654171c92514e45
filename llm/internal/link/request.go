package link

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/llm"
)

// toolName reports whether s is what all providers take as the name of a tool.
func toolName(s string) bool {
	return len(s) > 0 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) })
}

func nameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}

// Check refuses what no provider can take. It is asked before anything is sent.
func (l *Link) Check(req *llm.Request) error {
	switch {
	case req.MaxTokens < 0:
		return l.Error(llm.ErrRequest, "MaxTokens is %d", req.MaxTokens)
	case !slices.Contains([]llm.Choice{llm.Auto, llm.Must, llm.None}, req.Choice):
		return l.Error(llm.ErrRequest, "there is no choice %q", req.Choice)
	case req.Choice == llm.Must && len(req.Tools) == 0:
		return l.Error(llm.ErrRequest, "a tool must be called and there is none")
	case !slices.Contains([]llm.Effort{"", llm.Low, llm.Medium, llm.High}, req.Effort):
		return l.Error(llm.ErrRequest, "there is no effort %q", req.Effort)
	}
	seen := map[string]bool{}
	for _, t := range req.Tools {
		if !toolName(t.Name) || seen[t.Name] {
			return l.Error(llm.ErrRequest, "%q is no name for a tool, or is there twice", t.Name)
		}
		if _, ok := llm.Input(t.Input).Object(); !ok {
			return l.Error(llm.ErrRequest, "the schema of the tool %s is no JSON object", t.Name)
		}
		seen[t.Name] = true
	}
	for i, m := range req.Messages {
		if err := l.checkMessage(i, m); err != nil {
			return err
		}
	}
	return nil
}

func (l *Link) checkMessage(i int, m llm.Message) error {
	if m.Role != llm.User && m.Role != llm.Assistant {
		return l.Error(llm.ErrRequest, "message %d has the role %q", i, m.Role)
	}
	for _, b := range m.Content {
		of, n := owner(b)
		if n > 1 {
			return l.Error(llm.ErrRequest, "a block of message %d has more than one field", i)
		}
		if of != "" && of != m.Role {
			return l.Error(llm.ErrRequest, "message %d of the %s has a block of the %s", i, m.Role, of)
		}
		media := []*llm.Media{b.Media}
		if b.Result != nil {
			for k := range b.Result.Media {
				media = append(media, &b.Result.Media[k])
			}
		}
		for _, md := range media {
			if md != nil && len(md.Data) == 0 {
				return l.Error(llm.ErrRequest, "media in message %d is empty", i)
			}
		}
	}
	return nil
}

// owner is whose block b can be, "" for both, and how many fields it has.
func owner(b llm.Block) (of llm.Role, n int) {
	if b.Text != "" {
		n++
	}
	if b.Reasoning != nil || b.Call != nil {
		of = llm.Assistant
	}
	if b.Result != nil || b.Media != nil {
		of = llm.User
	}
	for _, set := range []bool{b.Reasoning != nil, b.Call != nil, b.Result != nil, b.Media != nil} {
		if set {
			n++
		}
	}
	return of, n
}

// Turns are the messages that say anything, those of one role after each other as
// one: providers want them to take turns. Results come before all else that the
// user says, as they answer what was said last.
func Turns(messages []llm.Message) []llm.Message {
	var turns []llm.Message
	for _, m := range messages {
		var content []llm.Block
		for _, b := range m.Content {
			if _, n := owner(b); n > 0 {
				content = append(content, b)
			}
		}
		if len(content) == 0 {
			continue
		}
		if n := len(turns); n > 0 && turns[n-1].Role == m.Role {
			turns[n-1].Content = append(turns[n-1].Content, content...)
			continue
		}
		turns = append(turns, llm.Message{Role: m.Role, Content: content})
	}
	for _, t := range turns {
		slices.SortStableFunc(t.Content, func(a, b llm.Block) int { return rank(a) - rank(b) })
	}
	return turns
}

func rank(b llm.Block) int {
	if b.Result != nil {
		return 0
	}
	return 1
}

// ID is id where a provider accepts it: letters, digits, "_" and "-", at most 40.
// Another one, of another provider, becomes one that is the same every time.
func ID(id string) string {
	if len(id) <= 40 && toolName(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "call_" + hex.EncodeToString(sum[:12])
}

// Name is the name of a tool as a model has written it, as providers accept it.
func Name(name string) string {
	if toolName(name) {
		return name
	}
	name = strings.Map(func(r rune) rune {
		if nameRune(r) {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "_"
	}
	return name[:min(len(name), 64)]
}

// Arguments is the input of a call as an object: providers refuse a conversation
// in which a call has another. What the model has written instead is kept in it.
func Arguments(in llm.Input) json.RawMessage {
	if object, ok := in.Object(); ok {
		return object
	}
	return raw(map[string]string{"invalid_input": string(in)})
}

// Schema is the JSON Schema of a tool; none is that of an object without members.
func Schema(t llm.Tool) json.RawMessage {
	if len(t.Input) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	return t.Input
}

// MaxTokens is how many tokens req allows.
func MaxTokens(req *llm.Request) int {
	if req.MaxTokens == 0 {
		return llm.DefaultMaxTokens
	}
	return req.MaxTokens
}
