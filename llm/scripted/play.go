package scripted

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// next takes the step that answers req, with everything filled in.
func (m *Model) next(req *llm.Request) (Step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	copied := *req
	copied.Messages = slices.Clone(req.Messages)
	m.seen = append(m.seen, &copied)
	i := 0
	for i < len(m.steps) && (m.used[i] || !isFor(m.steps[i].When, req)) {
		i++
	}
	if i == len(m.steps) {
		return Step{}, m.refuse("the script of %d steps is over", len(m.steps))
	}
	m.used[i] = true
	s, last := m.steps[i], lastResults(req)
	for _, want := range s.Expect {
		if !strings.Contains(last, want) {
			return Step{}, m.refuse("step %d expects %q, but the last results are: %s", i+1, want, clip(last, 400))
		}
	}
	for name, re := range s.Take {
		found := regexp.MustCompile(re).FindStringSubmatch(last)
		if found == nil {
			return Step{}, m.refuse("step %d wants %s of the last results, which are: %s", i+1, re, clip(last, 400))
		}
		m.taken[name] = found[1]
	}
	return m.filled(s), nil
}

func (m *Model) refuse(format string, args ...any) error {
	return &llm.Error{Provider: m.name, Err: llm.ErrRequest, Text: fmt.Sprintf(format, args...)}
}

// filled is s with the pieces that were taken, IDs and the notice.
func (m *Model) filled(s Step) Step {
	for name, piece := range m.taken {
		s.Text = strings.ReplaceAll(s.Text, "{{"+name+"}}", piece)
	}
	if s.Text != "" && !m.said {
		s.Text, m.said = Notice+s.Text, true
	}
	s.Calls = slices.Clone(s.Calls)
	for i := range s.Calls {
		c := &s.Calls[i]
		for name, piece := range m.taken {
			c.Input = llm.Input(strings.ReplaceAll(string(c.Input), "{{"+name+"}}", inJSON(piece)))
		}
		if m.calls++; c.ID == "" {
			c.ID = fmt.Sprintf("call_%d", m.calls)
		}
	}
	return s
}

// inJSON is a text as it stands inside of a JSON string.
func inJSON(text string) string {
	quoted, _ := json.Marshal(text) // a string always encodes
	return string(quoted[1 : len(quoted)-1])
}

// isFor reports whether a step is for a conversation.
func isFor(when string, req *llm.Request) bool {
	if when == "" || strings.Contains(req.System, when) {
		return true
	}
	return len(req.Messages) > 0 && slices.ContainsFunc(req.Messages[0].Content, func(b llm.Block) bool {
		return strings.Contains(b.Text, when)
	})
}

// lastResults is what the last message of the user holds: results, or text.
func lastResults(req *llm.Request) string {
	if len(req.Messages) == 0 {
		return ""
	}
	var all []string
	for _, b := range req.Messages[len(req.Messages)-1].Content {
		all = append(all, b.Text)
		if b.Result != nil {
			all = append(all, b.Result.Text)
		}
	}
	return strings.Join(all, "\n")
}

// play yields a step in small pieces, as models do.
func play(ctx context.Context, name string, s Step, yield func(llm.Part, error) bool) {
	var parts []llm.Part
	parts = append(parts, deltas(llm.ReasoningDelta, s.Reasoning)...)
	parts = append(parts, deltas(llm.TextDelta, s.Text)...)
	for _, c := range s.Calls {
		parts = append(parts, llm.Part{Kind: llm.CallBegin, Call: &llm.Call{ID: c.ID, Name: c.Name}})
		parts = append(parts, deltas(llm.InputDelta, string(c.Input))...)
	}
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			yield(llm.Part{}, err)
			return
		}
		if !yield(p, nil) {
			return
		}
	}
	if f := s.Error; f != nil {
		yield(llm.Part{}, &llm.Error{
			Provider: name, Err: kinds[f.Kind], Text: f.Text, RetryAfter: time.Duration(f.RetryAfter) * time.Second,
		})
		return
	}
	yield(llm.Part{Kind: llm.Done, Reply: s.reply()}, nil)
}

func (s Step) reply() *llm.Reply {
	r := &llm.Reply{Message: llm.Message{Role: llm.Assistant}, Stop: s.Stop}
	if s.Reasoning != "" {
		r.Message.Content = append(r.Message.Content, llm.Block{Reasoning: &llm.Reasoning{Text: s.Reasoning, Provider: "scripted"}})
	}
	if s.Text != "" {
		r.Message.Content = append(r.Message.Content, llm.Block{Text: s.Text})
	}
	for _, c := range s.Calls {
		r.Message.Content = append(r.Message.Content, llm.Block{Call: &llm.Call{ID: c.ID, Name: c.Name, Input: c.Input}})
	}
	if r.Stop == "" {
		r.Stop = llm.End
		if len(s.Calls) > 0 {
			r.Stop = llm.Calls
		}
	}
	if s.Usage != nil {
		r.Usage = *s.Usage
	}
	return r
}

// deltas are a text in pieces of about three words.
func deltas(kind llm.Kind, text string) []llm.Part {
	var parts []llm.Part
	for text != "" {
		n := 0
		for words := 0; n < len(text) && words < 3; n++ {
			if text[n] == ' ' || text[n] == '\n' {
				words++
			}
		}
		parts = append(parts, llm.Part{Kind: kind, Text: text[:n]})
		text = text[n:]
	}
	return parts
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
