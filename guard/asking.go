package guard

import "context"

type unaskedKey struct{}
type passKey struct{}

// Unasked is a context under which nobody is asked: a [Check] refuses what it
// would ask about. It is for what a program does on its own account.
func Unasked(ctx context.Context) context.Context {
	return context.WithValue(ctx, unaskedKey{}, true)
}

// MayAsk reports whether somebody may be asked under ctx. Every Check that asks
// heeds it.
func MayAsk(ctx context.Context) bool { return ctx.Value(unaskedKey{}) == nil }

// OnPass is a context under which a guarded backend calls f when it has let a
// command through, before it runs. So who starts a command and does not wait
// for its end can still wait for the answer of who is asked. f is called at most
// once for a command, from any goroutine.
func OnPass(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, passKey{}, f)
}

// passed says that a command was let through. Of guards one on the other it is
// the innermost that says so.
func (g *Backend) passed(ctx context.Context) {
	if f, ok := ctx.Value(passKey{}).(func()); ok && g.inner == nil {
		f()
	}
}
