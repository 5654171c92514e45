package deepagent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/hutch-dev/hutch/llm"
)

// begins notes with which instructions and tools the conversation begins now. Where
// they are others than before, what was thought is stale.
func (r *run) begins() {
	data, _ := json.Marshal(r.offer) // schemas are JSON, names and descriptions text
	sum := sha256.Sum256(append(data, r.system...))
	now := hex.EncodeToString(sum[:])
	if r.conv.Beginning != now {
		r.conv.Messages = stale(r.conv.Messages)
	}
	r.conv.Beginning = now
}

// stale is messages with a mark at what was thought, because something before them
// was changed: some providers refuse to see it then. The messages that are given stay
// as they are; somebody else may hold them.
func stale(messages []llm.Message) []llm.Message {
	marked := slices.Clone(messages)
	for i, m := range marked {
		if !slices.ContainsFunc(m.Content, func(b llm.Block) bool { return b.Reasoning != nil }) {
			continue
		}
		m.Content = slices.Clone(m.Content)
		for k, b := range m.Content {
			if b.Reasoning != nil {
				thought := *b.Reasoning
				thought.Stale = true
				m.Content[k].Reasoning = &thought
			}
		}
		marked[i] = m
	}
	return marked
}
