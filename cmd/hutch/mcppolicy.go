package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/policy"
)

// What a person at a client can answer.
const (
	sayOnce    = "yes, this once"
	saySession = "yes, until the end"
	sayAlways  = "yes, always"
	sayNo      = "no"
)

var answers = map[string]policy.Scope{sayOnce: policy.Once, saySession: policy.Session, sayAlways: policy.Always}

// askClient puts a question of the rules to the person at the client. What is no
// yes is a no.
func askClient(ctx context.Context, q policy.Question, always bool) (policy.Answer, error) {
	title := fmt.Sprintf("May %s be done: %s?", q.Op, q.Path)
	if q.Op == guard.Execute {
		title = "May this command be run in " + q.Path + "?\n\n" + q.Command
	}
	var about []string
	for _, s := range append([]string{q.Description, q.Note, q.Diff}, reach(q, always)...) {
		if s != "" {
			about = append(about, s)
		}
	}
	offered := []string{sayOnce, saySession, sayNo}
	if always {
		offered = []string{sayOnce, saySession, sayAlways, sayNo}
	}
	answer, err := mcpserver.Ask(ctx, mcpserver.Question{Title: title, Text: strings.Join(about, "\n\n"), Answers: offered})
	if err != nil {
		return policy.Answer{}, err
	}
	return policy.Answer{Scope: answers[answer]}, nil // mcpserver knows what was offered
}
