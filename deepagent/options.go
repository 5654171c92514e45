package deepagent

import (
	"context"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

// The defaults of Options.
const (
	DefaultName          = "main"
	DefaultMaxSteps      = 200
	DefaultRetries       = 5
	DefaultContextTokens = 200_000
	DefaultResultTokens  = 20_000
	DefaultNesting       = 1
)

// Options qualifies New. The zero value is good.
type Options struct {
	// Name is whose memory it is: lower-case letters, digits, "-" and "_".
	Name string
	// Instructions are added to the system prompt.
	Instructions string

	// Console qualifies the console toolset. Its Jobs must be nil: they belong to
	// a run. Where it names no EditFormat that is tool.Hashline.
	Console *tool.Options
	// Tools are more tools; see [tool.Func]. A name that is taken is an error.
	Tools []tool.Tool
	// Without are names of tools that are not wanted, of whatever kind.
	Without []string
	// Ask are names of tools whose every call wants approval.
	Ask []string
	// Approve answers questions, of Ask and of the function [Ask]. It is called by
	// one goroutine at a time, not by the one that consumes the events. Without,
	// what is asked about is refused.
	Approve func(ctx context.Context, q Question) (Answer, error)

	// SubAgents are added to the built-in ones, "general-purpose" and "research";
	// one of the same name takes the place of a built-in one. NoBuiltin leaves
	// the built-in ones out.
	SubAgents []SubAgent
	NoBuiltin bool
	// Nesting is how deep sub-agents go: 0 is DefaultNesting, sub-agents that have
	// none of their own; a negative number is no sub-agents.
	Nesting int

	// Skills are names of directories with skills, one directory each; nil is
	// DefaultSkills, an empty list none.
	Skills []string
	// ContextFiles are names of files that are shown to the model at the beginning;
	// nil is DefaultContextFiles, an empty list none.
	ContextFiles []string
	// NoMemory leaves the memory out.
	NoMemory bool

	// MaxSteps is how many requests to models a run takes at most, those of its
	// sub-agents included. 0 is DefaultMaxSteps.
	MaxSteps int
	// MaxTokens is how many tokens a run takes, read and written, sub-agents
	// included; 0 is no limit. It is looked at after every reply: the last one may
	// go beyond it.
	MaxTokens int64
	// MaxCost is the same in money, in the currency of Price, without which it is an
	// error.
	MaxCost float64
	Price   *Price

	// ContextTokens is how much the model can read. At nine tenths of it what is
	// older is summarised. 0 is DefaultContextTokens.
	ContextTokens int
	// ResultTokens is how much of the result of one call the model sees: of more it
	// sees head and tail, and the rest is in a file. 0 is DefaultResultTokens.
	ResultTokens int
	// MaxReply, Temperature and Effort are those of llm.Request.
	MaxReply    int
	Temperature *float64
	Effort      llm.Effort
	// Retries is how often a request is tried again that may succeed later; 0 is
	// DefaultRetries, a negative number is never.
	Retries int

	// Store saves conversations; Deps can name another one.
	Store Store
}

// Price is what a million tokens cost. Those that a provider had in its cache, or
// has put there, are counted at their own prices alone.
type Price struct {
	Input, Output, CacheRead, CacheWrite float64
}

// Deps is what one run works with. The zero value is good.
type Deps struct {
	// Backend holds the workspace; nil is a new one in memory. It stays the
	// caller's, who closes it.
	Backend hutch.Backend
	// Jobs are the commands in the background, for who wants them to outlive the
	// run; they must be of the same backend. Without, a run has its own and ends
	// them when it ends.
	Jobs *job.Jobs
	// Store and Approve take the place of those of Options.
	Store   Store
	Approve func(ctx context.Context, q Question) (Answer, error)
	// Conversation is the ID of one to go on with, if the store has it, or to
	// begin. "" begins one with an ID that nobody can guess.
	Conversation string
	// Checkpoints, if not nil, gets one before every step. Without files that can go
	// back, or without a Store, the run is refused.
	Checkpoints *Checkpoints
}
