package gemini

import (
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch/llm"
)

type thinking struct {
	Include bool   `json:"includeThoughts,omitempty"`
	Level   string `json:"thinkingLevel,omitempty"`
	Budget  int    `json:"thinkingBudget,omitempty"`
}

// levels and budgets are what efforts come to
// (https://ai.google.dev/gemini-api/docs/thinking). The budgets are within the
// ranges of all models.
var (
	levels  = map[llm.Effort]string{llm.Low: "LOW", llm.Medium: "MEDIUM", llm.High: "HIGH"}
	budgets = map[llm.Effort]int{llm.Low: 1024, llm.Medium: 8192, llm.High: 24_576}
)

// thinking is how req is to be thought about. What was thought is asked for in
// words wherever the model can give it.
func (m *Model) thinking(req *llm.Request) *thinking {
	how := m.opts.Thinking
	if how == ByName {
		how = thinkingOf(m.name, req.Effort)
	}
	switch how {
	case Level:
		return &thinking{Include: true, Level: levels[req.Effort]}
	case Budget:
		return &thinking{Include: true, Budget: budgets[req.Effort]}
	}
	return nil
}

func thinkingOf(model string, e llm.Effort) Thinking {
	_, rest, _ := strings.Cut(model, "gemini-")
	number, _, _ := strings.Cut(rest, "-")
	version, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil && e == "" || err == nil && version < 2.5:
		return None
	case err == nil && version < 3:
		return Budget
	}
	return Level
}
