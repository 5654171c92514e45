package main

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/tool"
)

// agents are the agents in sessions; nil where no model is named.
func (s *serving) agents() (*agentserver.Server, error) {
	cfg, err := loadConfig(s.config)
	if err != nil {
		return nil, usage(err)
	}
	if len(s.models) == 0 && cfg.Model != "" {
		s.models = []string{cfg.Model}
	}
	if len(s.models) == 0 {
		return nil, nil
	}
	images := true
	for _, name := range s.models { // what cannot be opened is said now
		m, err := s.openModel(name)
		if err != nil {
			return nil, err
		}
		if s.maxCost > 0 && cfg.price(m.Name()) == nil {
			return nil, usagef("--max-cost needs prices: write [prices.%q] with input and output, per million tokens, into the config file", m.Name())
		}
		images = images && !strings.HasPrefix(m.Name(), "ollama:")
	}
	rules, err := s.agentRules(cfg)
	if err != nil {
		return nil, err
	}
	return agentserver.New(&agentserver.Options{
		Model: func(_ context.Context, name string) (llm.Model, error) {
			if name == "" {
				name = s.models[0]
			}
			if !slices.Contains(s.models, name) {
				return nil, fmt.Errorf("%w: no such model", fs.ErrNotExist)
			}
			return s.openModel(name)
		},
		Agent: &deepagent.Options{Console: &tool.Options{Images: images, MaxImage: maxImage}, MaxSteps: s.maxSteps, MaxCost: s.maxCost},
		Price: cfg.price, Wrap: rules, AutoApprove: s.yes,
	})
}

// openModel is the model of a name, the demonstration included.
func (s *serving) openModel(name string) (llm.Model, error) {
	if name == demoModel {
		return scripted.Parse(demoModel, demoScript)
	}
	return openModel(name)
}

// agentRules puts the rules of --agent-policy between an agent and its workspace.
func (s *serving) agentRules(cfg *config) (func(context.Context, session.Info, hutch.Backend) (hutch.Backend, error), error) {
	own := *s.cli
	own.policy, own.accept = s.agentPolicy, s.agentAccept
	r, err := own.chosen(cfg)
	if r == nil || err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ session.Info, b hutch.Backend) (hutch.Backend, error) {
		check, err := r.checker(b, askAgent, nil)
		if err != nil {
			return nil, err
		}
		return guard.New(ctx, b, check, &guard.Options{Accept: r.accept})
	}, nil
}
