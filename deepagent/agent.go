package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

// Agent is a model with options. It is safe for concurrent use.
type Agent struct {
	model llm.Model
	o     Options
}

// New makes an agent. o may be nil. What has no meaning in it is an error that
// matches fs.ErrInvalid.
func New(model llm.Model, o *Options) (*Agent, error) {
	a := &Agent{model: model, o: o.full()}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("deepagent: %w: %w", fs.ErrInvalid, err)
	}
	return a, nil
}

// full is a copy of o with its defaults.
func (o *Options) full() Options {
	var f Options
	if o != nil {
		f = *o
	}
	var console tool.Options
	if f.Console != nil {
		console = *f.Console
	}
	console.EditFormat = orElse(console.EditFormat, tool.Hashline)
	f.Console = &console
	f.Tools, f.Without, f.Ask = slices.Clone(f.Tools), slices.Clone(f.Without), slices.Clone(f.Ask)
	f.SubAgents = f.subAgents()
	if f.Skills == nil {
		f.Skills = DefaultSkills()
	}
	if f.ContextFiles == nil {
		f.ContextFiles = DefaultContextFiles()
	}
	f.Name = orElse(f.Name, DefaultName)
	f.Nesting = orElse(f.Nesting, DefaultNesting)
	f.MaxSteps = orElse(f.MaxSteps, DefaultMaxSteps)
	f.ContextTokens = orElse(f.ContextTokens, DefaultContextTokens)
	f.ResultTokens = orElse(f.ResultTokens, DefaultResultTokens)
	f.Retries = orElse(f.Retries, DefaultRetries)
	if f.Price != nil {
		price := *f.Price
		f.Price = &price
	}
	return f
}

const (
	lower   = "abcdefghijklmnopqrstuvwxyz0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lower
)

func isAgentName(s string) bool    { return isName(s, 64, lower, lower+"_-") }
func isToolName(s string) bool     { return isName(s, 64, letters+"_-", letters+"_-") }
func isConversation(s string) bool { return isName(s, 100, letters, letters+"._-") }

// isName reports whether s has at most max bytes, the first one of first and all
// others of rest. Regular expressions would be compiled at every start of the
// program, which is also the helper of every jail.
func isName(s string, max int, first, rest string) bool {
	return s != "" && len(s) <= max && strings.Contains(first, s[:1]) && strings.Trim(s[1:], rest) == ""
}

func (a *Agent) check() error {
	o := &a.o
	switch {
	case a.model == nil:
		return errors.New("no model")
	case o.Console.Jobs != nil:
		return errors.New("jobs in Console: they belong to a run, see Deps.Jobs")
	case !isAgentName(o.Name):
		return fmt.Errorf("name %q: only a-z, 0-9, - and _", o.Name)
	case o.MaxSteps < 0 || o.MaxTokens < 0 || o.MaxCost < 0 || o.ContextTokens < 0 || o.ResultTokens < 0 || o.MaxReply < 0:
		return errors.New("a limit is negative")
	case o.MaxCost > 0 && o.Price == nil:
		return errors.New("a MaxCost without a Price: what a run costs is not known")
	}
	if err := o.Console.Check(); err != nil {
		return err
	}
	return errors.Join(o.checkTools(), o.checkFiles(), o.checkSubAgents())
}

// checkTools finds names of tools that no model could call, or that are taken.
func (o *Options) checkTools() error {
	taken := append(tool.Names(), ownTools...)
	for _, t := range o.Tools {
		if !isToolName(t.Name) || t.Call == nil {
			return fmt.Errorf("tool %q: it needs a name of letters, digits, - and _, and a Call", t.Name)
		}
		if slices.Contains(taken, t.Name) {
			return fmt.Errorf("tool %q: the name is taken", t.Name)
		}
		taken = append(taken, t.Name)
	}
	for _, name := range slices.Concat(o.Without, o.Ask) {
		if !slices.Contains(taken, name) {
			return fmt.Errorf("there is no tool %q", name)
		}
	}
	for _, s := range o.SubAgents {
		for _, name := range s.Tools {
			if !slices.Contains(taken, name) {
				return fmt.Errorf("sub-agent %q: there is no tool %q", s.Name, name)
			}
		}
	}
	return nil
}

// Run works on prompt until the model has said what it had to say. d may be nil.
//
// There is a Result with every error that comes after the beginning: how far the
// run has come and what it has used. With a Store the same conversation can be
// gone on with; an empty prompt does so without a new word.
//
// Commands that it has started are gone when Run returns, but for those of
// Deps.Jobs. When ctx ends the request to the model and the commands are ended,
// and the error is that of ctx.
func (a *Agent) Run(ctx context.Context, prompt string, d *Deps) (*Result, error) {
	var res *Result
	for e, err := range a.Stream(ctx, prompt, d) {
		if e.Kind == End && e.Agent == "" {
			res = e.Result
		}
		if err != nil {
			return res, err
		}
	}
	return res, nil
}

// Stream is Run with events as they happen. The last one is End and comes with
// the error, if there is one; a run that could not begin yields its error alone.
// Who breaks off ends the run, as the end of ctx does, and waits until it has ended.
func (a *Agent) Stream(ctx context.Context, prompt string, d *Deps) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		t := newTree(a, d)
		defer func() {
			cancel()
			for range t.events { // also where yield has panicked
			}
		}()
		var last Event
		var err error
		var fault any
		go func() {
			defer t.close()
			defer func() { fault = recover() }()
			last, err = a.run(ctx, t, prompt, d)
		}()
		for e := range t.events {
			if !yield(e, nil) {
				return
			}
		}
		if fault != nil {
			panic(fault) // of the model or the store: here somebody can catch it
		}
		yield(last, err)
	}
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
