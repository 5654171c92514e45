// Package shell is a hutch.Sandbox through nothing but a POSIX shell and the
// usual small programs (of GNU, or of busybox), for places where programs can
// be started and the helper of hutch cannot run. It is slower and gives the
// same answers.
//
// # Files
//
// Starting a program may take long (150 ms in a container), so operations go to
// shells that stay: each is sent one line, a call of a function that it was
// given when it was started, and answers in lines of its own, which no name and
// no content can be taken for. A handful of such shells serve all operations;
// an open file of more than 64 KiB keeps one more until it was read or closed,
// and reads from the descriptor that the shell holds: a file that is replaced,
// removed or renamed meanwhile is read to its end, one that is changed in place
// is hutch.ErrConflict. Content goes through base64, or, written and over
// 64 KiB, through a process of its own.
//
// Writes go to a temporary file in the directory ".hutch-tmp" of the root, which
// no operation shows or touches, and which takes its name in one step. Where
// that name is on another file system than the root (a volume below it), the
// step is that of mv: a copy. Changes hold a lock there, so conditional writes
// are exact among all sandboxes of this package on one root. It is kept for a
// tenth of a second, unless somebody else wants it. What a process that is gone
// has left there, the next Open removes, and who needs a lock that it held takes
// it over.
//
// A Rev is made of inode, size, modification and change time; see package local
// for what that promises. A shell cannot give a file an exact time, so a write
// waits until the clock of the file system has moved on since the last one.
//
// # Commands
//
// Each is a process of its own, a shell that sets directory, limits and exactly
// the environment asked for, and tells how the command ended. The processes of
// a command are found by a tag in a resource limit without effect (RLIMIT_RSS),
// which they inherit whatever they do with sessions, parents and environment,
// and can only lower. [Options.Exclusive] also ends those that lowered it.
//
// How signals are told from statuses over 128: a shell says something when one
// has ended its child, except for SIGINT, SIGPIPE and, in bash, SIGTERM. So the
// statuses 130 and 141, and 143 with bash, are always reported as these signals.
// A program for another machine, or whose loader is missing, is not an error
// but ends with 126 or 127, as in a shell. Only what begins with "#!" or as an
// ELF file counts as a program.
package shell

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Options qualifies Open.
type Options struct {
	// Root is the absolute path under which commands see the files, clean and
	// without links on it: "/workspace".
	Root string
	// Env is the environment of commands, complete. Its PATH is also where the
	// programs of this package are found.
	Env []string
	// Limits of all commands. Time is the default and the most for each; CPU,
	// FileSize and OpenFiles bound each process, Memory the data of each process,
	// Processes those of the user. A field that is not positive is no limit.
	// Processes does not bind root and is an error there.
	Limits hutch.Limits
	// UID and GID say who the programs run as.
	UID, GID int
	// Exclusive says that nothing is started in this place but by this Sandbox:
	// a process without any trace of where it comes from, younger than the
	// Sandbox, is ended with the last command that runs.
	Exclusive bool
}

// Sandbox is files and commands in the place of a Host. It has the speed
// [hutch.Renamer] and the powers [hutch.Rooted] and [hutch.Linker]. A file whose name is no name
// here, because it is not valid UTF-8 or too long, is not shown.
type Sandbox struct {
	opts Options
	pool pool
	// changes is held by every change, so that those of one Sandbox do not wait
	// in their shells for the lock that is in the place.
	changes chan struct{}
	release *time.Timer // lets go of the lock; changes is held
	turns   turns
	looks   looks
	known   known
	tags    tags

	mu     sync.RWMutex // held for reading by every operation, for writing by Close
	closed bool
	// over ends when Close begins, and commands with it.
	over   context.Context
	cancel context.CancelFunc
	runs   sync.WaitGroup // commands
}

var (
	_ hutch.Sandbox = (*Sandbox)(nil)
	_ hutch.Rooted  = (*Sandbox)(nil)
	_ hutch.Renamer = (*Sandbox)(nil)
	_ hutch.Linker  = (*Sandbox)(nil)
)

// Open opens the directory o.Root in the place of h. It fails where a program
// that is needed is missing or cannot do what is needed, and says which. Whoever
// opens a Sandbox closes it.
func Open(ctx context.Context, h Host, o *Options) (*Sandbox, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.Env = slices.Clone(opts.Env)
	if err := opts.check(); err != nil {
		return nil, &fs.PathError{Op: "open", Path: opts.Root, Err: err}
	}
	s := &Sandbox{opts: opts, changes: make(chan struct{}, 1)}
	s.over, s.cancel = context.WithCancel(context.Background())
	s.pool.init(h, &s.opts)
	if err := s.ready(ctx); err != nil {
		s.cancel()
		s.pool.close()
		return nil, &fs.PathError{Op: "open", Path: opts.Root, Err: err}
	}
	return s, nil
}

func (o *Options) check() error {
	switch {
	case !path.IsAbs(o.Root) || path.Clean(o.Root) != o.Root || strings.IndexByte(o.Root, 0) >= 0:
		return &means{"the root is not a clean absolute path", fs.ErrInvalid}
	case o.Limits.Processes > 0 && o.UID == 0:
		return errProcesses
	}
	return checkEnv(o.Env)
}

func checkEnv(env []string) error {
	for _, e := range env {
		if strings.IndexByte(e, '=') < 1 || strings.IndexByte(e, 0) >= 0 {
			return &means{"environment entry is not KEY=value", fs.ErrInvalid}
		}
	}
	return nil
}

// ready checks the place and removes what the dead left there.
func (s *Sandbox) ready(ctx context.Context) error {
	a, err := s.pool.ask(ctx, true, "check", strconv.Itoa(lastTag))
	if err != nil {
		return err
	}
	switch a.word {
	case "ok":
		return nil
	case "lacks":
		return &means{"the place lacks " + a.rest, errors.ErrUnsupported}
	}
	return a.err()
}

// Root implements [hutch.Rooted].
func (s *Sandbox) Root() string { return s.opts.Root }

// Close ends the commands that run and the shells. Operations under way are
// waited for, some seconds; then they lose their shells. It is safe to call it
// again.
func (s *Sandbox) Close() error {
	s.cancel()
	defer time.AfterFunc(patience, s.pool.close).Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.runs.Wait()
	s.changes <- struct{}{}
	if s.release != nil {
		s.release.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if s.pool.staged() {
		s.pool.tell(ctx, "leave")
	}
	s.pool.close()
	return nil
}

// begin is asked first by every operation. Where it returns no error, end must
// be called.
func (s *Sandbox) begin(ctx context.Context, op, name string) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fail(op, name, err)
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return fail(op, name, hutch.ErrClosed)
	}
	return nil
}

func (s *Sandbox) end() { s.mu.RUnlock() }

// fail puts operation and name around an error.
func fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
