package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// asker puts a question of the rules to somebody; nil where there is nobody.
type asker func(context.Context, policy.Question) (policy.Answer, error)

// guarded is b behind the policy that was chosen, if there is one, and in front of
// that the record, if one is kept. ask may be nil.
func (c *cli) guarded(ctx context.Context, cfg *config, b hutch.Backend, ask asker) (hutch.Backend, error) {
	b, err := c.ruled(ctx, cfg, b, ask)
	if err != nil {
		return nil, err
	}
	return c.audited(b)
}

// audited is b with a record of what is done with it in the file of --audit. That
// stays open until the program ends.
func (c *cli) audited(b hutch.Backend) (hutch.Backend, error) {
	if c.audit == "" {
		return b, nil
	}
	f, err := os.OpenFile(c.audit, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %s: %w", c.audit, bare(err))
	}
	o := &audit.Options{}
	if u, err := user.Current(); err == nil {
		o.Who = u.Username
	}
	return audit.New(b, slog.New(slog.NewJSONHandler(f, nil)), o), nil
}

func (c *cli) ruled(ctx context.Context, cfg *config, b hutch.Backend, ask asker) (hutch.Backend, error) {
	r, err := c.chosen(cfg)
	if r == nil || err != nil {
		return b, err
	}
	check, err := r.checker(b, ask)
	if err != nil {
		return nil, usage(err)
	}
	g, err := guard.New(ctx, b, check, &guard.Options{Accept: r.accept})
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", r.name, err)
	}
	return g, nil
}

// checker holds operations on b against r.
func (r *rules) checker(b hutch.Backend, ask asker) (*policy.Checker, error) {
	o := &policy.CheckerOptions{Ask: ask}
	if at, ok := hutch.As[hutch.Rooted](b); ok {
		o.Root = at.Root()
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
	return func(ctx context.Context, q policy.Question) (policy.Answer, error) {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return policy.Answer{}, ctx.Err()
		}
		return c.askHere(ctx, q)
	}
}

// prompt is what stands before an answer.
const prompt = "y yes, s yes until the end, n no: "

// askHere asks at the terminal until the answer is one.
func (c *cli) askHere(ctx context.Context, q policy.Question) (policy.Answer, error) {
	c.out.Flush()
	p := printer{terminal: true, color: c.printer().color}
	io.WriteString(c.err, p.text(questionText(q)))
	if err := p.diff(c.err, q.Diff); err != nil {
		return policy.Answer{}, err
	}
	for {
		io.WriteString(c.err, prompt)
		line, err := c.in.line(ctx)
		if err != nil {
			io.WriteString(c.err, "\n")
			return policy.Answer{}, err
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return policy.Answer{Scope: policy.Once}, nil
		case "s", "session":
			return policy.Answer{Scope: policy.Session}, nil
		case "n", "no":
			return policy.Answer{}, nil
		}
	}
}

// questionText is what is asked, but for the diff.
func questionText(q policy.Question) string {
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
	if q.Op != guard.Execute && q.Pattern != "" && q.Decision.Rule >= 0 {
		fmt.Fprintf(&b, "  until the end: %s of all that matches %s\n", q.Op, q.Pattern)
	}
	return b.String()
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
