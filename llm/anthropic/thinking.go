package anthropic

import (
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

// minBudget is the least that the provider takes as a budget, in tokens.
const minBudget = 1024

type thinking struct {
	Type    string   `json:"type"`
	Budget  int      `json:"budget_tokens,omitempty"`
	Display string   `json:"display,omitempty"`
	Binding *binding `json:"block_binding,omitempty"`
}

type binding struct {
	Mismatch string `json:"prefix_mismatch_behavior"`
}

type output struct {
	Effort llm.Effort `json:"effort"`
}

// thinking is how req is to be thought about: adaptive thinking came with Claude
// 4.6, budgets are refused from 4.7 on
// (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking).
// What was thought is asked for in words: newer models give none otherwise, and
// say between calls what they do as reasoning.
func (m *Model) thinking(req *llm.Request) (*thinking, *output) {
	switch m.opts.Thinking {
	case Adaptive:
		t := &thinking{Type: "adaptive", Display: "summarized"}
		if m.opts.DropStale {
			t.Binding = &binding{"drop_block"}
		}
		if req.Effort != "" {
			return t, &output{req.Effort}
		}
		if major, _ := versionOf(m.name); major < 5 && !m.opts.DropStale {
			return nil, nil // it is off there, and the provider's own is wanted
		}
		return t, nil
	case Budget:
		share := map[llm.Effort]int{llm.Low: 8, llm.Medium: 4, llm.High: 2}[req.Effort]
		if limit := link.MaxTokens(req); share > 0 && limit > minBudget {
			return &thinking{Type: "enabled", Budget: max(limit/share, minBudget)}, nil
		}
	}
	return nil, nil
}

func thinkingOf(model string) Thinking {
	major, minor := versionOf(model)
	switch {
	case major == 0:
		return Adaptive
	case major < 3 || major == 3 && minor < 7:
		return None
	case major < 4 || major == 4 && minor < 6:
		return Budget
	}
	return Adaptive
}

// versionOf is the version in the name of a model, 4 and 6 in "claude-opus-4-6" and
// 3 and 7 in "claude-3-7-sonnet-20250219"; 0 and 0 if there is none.
func versionOf(model string) (major, minor int) {
	_, rest, ok := strings.Cut(model, "claude-")
	if !ok {
		return 0, 0
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return r == '-' || r == '.' || r == '@' || r == ':' })
	for i, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil || len(w) > 2 {
			continue
		}
		if i+1 < len(words) && len(words[i+1]) <= 2 {
			minor, _ = strconv.Atoi(words[i+1])
		}
		return n, minor
	}
	return 0, 0
}
