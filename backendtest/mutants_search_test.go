//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

func searchMutants() []mutant {
	noDots := listing(func(_ string, all []hutch.Info) []hutch.Info {
		return slices.DeleteFunc(all, func(i hutch.Info) bool { return path.Base(i.Name)[0] == '.' })
	})
	glob := func(f func(pattern *string, o *hutch.GlobOptions)) func(*functions) {
		return func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				var mine hutch.GlobOptions
				if o != nil {
					mine = *o
				}
				f(&p, &mine)
				return hutch.Glob(ctx, b, p, &mine)
			}
		}
	}
	return []mutant{
		{name: "hides names with a dot", open: noDots, kills: "Glob/Hidden Glob/Gitignore Grep/Choice Names/Walked"},
		{name: "crosses slashes with a star", do: glob(func(p *string, _ *hutch.GlobOptions) { *p = strings.ReplaceAll(*p, "*.", "**/*.") }), kills: "Glob/Dialect"},
		{name: "always shows hidden files", do: glob(func(_ *string, o *hutch.GlobOptions) { o.Hidden = true }), kills: "Glob/Hidden Glob/Dialect"},
		{name: "never recurses", do: glob(func(_ *string, o *hutch.GlobOptions) { o.Recurse = false }), kills: "Glob/Recurse"},
		{name: "always recurses", do: glob(func(_ *string, o *hutch.GlobOptions) { o.Recurse = true }), kills: "Glob/Recurse"},
		{name: "globs from the root", do: glob(func(_ *string, o *hutch.GlobOptions) { o.Dir = "" }), kills: "Glob/Dir"},
		{name: "takes no notice of .gitignore", do: glob(func(_ *string, o *hutch.GlobOptions) { o.Gitignore = false }), kills: "Glob/Gitignore"},
		{name: "knows no more than names", do: func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				return namesOnly(hutch.Glob(ctx, b, p, o))
			}
		}, kills: "Glob/Dialect"},
		{name: "globs the wrong way round", do: func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				return backwards(hutch.Glob(ctx, b, p, o))
			}
		}, kills: "Glob/Order"},
		{name: "takes a bad pattern for one that matches nothing", do: func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				return quiet(hutch.Glob(ctx, b, p, o))
			}
			do.grep = func(ctx context.Context, b hutch.Backend, q hutch.Query) iter.Seq2[hutch.Match, error] {
				return quiet(hutch.Grep(ctx, b, q))
			}
		}, kills: "Glob/Bad Grep/Bad"},
		{name: "globs what git ignores", open: globbing(func(_ *string, o *hutch.GlobOptions) { o.Gitignore = false }), kills: "Glob/Gitignore Speeds/Glob"},
		{name: "globs hidden files", open: globbing(func(_ *string, o *hutch.GlobOptions) { o.Hidden = true }), kills: "Glob/Hidden Speeds/Glob Speeds/Sub"},
		{name: "globs from its root", open: globbing(func(_ *string, o *hutch.GlobOptions) { o.Dir = "." }), kills: "Glob/Dir Speeds/Glob Speeds/Sub"},
		{name: "globs another pattern", open: globbing(func(p *string, _ *hutch.GlobOptions) { *p = strings.ReplaceAll(*p, "*", "?*") }), kills: "Speeds/Glob"},
		{name: "has no regard to case when it greps", open: asking(func(q *hutch.Query) { q.IgnoreCase = true }), kills: "Grep/Dialect Speeds/Grep Speeds/Sub"},
		{name: "takes text for an expression", open: asking(func(q *hutch.Query) { q.Pattern, q.Literal = strings.Trim(q.Pattern, "["), false }), kills: "Grep/Dialect"},
		{name: "shows no context", open: asking(func(q *hutch.Query) { q.Before = 0 }), kills: "Grep/Context Speeds/Grep Speeds/Sub"},
		{name: "takes no notice of Exclude", open: asking(func(q *hutch.Query) { q.Exclude = nil }), kills: "Grep/Choice Speeds/Grep"},
		{name: "greps hidden files", open: asking(func(q *hutch.Query) { q.Hidden = true }), kills: "Grep/Choice"},
		{name: "finds more than asked for", open: asking(func(q *hutch.Query) { q.MaxPerFile = 0 }), kills: "Grep/Caps"},
		{name: "finds more than asked for in all", open: asking(func(q *hutch.Query) { q.Max = 0 }), kills: "Grep/Caps"},
		{name: "greps what git ignores", open: asking(func(q *hutch.Query) { q.Gitignore = false }), kills: "Grep/Gitignore Speeds/Grep"},
		{name: "shows whole lines", open: asking(func(q *hutch.Query) { q.MaxLine = 8 * mib }), kills: "Grep/LongLine"},
		{name: "reads NUL as a blank", open: reading(func(_ hutch.Backend, f hutch.File) io.Reader {
			data, _ := io.ReadAll(f)
			return bytes.NewReader(bytes.ReplaceAll(data, []byte{0}, []byte{' '}))
		}), kills: "Grep/Binary Read/Bytes"},
		{name: "shows the wrong place of a match", open: grepping(func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
			return mapSeq(hutch.Grep(ctx, b, q), func(m hutch.Match, err error) (hutch.Match, error) {
				m.Start, m.End = 0, len(m.Text)
				return m, err
			})
		}), kills: "Grep/Place Grep/LongLine"},
		{name: "greps the wrong way round", open: grepping(func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
			return backwards(hutch.Grep(ctx, b, q))
		}), kills: "Grep/Order"},
	}
}

func backwards[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		all, err := hutch.Collect(seq)
		slices.Reverse(all)
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

func quiet[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err != nil || !yield(v, nil) {
				return
			}
		}
	}
}

// namesOnly forgets everything else.
func namesOnly(seq iter.Seq2[hutch.Info, error]) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		for i, err := range seq {
			if !yield(hutch.Info{Name: i.Name, Mode: i.Mode.Type()}, err) {
				return
			}
		}
	}
}
