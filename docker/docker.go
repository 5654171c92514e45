// Package docker keeps a workspace in a container of a Docker Engine, and runs
// commands on it there. It needs an engine and nothing else: no command line
// program, no daemon of its own.
//
// # The container
//
// A container is hardened unless [Options] say otherwise: an unprivileged user,
// no capabilities, no new privileges, a read-only system, the engine's default
// filter of system calls, limits of memory, processors and processes, and no
// network. The workspace is a volume that goes with the container; /tmp and the
// home directory are in memory. What the engine does not grant is an error.
//
// # The helper
//
// Process 1 of the container is a program of ours, which serves files and
// starts commands as long as the sandbox is open: no operation is an
// invocation of the engine. It comes from a volume of the engine where it is
// put once. See [Options.Helper] for which program that is. Where it cannot run,
// because it is of another architecture or may not be executed there, a shell in
// the container and the engine's own calls serve instead, with the same
// answers but slower; [Sandbox.Plain] says so and why.
//
// All file operations happen inside the container, as its user: nothing that an
// image or a command puts there, links least of all, reaches a file of this
// machine.
//
// # Lives
//
// [Sandbox.Close] removes the container, [Sandbox.Detach] leaves it for
// [Attach], also from another process. A container whose owner is killed, or
// loses its connection, ends by itself when its lease runs out; [Sweep] removes
// what an engine that crashed has left behind, and runs by itself while
// sandboxes are open.
package docker

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/shell"
	"github.com/hutch-dev/hutch/internal/wire"
)

// ErrLost is matched by the error of an operation whose container, engine or
// connection went away before its end was known.
var ErrLost = wire.ErrLost

// Sandbox is a container with a workspace. It has the powers [hutch.Rooted],
// [hutch.Linker] and [hutch.Confiner] and, with a helper, [hutch.Signaler] and all
// speeds. Without one, a command with signals is refused.
type Sandbox struct {
	e     *engine
	id    string
	name  string
	ident identity
	limit hutch.Limits

	mu     sync.Mutex
	client *wire.Client   // nil in a plain sandbox
	plain  *shell.Sandbox // nil with a helper
	beat   context.CancelFunc
	closed bool
	given  func() // tells the pool it came from that it is closed; may be nil
}

var (
	_ hutch.Sandbox = (*Sandbox)(nil)
	_ hutch.Rooted  = (*Sandbox)(nil)

	_ hutch.Confiner = (*Sandbox)(nil)
)

// Open makes a container and opens the sandbox in it. opts may be nil. The
// image of a runtime is built if it is not there. Whoever opens a Sandbox closes
// it or detaches from it. ctx bounds the opening only.
//
// Options that make no sense are errors that match fs.ErrInvalid; a missing
// engine is ErrNoEngine; what the engine cannot grant matches
// errors.ErrUnsupported.
func Open(ctx context.Context, opts *Options) (*Sandbox, error) {
	o := Options{}
	if opts != nil {
		o = opts.clone()
	}
	e, err := dial(ctx, o.Host)
	if err != nil {
		return nil, openError(err)
	}
	s, err := e.open(ctx, &o)
	if err != nil {
		e.close()
		return nil, openError(err)
	}
	sweepers.join(e.host)
	return s, nil
}

// openError puts operation and name around an error that has none.
func openError(err error) error {
	var pe *fs.PathError
	var be *BuildError
	if errors.As(err, &pe) {
		return err
	}
	if !errors.As(err, &be) && !errors.Is(err, ErrNoEngine) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		err = &causeError{said(err), []error{err}}
	}
	return &fs.PathError{Op: "open", Path: ".", Err: err}
}

func (e *engine) open(ctx context.Context, o *Options) (*Sandbox, error) {
	f, err := e.facts(ctx)
	if err != nil {
		return nil, err
	}
	o.Host = e.host
	o.complete(f.processors)
	if err := o.check(); err != nil {
		return nil, err
	}
	image, err := e.image(ctx, o)
	if err != nil {
		return nil, err
	}
	i := newIdentity(o, image)
	if o.Name != "" {
		if s, err := e.takeOver(ctx, o, &i); s != nil || err != nil {
			return s, err
		}
	}
	s, err := e.make(ctx, &blueprint{identity: &i, opts: o, image: image}, f)
	if err == nil || !notFound(err) || o.Runtime == nil {
		return s, err
	}
	if image, err = e.image(ctx, o); err != nil { // somebody has pruned it meanwhile
		return nil, err
	}
	return e.make(ctx, &blueprint{identity: &i, opts: o, image: image}, f)
}

