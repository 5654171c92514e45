package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/policy"
)

// The policies of an agent where no other was chosen: with somebody to ask, and
// with --yes.
const (
	askPolicy = "default"
	yesPolicy = "permissive"
)

// rulesAtHand chooses the rules, and makes sure that somebody can answer what they
// ask, if nobody has chosen any.
func (v *agentVerb) rulesAtHand(cfg *config, demo bool) error {
	chosen := v.policy != "" || cfg.Policy != ""
	if demo {
		v.yes = true // the script is ours
	}
	if !chosen && !v.yes && v.asker() == nil {
		return usagef("nobody can be asked here, as the default rules want it before anything is written or executed: add --policy NAME (see hutch policy --help), or --yes to allow what they would ask about")
	}
	switch {
	case chosen:
	case demo:
		v.policy = noPolicy
	case v.yes:
		v.policy = yesPolicy
	default:
		v.policy = askPolicy
	}
	return nil
}

// about is what a question of the rules tells beyond what a question of an agent
// does.
type about struct {
	q      policy.Question
	always bool // the answer can be remembered
}

type aboutKey struct{}

// agentAsker puts questions of the rules to whoever approves for the agent; with
// --yes it approves them all.
func (v *agentVerb) agentAsker() asker {
	switch {
	case v.yes:
		return func(context.Context, policy.Question, bool) (policy.Answer, error) {
			return policy.Answer{Scope: policy.Once}, nil
		}
	case v.asker() == nil:
		return nil
	}
	return askAgent
}

// askAgent has whoever approves for the agent answer a question of the rules.
func askAgent(ctx context.Context, q policy.Question, always bool) (policy.Answer, error) {
	ctx = context.WithValue(ctx, aboutKey{}, about{q, always})
	text := q.Command
	for _, more := range []string{q.Diff, q.Description, q.Note} {
		if more != "" {
			text = strings.TrimPrefix(text+"\n"+more, "\n")
		}
	}
	a, err := deepagent.Ask(ctx, deepagent.Question{
		Title: fmt.Sprintf("May the agent %s %s?", q.Op, q.Path), Text: text, Pattern: q.Pattern,
	})
	return policy.Answer{Scope: policy.Scope(a.Scope), Reason: a.Reason}, err
}

// approve asks the person at the terminal.
func (s *sitting) approve(ctx context.Context, q deepagent.Question) (a deepagent.Answer, err error) {
	if s.c.asker() == nil {
		return a, deepagent.ErrNobody
	}
	about, _ := ctx.Value(aboutKey{}).(about)
	ask := func() { a, err = s.ask(ctx, q, about) }
	if s.v.json {
		ask()
		return a, err
	}
	s.show.Alone(ask)
	return a, err
}

// ask shows a question, all of it, and reads the answer. What is no yes is a no.
func (s *sitting) ask(ctx context.Context, q deepagent.Question, about about) (deepagent.Answer, error) {
	s.c.out.Flush()
	p := s.c.errPrinter()
	s.typed().drop() // what was typed before is no answer
	io.WriteString(s.c.err, questionOf(q, about, p))
	line, err := s.typed().line(ctx)
	if err != nil {
		io.WriteString(s.c.err, "\n")
		return deepagent.Answer{}, err
	}
	return answerOf(line, about.always), nil
}

// questionOf is the text of a question.
func questionOf(q deepagent.Question, about about, p printer) string {
	var b strings.Builder
	head := q.Title
	if q.Agent != "" {
		head += " (" + q.Agent + ")"
	}
	b.WriteString(p.paint(show.Bold, head) + "\n")
	if about.q.Op == "" {
		b.WriteString(indented(q.Text, p))
		b.WriteString("  until the end: every " + show.Visible(q.Pattern+q.Call.Name, false) + "\n")
		return b.String() + choices(false)
	}
	b.WriteString(indented(about.q.Command, p))
	b.WriteString(show.Diff(about.q.Diff, p.color))
	for _, text := range append([]string{about.q.Description, about.q.Note}, reach(about.q, about.always)...) {
		b.WriteString(indented(text, p))
	}
	return b.String() + choices(about.always)
}

func indented(text string, p printer) string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(p.text(text), "\n", "\n  ") + "\n"
}

// answerOf is what a line answers. Behind a no, and in place of a yes, words are
// the reason.
func answerOf(line string, always bool) deepagent.Answer {
	if scope := scopeOf(line, always); scope != policy.No {
		return deepagent.Answer{Scope: deepagent.Scope(scope)}
	}
	line = strings.TrimSpace(line)
	first, rest, _ := strings.Cut(line, " ")
	if word := strings.ToLower(strings.TrimRight(first, ",.:")); word == "n" || word == "no" {
		line = strings.TrimSpace(rest)
	}
	return deepagent.Answer{Reason: line}
}
