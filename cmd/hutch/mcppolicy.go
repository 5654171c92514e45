package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/policy"
)

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
