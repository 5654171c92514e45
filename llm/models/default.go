package models

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/llm"
)

// Default opens the model whose provider has a key in the environment: Anthropic,
// OpenAI, Gemini, in this order. Servers without keys are not looked for: their
// model must be named. The error names all variables that were looked for.
func Default(o *Options) (llm.Model, error) {
	if o == nil {
		o = &Options{}
	}
	for _, p := range []struct {
		name string
		keys []string
	}{{"anthropic", anthropicKeys}, {"openai", openaiKeys}, {"gemini", geminiKeys}} {
		if o.env(p.keys...) != "" {
			return Open(p.name, o)
		}
	}
	keys := slices.Concat(anthropicKeys, openaiKeys, geminiKeys)
	return nil, fmt.Errorf("no model was named, and none of %s is set", strings.Join(keys, ", "))
}
