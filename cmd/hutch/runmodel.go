package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/models"
	"github.com/hutch-dev/hutch/llm/scripted"
)

// demoModel is the name of the demonstration.
const demoModel = "demo"

//go:embed demo.json
var demoScript []byte

const demoBegin = `This is a demonstration: it follows a script, and no language model reads your prompt.
What it does is real, commands too: in %s.

`

const demoEnd = `That was a script. For a model, set ANTHROPIC_API_KEY, OPENAI_API_KEY or
GEMINI_API_KEY, or name one: --model ollama:NAME (OLLAMA_HOST), or openai:NAME with
OPENAI_BASE_URL. hutch run --help says more.
`

// price is one table of [prices], per million tokens.
type price struct {
	Input      float64  `toml:"input"`
	Output     float64  `toml:"output"`
	CacheRead  *float64 `toml:"cache_read"`
	CacheWrite *float64 `toml:"cache_write"`
}

// check finds what is wrong with a price.
func (p *price) check() error {
	for _, n := range []*float64{&p.Input, &p.Output, p.CacheRead, p.CacheWrite} {
		if n != nil && !(*n >= 0) {
			return fmt.Errorf("a price is not below 0")
		}
	}
	if p.Input == 0 && p.Output == 0 {
		return fmt.Errorf("neither input nor output")
	}
	return nil
}

// price is that of a model, nil where the config file has none. What is said of no
// cache costs what reading costs.
func (c *config) price(model string) *deepagent.Price {
	p, ok := c.Prices[model]
	if !ok {
		return nil
	}
	all := &deepagent.Price{Input: p.Input, Output: p.Output, CacheRead: p.Input, CacheWrite: p.Input}
	if p.CacheRead != nil {
		all.CacheRead = *p.CacheRead
	}
	if p.CacheWrite != nil {
		all.CacheWrite = *p.CacheWrite
	}
	return all
}

// chooseModel finds the model: that of the flag, of the config file, or of a key in
// the environment; else the demonstration.
func (s *sitting) chooseModel() (err error) {
	name := s.v.model
	if name == "" {
		name = s.cfg.Model
	}
	switch {
	case name == demoModel:
		return s.chooseDemo()
	case name != "":
		s.model, err = openModel(name)
		return err
	}
	if s.model, err = models.Default(modelOptions()); err == nil {
		return nil
	}
	if s.c.backend != "" || s.v.resume != "" || s.v.chatting {
		return usagef("model: %w; or name one with --model, as ollama:NAME; --model demo plays a script", err)
	}
	return s.chooseDemo()
}

// openModel is the model of a name.
func openModel(name string) (llm.Model, error) {
	m, err := models.Open(name, modelOptions())
	if err != nil {
		return nil, usagef("model: %w", err)
	}
	return m, nil
}

// modelOptions hand in the environment.
func modelOptions() *models.Options {
	return &models.Options{Getenv: os.Getenv, DropStale: true}
}

// chooseDemo takes the demonstration for the model.
func (s *sitting) chooseDemo() (err error) {
	if s.v.resume != "" {
		return usagef("--resume: the demonstration has no conversation to go on with")
	}
	s.demo = true
	s.model, err = scripted.Parse(demoModel, demoScript)
	where := "a new directory of its own, in the jail"
	if s.c.backend != "" {
		where = show.Visible(s.c.backend, false)
	}
	if err == nil && !s.v.json {
		fmt.Fprintf(s.c.out, demoBegin, where)
	}
	return err
}

// demoPlace makes a workspace for the demonstration.
func (s *sitting) demoPlace() error {
	dir, err := os.MkdirTemp("", "hutch-demo-")
	if err != nil {
		return fmt.Errorf("a directory for the demonstration: %w", bare(err))
	}
	s.c.temp, s.c.backend = dir, "local:"+dir
	return nil
}