// image makes sure that the image is there and returns what to call it.
func (e *engine) image(ctx context.Context, o *Options) (string, error) {
	if o.Runtime != nil {
		return e.imageOf(ctx, *o.Runtime, &o.Build)
	}
	_, err := e.imageHere(ctx, o.Image, o.Build.Progress)
	return o.Image, err
}

// make makes a container after a blueprint, in the best way there is.
func (e *engine) make(ctx context.Context, b *blueprint, f *facts) (*Sandbox, error) {
	why := "asked for"
	if !b.opts.Plain {
		p, err := findHelper(b.opts.Helper, f.arch)
		if err != nil && b.opts.Helper != "" {
			return nil, err
		}
		if err == nil {
			s, err := e.withHelper(ctx, b, p)
			if !errors.Is(err, errNoHelper) {
				return s, err
			}
			why = err.Error()
		} else {
			why = err.Error()
		}
	}
	return e.withShell(ctx, b, why)
}

// withHelper makes a container with a helper. Where the program is not in its
// volume yet, or not all of it, it is put there and everything starts again.
func (e *engine) withHelper(ctx context.Context, b *blueprint, p *program) (*Sandbox, error) {
	b.helper = p
	var s *Sandbox
	var err error
	for try := range 2 {
		if try > 0 {
			if err := e.place(ctx, p, b.image); err != nil {
				return nil, err
			}
			*b.identity = newIdentity(b.opts, b.image)
		}
		if s, err = e.tryHelper(ctx, b); !errors.Is(err, errNoProgram) {
			return s, err
		}
	}
	return nil, err
}

func (e *engine) tryHelper(ctx context.Context, b *blueprint) (*Sandbox, error) {
	var door *doorway
	if b.idle >= 0 && !e.apart() { // a container that is kept is started again, when the door is gone
		door = newDoorway(e.host, b.id)
	}
	defer func() { door.close() }()
	if door != nil {
		b.socket = door.dir
	}
	id, err := e.create(ctx, b)
	if err != nil && door != nil && noSuchSource(err, door.dir) {
		e.setApart() // the engine sees other files than we do
		door.close()
		removeDoorway(b.id)
		door, b.socket = nil, ""
		id, err = e.create(ctx, b)
	}
	if err != nil {
		door.close()
		removeDoorway(b.id)
		return nil, err
	}
	client, err := e.launch(ctx, id, b.identity, door, func(ctx context.Context) error { return e.share(ctx, id, b) })
	if err != nil {
		_ = e.remove(context.WithoutCancel(ctx), id)
		removeDoorway(b.id)
		return nil, err
	}
	return &Sandbox{e: e, id: id, name: b.opts.Name, ident: *b.identity, limit: b.opts.Limits, client: client}, nil
}

// ID is the engine's id of the container.
func (s *Sandbox) ID() string { return s.id }

// Name is the name that the container was opened or attached with; it may be "".
func (s *Sandbox) Name() string { return s.name }

// Plain says why there is no helper in the container; "" is that there is one.
func (s *Sandbox) Plain() string { return s.ident.plain }

// Root implements [hutch.Rooted].
func (s *Sandbox) Root() string { return s.ident.root }

// backend is what operations go to. A connection that was lost is made again if
// the container still runs.
func (s *Sandbox) backend(ctx context.Context) (hutch.Sandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, hutch.ErrClosed
	case s.plain != nil:
		return s.plain, nil
	}
	select {
	case <-s.client.Lost():
	default:
		return wired{s.client}, nil
	}
	c, err := s.e.redial(ctx, s.id, &s.ident)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, s.lost(ctx)
	}
	s.client.Close()
	s.client = c
	return wired{c}, nil
}

// wired is the far side as a sandbox; it always has commands.
type wired struct{ *wire.Client }

func (w wired) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	x, ok := hutch.As[hutch.Execer](w.Client)
	if !ok {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: cmd.Args[0], Err: errors.ErrUnsupported}
	}
	return x.Exec(ctx, cmd)
}
