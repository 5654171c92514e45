//go:build unix

package backendtest

import (
	"context"
	"io/fs"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// linkSpeed is a Linker of a mutant.
type linkSpeed struct {
	real     func(ctx context.Context, name string) (string, error)
	unlinked hutch.Backend
}

func (l linkSpeed) Real(ctx context.Context, name string) (string, error) { return l.real(ctx, name) }
func (l linkSpeed) Unlinked() hutch.Backend                               { return l.unlinked }

// linking is a mutant of state, speeds included, whose Linker is changed.
func linking(change func(b *state.Backend, l *linkSpeed)) func(t testing.TB) hutch.Backend {
	return func(testing.TB) hutch.Backend {
		s := state.New(nil)
		l := &linkSpeed{s.Real, s}
		change(s, l)
		speeds := speedsOf(s)
		return &broken{b: s, as: func(target any) bool {
			t, ok := target.(*hutch.Linker)
			if ok {
				*t = l
			}
			return ok || speeds(target)
		}}
	}
}

// speedsOf lets the speeds of state through.
func speedsOf(s *state.Backend) func(target any) bool {
	return func(target any) bool {
		switch t := target.(type) {
		case *hutch.Walker:
			*t = s
		case *hutch.Renamer:
			*t = s
		default:
			return false
		}
		return true
	}
}

func linkerMutants() []mutant {
	return []mutant{
		{name: "finds no real name for what is missing", kills: "Linker/Names", open: linking(func(b *state.Backend, l *linkSpeed) {
			l.real = func(ctx context.Context, n string) (string, error) {
				_, err := b.Stat(ctx, n)
				return n, err
			}
		})},
		{name: "looks at no name in Real", kills: "Linker/Checked", open: linking(func(_ *state.Backend, l *linkSpeed) {
			l.real = func(ctx context.Context, n string) (string, error) { return n, ctx.Err() }
		})},
		{name: "looks at no context in Real", kills: "Linker/Checked", open: linking(func(_ *state.Backend, l *linkSpeed) {
			l.real = func(_ context.Context, n string) (string, error) { return n, hutch.CheckName("real", n) }
		})},
		{name: "has no speeds in Unlinked", kills: "Linker/Same", open: linking(func(b *state.Backend, l *linkSpeed) { l.unlinked = Plain(b) })},
		{name: "hides directories in Unlinked", kills: "Linker/Same", open: linking(func(b *state.Backend, l *linkSpeed) {
			l.unlinked = &broken{b: b, as: speedsOf(b), stat: func(ctx context.Context, n string) (hutch.Info, error) {
				i, err := b.Stat(ctx, n)
				if i.IsDir() {
					err = fail("stat", n, fs.ErrNotExist)
				}
				return i, err
			}}
		})},
		{name: "has something else in Unlinked", kills: "Linker/Writes", open: linking(func(_ *state.Backend, l *linkSpeed) { l.unlinked = state.New(nil) })},
	}
}
