package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/keep"
)

// Jobs are the commands in the background of one sandbox. They are safe for
// concurrent use.
type Jobs struct {
	exec  hutch.Execer
	sig   []string // the signals that can be sent
	o     Options
	store *keep.Store // nil keeps nothing

	mu     sync.Mutex
	all    []*job // in the order of their start
	last   int    // number of the newest
	closed bool
}

// job is one command.
type job struct {
	id     string
	cmd    hutch.Cmd
	in     *stdin
	out    output
	cancel context.CancelCauseFunc
	sig    chan string   // nil where no signals can be sent
	done   chan struct{} // closed when it has ended; the rest is then fixed

	started, ended time.Time
	result         hutch.Result
	err            error
}

// New makes jobs on b, which must have the power [hutch.Execer], else the error
// matches errors.ErrUnsupported. o may be nil. Who makes Jobs closes them,
// though they end by themselves with the sandbox.
func New(b hutch.Backend, o *Options) (*Jobs, error) {
	e, ok := hutch.As[hutch.Execer](b)
	if !ok {
		return nil, &fs.PathError{Op: "job", Path: ".", Err: fmt.Errorf("%w: the backend runs no commands", errors.ErrUnsupported)}
	}
	j := &Jobs{exec: e}
	if s, ok := hutch.As[hutch.Signaler](b); ok {
		j.sig = s.Signals()
	}
	if o != nil {
		j.o = *o
	}
	j.o.complete()
	if j.o.Keep == nil {
		j.o.Keep = b
	}
	if j.o.Spill > 0 {
		j.store = keep.New(j.o.Keep, nil)
	}
	return j, nil
}

func (o *Options) complete() {
	if o.Running <= 0 {
		o.Running = DefaultRunning
	}
	if o.Finished == 0 {
		o.Finished = DefaultFinished
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	if o.Spill == 0 {
		o.Spill = DefaultSpill
	}
}

// Start starts cmd and returns its id, "bg_1" for the first. It does not wait
// for anything: what is wrong with the command, or forbids it, is how the job
// ends. ctx passes its values to the command; when it ends later, the job goes
// on. The streams and signals of cmd must be nil: they are the job's.
//
// As many running jobs as there may be are ErrTooMany; after Close it is
// hutch.ErrClosed.
func (j *Jobs) Start(ctx context.Context, cmd *hutch.Cmd) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", jobError("start", "", err)
	}
	if cmd == nil || len(cmd.Args) == 0 || cmd.Stdin != nil || cmd.Stdout != nil || cmd.Stderr != nil || cmd.Signals != nil {
		return "", jobError("start", "", fmt.Errorf("%w: a job needs a program, and has streams of its own", fs.ErrInvalid))
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	n := &job{cmd: *cmd, in: newStdin(), cancel: cancel, done: make(chan struct{}), started: time.Now()}
	n.cmd.Args, n.cmd.Env = slices.Clone(cmd.Args), slices.Clone(cmd.Env)
	if n.cmd.Signals = nil; len(j.sig) > 0 {
		n.sig = make(chan string)
		n.cmd.Signals = n.sig
	}
	n.cmd.Limits = narrower(cmd.Limits, j.o.Limits)
	if err := j.add(n); err != nil {
		cancel(nil)
		return "", jobError("start", "", err)
	}
	go j.run(ctx, n)
	return n.id, nil
}

// add gives a job its number, if there is room.
func (j *Jobs) add(n *job) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return hutch.ErrClosed
	}
	running := 0
	for _, o := range j.all {
		if o.running() {
			running++
		}
	}
	if running >= j.o.Running {
		return fmt.Errorf("%w: %d", ErrTooMany, running)
	}
	j.last++
	n.id = fmt.Sprintf("bg_%d", j.last)
	n.out.memory = j.o.Memory
	if j.store != nil {
		n.out.spill = &spill{store: j.store, label: n.id, max: j.o.Spill}
	}
	j.all = append(j.all, n)
	return nil
}

// run runs the command and settles how it ended.
func (j *Jobs) run(ctx context.Context, n *job) {
	late, stop := outlive(ctx, spillGrace)
	defer stop()
	cmd := n.cmd
	cmd.Stdin, cmd.Stdout, cmd.Stderr = n.in, writer{late, &n.out, Stdout}, writer{late, &n.out, Stderr}
	n.result, n.err = j.exec.Exec(ctx, &cmd)
	if n.err != nil && context.Cause(ctx) == ErrKilled && errors.Is(n.err, context.Canceled) {
		n.err = jobError("exec", n.id, ErrKilled)
	}
	if n.err != nil {
		n.result = hutch.Result{}
	}
	n.cancel(nil)
	n.in.kill()
	j.mu.Lock()
	defer j.mu.Unlock()
	n.out.close() // with mu held: who has read the end finds that the job has ended
	n.ended = time.Now()
	close(n.done)
	j.prune()
}

// prune forgets the jobs that ended first. The caller holds mu.
func (j *Jobs) prune() {
	var over []*job
	for _, o := range j.all {
		if !o.running() {
			over = append(over, o)
		}
	}
	slices.SortStableFunc(over, func(a, b *job) int { return a.ended.Compare(b.ended) })
	over = over[:max(0, len(over)-max(0, j.o.Finished))]
	j.all = slices.DeleteFunc(j.all, func(o *job) bool { return slices.Contains(over, o) })
}

func (n *job) running() bool {
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// find is a job that is still remembered.
func (j *Jobs) find(op, id string) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.all {
		if n.id == id {
			return n, nil
		}
	}
	return nil, jobError(op, id, fs.ErrNotExist)
}

// List is every job that is remembered, in the order of their start.
func (j *Jobs) List() []Status {
	j.mu.Lock()
	all := slices.Clone(j.all)
	j.mu.Unlock()
	list := make([]Status, len(all))
	for i, n := range all {
		list[i] = n.status()
	}
	return list
}

// Status describes one job. One that is not known, or no longer, is
// fs.ErrNotExist here and in all other methods.
func (j *Jobs) Status(id string) (Status, error) {
	n, err := j.find("status", id)
	if err != nil {
		return Status{}, err
	}
	return n.status(), nil
}

func (n *job) status() Status {
	s := Status{ID: n.id, Args: slices.Clone(n.cmd.Args), Dir: n.cmd.Dir, Running: n.running(), Started: n.started}
	if !s.Running {
		s.Result, s.Err, s.Ended = n.result, n.err, n.ended
	}
	n.out.mu.Lock()
	defer n.out.mu.Unlock()
	s.Stdout, s.Stderr, s.Lost, s.LostWhy = n.out.end[Stdout], n.out.end[Stderr], n.out.lost, n.out.why
	for _, f := range n.out.files {
		s.Files = append(s.Files, f.name)
	}
	return s
}

// jobError is err with the id.
func jobError(op, id string, err error) error {
	return &fs.PathError{Op: op, Path: id, Err: err}
}

// narrower takes of each limit the lower one that is set.
func narrower(a, b hutch.Limits) hutch.Limits {
	return hutch.Limits{
		Time: lower(a.Time, b.Time), CPU: lower(a.CPU, b.CPU), Memory: lower(a.Memory, b.Memory),
		Processes: lower(a.Processes, b.Processes), FileSize: lower(a.FileSize, b.FileSize), OpenFiles: lower(a.OpenFiles, b.OpenFiles),
	}
}

func lower[T time.Duration | int64 | int](a, b T) T {
	if a <= 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}
