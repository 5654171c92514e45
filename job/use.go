package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Read returns output from an offset on. A nil o reads both streams from the
// start. An offset beyond the end is fs.ErrInvalid.
func (j *Jobs) Read(ctx context.Context, id string, o *ReadOptions) (Chunk, error) {
	n, err := j.find("read", id)
	if err != nil {
		return Chunk{}, err
	}
	var opts ReadOptions
	if o != nil {
		opts = *o
	}
	c, err := n.out.read(ctx, opts)
	if err != nil {
		return Chunk{}, jobError("read", id, err)
	}
	return c, nil
}

// Write writes to the standard input of a job. It waits while 64 KiB are there
// that the command has not read, until ctx ends, and returns how many bytes were
// taken. A job that has ended is ErrEnded, an input that was closed fs.ErrClosed.
func (j *Jobs) Write(ctx context.Context, id string, data []byte) (int, error) {
	n, err := j.find("write", id)
	if err != nil {
		return 0, err
	}
	k, err := n.in.write(ctx, data)
	if err != nil {
		return k, jobError("write", id, err)
	}
	return k, nil
}

// CloseInput ends the standard input of a job after what was written.
func (j *Jobs) CloseInput(id string) error {
	n, err := j.find("close", id)
	if err != nil {
		return err
	}
	n.in.close()
	return nil
}

// Wait waits until a job has ended, or ctx. How it ended is in the Status; an
// error is that of waiting.
func (j *Jobs) Wait(ctx context.Context, id string) (Status, error) {
	n, err := j.find("wait", id)
	if err != nil {
		return Status{}, err
	}
	return n.wait(ctx, "wait")
}

func (n *job) wait(ctx context.Context, op string) (Status, error) {
	select {
	case <-n.done:
		return n.status(), nil
	default:
	}
	select {
	case <-n.done:
		return n.status(), nil
	case <-ctx.Done():
		return n.status(), jobError(op, n.id, ctx.Err())
	}
}

// Done is a channel that is closed when a job has ended.
func (j *Jobs) Done(id string) (<-chan struct{}, error) {
	n, err := j.find("wait", id)
	if err != nil {
		return nil, err
	}
	return n.done, nil
}

// Kill ends a job with all its processes and waits until they are gone, or ctx
// ends. One that has ended already stays as it is.
func (j *Jobs) Kill(ctx context.Context, id string) (Status, error) {
	n, err := j.find("kill", id)
	if err != nil {
		return Status{}, err
	}
	n.cancel(ErrKilled)
	return n.wait(ctx, "kill")
}

// Close kills all jobs, waits until they are gone, and lets none be started
// any more. What they printed can still be read. It is safe to call it again.
func (j *Jobs) Close() error {
	j.mu.Lock()
	j.closed = true
	var running []*job
	for _, n := range j.all {
		if n.running() {
			running = append(running, n)
		}
	}
	j.mu.Unlock()
	for _, n := range running {
		n.cancel(ErrKilled)
	}
	for _, n := range running {
		<-n.done
	}
	return nil
}

// Signal sends a signal to the process group of the first process of a job, as
// a terminal does: "SIGTERM", "SIGINT", … It returns when the signal is on its way;
// whether the job minds is its own affair. "SIGKILL" is Kill without waiting.
// The others need a [hutch.Signaler]; what it does not have matches
// errors.ErrUnsupported. A job that has ended is ErrEnded.
func (j *Jobs) Signal(ctx context.Context, id, name string) error {
	n, err := j.find("signal", id)
	switch {
	case err != nil:
		return err
	case !n.running():
		return jobError("signal", id, ErrEnded)
	case name == "SIGKILL":
		n.cancel(ErrKilled)
		return nil
	case !slices.Contains(j.sig, name):
		return jobError("signal", id, fmt.Errorf("%w: %s cannot be sent", errors.ErrUnsupported, name))
	}
	select {
	case n.sig <- name:
		return nil
	case <-n.done:
		return jobError("signal", id, ErrEnded)
	case <-ctx.Done():
		return jobError("signal", id, ctx.Err())
	}
}
