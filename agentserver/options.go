package agentserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/session"
)

// The defaults of Options.
const (
	DefaultMaxRuns   = 4
	DefaultMaxInAll  = 64
	DefaultMaxEvents = 4096
	DefaultMaxPrompt = 1 << 20
)

// Options qualify New. Model must be there; the rest can be zero.
type Options struct {
	// Model opens the model of a name, "" being that of a request that names none.
	// ctx bounds the opening alone. A name that is not known, or not allowed, is an
	// error that matches fs.ErrNotExist, fs.ErrInvalid or llm.ErrUnknown. Clients
	// are never told the text of an error.
	Model func(ctx context.Context, name string) (llm.Model, error)
	// Agent is what all agents are made with; nil is the zero value. Its MaxSteps
	// and MaxCost are ceilings for each start and each going on, which a request can
	// only lower. Store and Approve must be nil: they belong to a run.
	Agent *deepagent.Options
	// Price is what a model costs, by its Name; nil, or a nil one, is Agent.Price.
	// Where there is a MaxCost and no price nothing is started.
	Price func(model string) *deepagent.Price
	// Wrap makes what the agent works with of the workspace of its session: rules,
	// limits. Their questions are those of the run when they are put by
	// [deepagent.Ask]. Conversations and records are kept beside it. ctx bounds the
	// making alone, and nobody closes what was made. nil is the workspace itself.
	Wrap func(ctx context.Context, s session.Info, b hutch.Backend) (hutch.Backend, error)

	// MaxRuns is how many runs of a session are under way at a time, of a
	// conversation never more than one; MaxInAll how many of all sessions.
	// 0 is the default.
	MaxRuns, MaxInAll int
	// MaxEvents is how many events of a run are kept, and no more than 8 MiB of
	// them. 0 is DefaultMaxEvents.
	MaxEvents int
	// MaxPrompt is in bytes; 0 is DefaultMaxPrompt. The service bounds the body of
	// a request as well.
	MaxPrompt int
	// AutoApprove lets requests ask for runs whose questions are all answered with
	// yes. Without, that is denied.
	AutoApprove bool
}

// checked is a copy of o with its defaults, or an error that matches fs.ErrInvalid.
func (o *Options) checked() (*Options, error) {
	if o == nil || o.Model == nil {
		return nil, fmt.Errorf("agentserver: %w: no Model", fs.ErrInvalid)
	}
	c := *o
	agent := copied(o.Agent)
	c.Agent = &agent
	switch {
	case agent.Store != nil || agent.Approve != nil:
		return nil, fmt.Errorf("agentserver: %w: a Store or an Approve in Agent: they belong to a run", fs.ErrInvalid)
	case min(o.MaxRuns, o.MaxInAll, o.MaxEvents, o.MaxPrompt) < 0:
		return nil, fmt.Errorf("agentserver: %w: a limit is negative", fs.ErrInvalid)
	}
	if agent.MaxSteps == 0 {
		agent.MaxSteps = deepagent.DefaultMaxSteps
	}
	for _, d := range []struct {
		p *int
		v int
	}{{&c.MaxRuns, DefaultMaxRuns}, {&c.MaxInAll, DefaultMaxInAll}, {&c.MaxEvents, DefaultMaxEvents}, {&c.MaxPrompt, DefaultMaxPrompt}} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	trial := agent
	if trial.Price == nil && c.Price != nil {
		trial.Price = &deepagent.Price{}
	}
	if _, err := deepagent.New(nobody{}, &trial); err != nil {
		return nil, fmt.Errorf("agentserver: %w", err)
	}
	return &c, nil
}

// copied is a copy of o that shares nothing that can be changed.
func copied(o *deepagent.Options) deepagent.Options {
	if o == nil {
		return deepagent.Options{}
	}
	c := *o
	c.Tools, c.Without, c.Ask = slices.Clone(o.Tools), slices.Clone(o.Without), slices.Clone(o.Ask)
	c.SubAgents, c.Skills, c.ContextFiles = slices.Clone(o.SubAgents), slices.Clone(o.Skills), slices.Clone(o.ContextFiles)
	if o.Console != nil {
		console := *o.Console
		c.Console = &console
	}
	if o.Price != nil {
		price := *o.Price
		c.Price = &price
	}
	return c
}

// nobody stands for a model where options are only looked at.
type nobody struct{}

func (nobody) Name() string { return "nobody" }

func (nobody) Stream(context.Context, *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) { yield(llm.Part{}, errors.ErrUnsupported) }
}
