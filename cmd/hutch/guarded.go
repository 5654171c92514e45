package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// asker puts a question of the rules to somebody; nil where there is nobody. With
// always, the answer may be one for ever.
type asker func(ctx context.Context, q policy.Question, always bool) (policy.Answer, error)

// ruled is b behind the policy that was chosen.
func (c *cli) ruled(ctx context.Context, w *workspace, b hutch.Backend, ask asker) (hutch.Backend, error) {
	r, err := c.chosen(w.cfg)
	if r == nil || err != nil {
		return b, err
	}
	kept, err := w.book(r)
	if err != nil {
		return nil, err
	}
	check, err := r.checker(b, ask, kept)
	if err != nil {
		return nil, usage(err)
	}
	g, err := guard.New(ctx, b, check, &guard.Options{Accept: r.accept})
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w; --accept read,write accepts it", r.name, err)
	}
	return g, nil
}

// checker holds operations on b against r. kept may be nil.
func (r *rules) checker(b hutch.Backend, ask asker, kept *book) (*policy.Checker, error) {
	o := &policy.CheckerOptions{}
	if at, ok := hutch.As[hutch.Rooted](b); ok {
		o.Root = at.Root()
	}
	if kept != nil {
		o.Recall, o.Recalls, o.Remember = kept.recall, kept.recalls, kept.remember
	}
	if ask != nil {
		o.Ask = func(ctx context.Context, q policy.Question) (policy.Answer, error) {
			return ask(ctx, q, kept != nil && kept.canRemember(q.Approval))
		}
	}
	return r.set.Checker(o)
}

// asker is the person at the terminal, if there is one: both the question and the
// answer need it.
func (c *cli) asker() asker {
	if !isTerminal(c.in.file) || !isTerminal(os.Stderr) {
		return nil
	}
	turn := make(chan struct{}, 1) // one question at a time
	return func(ctx context.Context, q policy.Question, always bool) (policy.Answer, error) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return policy.Answer{}, ctx.Err()
		}
		return c.askHere(ctx, q, always)
	}
}

// choices is what stands before an answer.
func choices(always bool) string {
	if always {
		return "y once, s until the end, a always, n no [n]: "
	}
	return "y once, s until the end, n no [n]: "
}

// askHere asks at the terminal. What is no yes is a no.
func (c *cli) askHere(ctx context.Context, q policy.Question, always bool) (policy.Answer, error) {
	c.out.Flush()
	p := printer{terminal: true, color: c.printer().color}
	io.WriteString(c.err, p.text(questionText(q, always)))
	if err := p.diff(c.err, q.Diff); err != nil {
		return policy.Answer{}, err
	}
	io.WriteString(c.err, choices(always))
	line, err := c.in.line(ctx)
	if err != nil {
		io.WriteString(c.err, "\n")
		return policy.Answer{}, err
	}
	return policy.Answer{Scope: scopeOf(line, always)}, nil
}

// scopeOf is what a line answers.
func scopeOf(line string, always bool) policy.Scope {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes", "once":
		return policy.Once
	case "s", "session":
		return policy.Session
	case "a", "always":
		if always {
			return policy.Always
		}
	}
	return policy.No
}

// questionText is what is asked, but for the diff.
func questionText(q policy.Question, always bool) string {
	var b strings.Builder
	if q.Op == guard.Execute {
		fmt.Fprintf(&b, "May this be executed in %s?\n  %s\n", q.Path, strings.ReplaceAll(q.Command, "\n", "\n  "))
	} else {
		fmt.Fprintf(&b, "May %s be done on %s?\n", q.Op, q.Path)
	}
	for _, s := range []string{q.Description, q.Note} {
		if s != "" {
			b.WriteString("  " + s + "\n")
		}
	}
	for _, s := range reach(q, always) {
		b.WriteString("  " + s + "\n")
	}
	return b.String()
}

// reach is what the answers are good for beyond what is asked about.
func reach(q policy.Question, always bool) (all []string) {
	switch {
	case q.Op == guard.Execute:
		all = append(all, "until the end: this very command, whatever the files hold that it uses")
	case q.Decision.Rule >= 0:
		all = append(all, fmt.Sprintf("until the end: %s of all that matches %s", q.Op, q.Pattern))
	default:
		all = append(all, fmt.Sprintf("until the end: %s of this name, whatever the content", q.Op))
	}
	switch {
	case !always:
	case q.Op == guard.Execute:
		all = append(all, "always: the same, in this workspace")
	default:
		all = append(all, fmt.Sprintf("always: %s of this name, whatever the content, in this workspace", q.Op))
	}
	return all
}

// line reads one line.
func (in *input) line(ctx context.Context) (string, error) {
	var b strings.Builder
	for one := make([]byte, 1); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := in.Read(one)
		if n > 0 && one[0] == '\n' {
			return b.String(), nil
		}
		b.Write(one[:n])
		if err != nil {
			return "", err
		}
		if b.Len() > 4096 {
			return "", fmt.Errorf("a line of more than 4096 bytes is no answer")
		}
	}
}
