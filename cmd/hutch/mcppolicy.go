package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/policy"
	"github.com/spf13/pflag"
)

func (m *mcpVerb) policyFlags(f *pflag.FlagSet) {
	f.StringVar(&m.policy, "policy", "", "the `NAME` of the rules to hold to: "+strings.Join(policy.Presets(), ", "))
	f.StringSliceVar(&m.accept, "accept", nil, "let commands do what the sandbox cannot keep them from: `read`, write or both")
}

// guarded is b behind the rules that were chosen.
func (m *mcpVerb) guarded(ctx context.Context, b hutch.Backend) (hutch.Backend, error) {
	if m.policy == "" {
		if len(m.accept) > 0 {
			return nil, usagef("mcp: --accept is for --policy")
		}
		return b, nil
	}
	set, ok := policy.Preset(m.policy)
	if !ok {
		return nil, usagef("mcp: --policy: there is no %q; there are %s", m.policy, strings.Join(policy.Presets(), ", "))
	}
	o := &guard.Options{}
	for _, a := range m.accept {
		if a != string(guard.Read) && a != string(guard.Write) {
			return nil, usagef("mcp: --accept: %q is not read or write", a)
		}
		o.Accept = append(o.Accept, guard.Op(a))
	}
	co := &policy.CheckerOptions{Ask: askClient}
	if r, ok := hutch.As[hutch.Rooted](b); ok {
		co.Root = r.Root()
	}
	check, err := set.Checker(co)
	if err != nil {
		return nil, err
	}
	g, err := guard.New(ctx, b, check, o)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", m.policy, err)
	}
	return g, nil
}

// The answers that a person at a client can give.
var answers = map[string]policy.Scope{
	"yes, this once":     policy.Once,
	"yes, until the end": policy.Session,
	"no":                 policy.No,
}

// askClient puts a question of the rules to the person at the client.
func askClient(ctx context.Context, q policy.Question) (policy.Answer, error) {
	title := fmt.Sprintf("May %s be done: %s?", q.Op, q.Path)
	if q.Op == guard.Execute {
		title = "May this command be run in " + q.Path + "?\n\n" + q.Command
	}
	var about []string
	for _, s := range []string{q.Description, q.Note, q.Diff} {
		if s != "" {
			about = append(about, s)
		}
	}
	about = append(about, "\"until the end\" is for all of: "+string(q.Op)+" "+q.Pattern)
	answer, err := mcpserver.Ask(ctx, mcpserver.Question{Title: title, Text: strings.Join(about, "\n\n"),
		Answers: []string{"yes, this once", "yes, until the end", "no"}})
	if err != nil {
		return policy.Answer{}, err
	}
	return policy.Answer{Scope: answers[answer]}, nil
}
