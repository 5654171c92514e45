package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/rename"
)

// runs reports whether commands are offered.
func (g *Backend) runs() bool { return g.exec != nil && g.Outlook(Execute) != Denied }

// addCommands takes the power to run commands from b, unless no command will
// ever be allowed, and has them confined.
func (g *Backend) addCommands(ctx context.Context, b hutch.Backend, c hutch.Confinement, o *Options) error {
	exec, ok := hutch.As[hutch.Execer](b)
	if !ok || g.c.Outlook(Execute) == Denied {
		return nil
	}
	g.rooted, g.confiner, g.signaler = power[hutch.Rooted](b), power[hutch.Confiner](b), power[hutch.Signaler](b)
	if err := confine(ctx, g.confiner, c, o.Accept); err != nil {
		return err
	}
	g.exec = exec
	return nil
}

// power is a power of b, nil where b does not have it, whatever b has set.
func power[T any](b hutch.Backend) (p T) {
	if found, ok := hutch.As[T](b); ok {
		p = found
	}
	return p
}

// confine asks for all of c and, where that cannot be had, for as much of it as
// must be had.
func confine(ctx context.Context, by hutch.Confiner, c hutch.Confinement, accept []Op) error {
	var why error
	for _, part := range parts(c, accept) {
		if len(part.Hide)+len(part.Protect) == 0 {
			return nil
		}
		if by == nil {
			continue
		}
		if why = by.Confine(ctx, part); !errors.Is(why, errors.ErrUnsupported) {
			return why
		}
	}
	return unconfined(c, accept, why)
}

// parts is c and what is left of it when what is accepted is given up.
func parts(c hutch.Confinement, accept []Op) []hutch.Confinement {
	all := []hutch.Confinement{c}
	read, write := slices.Contains(accept, Read), slices.Contains(accept, Write)
	if write {
		all = append(all, hutch.Confinement{Hide: c.Hide})
	}
	if read {
		all = append(all, hutch.Confinement{Protect: c.Protect})
	}
	if read && write {
		all = append(all, hutch.Confinement{})
	}
	return all
}

// unconfined says what commands could do.
func unconfined(c hutch.Confinement, accept []Op, why error) error {
	var could []string
	if len(c.Hide) > 0 && !slices.Contains(accept, Read) {
		could = append(could, "read what is hidden ("+some(c.Hide)+")")
	}
	if len(c.Protect) > 0 && !slices.Contains(accept, Write) {
		could = append(could, "change what is protected ("+some(c.Protect)+")")
	}
	if why == nil {
		why = errors.ErrUnsupported
	}
	return fmt.Errorf("guard: commands cannot be kept to the rules: they could %s; forbid commands or accept that: %w",
		strings.Join(could, " and "), why)
}

func some(patterns []string) string {
	const most = 8
	if len(patterns) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(patterns[:most], ", "), len(patterns)-most)
	}
	return strings.Join(patterns, ", ")
}

type execer struct{ g *Backend }

// Exec implements [hutch.Execer]. What is run is what the Check has seen: both
// are copies, and its own has no streams.
func (x execer) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if cmd == nil {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: ".", Err: fmt.Errorf("%w: no command", fs.ErrInvalid)}
	}
	run := copyOf(cmd)
	dir := cmd.Dir
	if dir == "" {
		dir = "."
	}
	if err := begin(ctx, "exec", dir); err != nil {
		return hutch.Result{}, err
	}
	real, err := x.g.real(ctx, dir)
	if err != nil {
		return hutch.Result{}, named(err, "exec", dir)
	}
	run.Dir = real
	shown := copyOf(run)
	shown.Stdout, shown.Stderr, shown.Signals = nil, nil, nil
	if shown.Stdin != nil {
		shown.Stdin = unseen{}
	}
	err = x.g.c.Check(ctx, &Request{Op: Execute, Name: real, Path: x.g.path(real), Cmd: shown})
	if err != nil {
		return hutch.Result{}, refused(ctx, "exec", dir, err)
	}
	x.g.passed(ctx)
	res, err := x.g.exec.Exec(ctx, run)
	return res, rename.Error(err, func(inside string) string {
		if inside == real { // else it is that of a program
			return dir
		}
		return inside
	})
}

func copyOf(cmd *hutch.Cmd) *hutch.Cmd {
	c := *cmd
	c.Args, c.Env = slices.Clone(cmd.Args), slices.Clone(cmd.Env)
	return &c
}

// unseen stands for input that is not shown.
type unseen struct{}

func (unseen) Read([]byte) (int, error) { return 0, fmt.Errorf("%w: not shown", fs.ErrPermission) }

var _ io.Reader = unseen{}

// rooted, signaler and confiner show one method and nothing of what is behind it.
type rooted struct{ g *Backend }

func (r rooted) Root() string { return r.g.rooted.Root() }

type signaler struct{ g *Backend }

func (s signaler) Signals() []string { return s.g.signaler.Signals() }

type confiner struct{ g *Backend }

// Confine implements [hutch.Confiner]. It only adds.
func (c confiner) Confine(ctx context.Context, more hutch.Confinement) error {
	return c.g.confiner.Confine(ctx, more)
}
