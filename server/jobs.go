package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/session"
)

// jobRoutes run commands in the background. But for the start they do not wake the
// session: one that sleeps has no jobs.
func jobRoutes() []Route {
	return []Route{
		{
			Method: "POST", Path: "/jobs", Name: "startJob", Large: true, Replays: true,
			Doc: "Starts a command in the background. It goes on when the client goes, and as long as it does the session neither sleeps nor ends by age; the end of the session kills it. What is wrong with the command is how the job ends. With stdin that is all it reads, else it can be written to.",
			In:  commandIn{}, Out: jobOut{}, Status: http.StatusCreated, Serve: startJob,
		},
		{
			Method: "GET", Path: "/jobs", Name: "listJobs", Sleeping: true,
			Doc: "Lists the jobs that run and the last ones that have ended, since the session last woke, in the order of their start.",
			Out: jobsOut{}, Serve: listJobs,
		},
		{
			Method: "GET", Path: "/jobs/{job}", Name: "getJob", Sleeping: true,
			Doc: "Describes a job.",
			Out: jobOut{}, Serve: ofJob(getJob),
		},
		{
			Method: "GET", Path: "/jobs/{job}/output", Name: "readJob", Sleeping: true, Streams: true,
			Doc:   "Gives what a job has printed, 64 KiB at most. As a stream of events it goes on to the end: stdout and stderr, each a piece with the cursor after it as id, lost, and last end.",
			Query: outputQuery{}, Out: outputOut{}, Serve: ofJob(readJob),
		},
		{
			Method: "POST", Path: "/jobs/{job}/stdin", Name: "writeJob", Sleeping: true, Raw: true,
			Doc:   "Writes the body to the standard input of a job, and waits while the job reads nothing. With close the input ends then.",
			Query: stdinQuery{}, In: []byte(nil), Serve: ofJob(writeJob),
		},
		{
			Method: "POST", Path: "/jobs/{job}/signal", Name: "signalJob", Sleeping: true,
			Doc: "Sends a signal to the process group of a job, as a terminal does.",
			In:  signalIn{}, Serve: ofJob(signalJob),
		},
		{
			Method: "DELETE", Path: "/jobs/{job}", Name: "killJob", Sleeping: true,
			Doc: "Kills a job with all its processes, and waits until they are gone. One that has ended stays as it is.",
			Out: jobOut{}, Serve: ofJob(killJob),
		},
	}
}

// background is the jobs of a room.
type background struct {
	jobs   *job.Jobs
	mark   string // tells their ids from those of other rooms
	noJobs error
	guards sync.WaitGroup // of the uses that they hold
}

func (b *background) open(r *room) {
	mark := make([]byte, 4)
	_, _ = rand.Read(mark) // never fails
	b.mark = "-" + hex.EncodeToString(mark)
	b.jobs, b.noJobs = job.New(r.backend, &job.Options{Keep: r.plain})
}

// close kills the jobs and waits until they are gone.
func (b *background) close() {
	if b.jobs != nil {
		_ = b.jobs.Close() // never fails
	}
	b.guards.Wait()
}

func (b *background) jobsRunning() (n int) {
	if b.jobs == nil {
		return 0
	}
	for _, s := range b.jobs.List() {
		if s.Running {
			n++
		}
	}
	return n
}

type jobOut struct {
	ID          string    `json:"id"`
	Args        []string  `json:"args"`
	Dir         string    `json:"dir,omitempty"`
	Running     bool      `json:"running"`
	Started     time.Time `json:"started"`
	Ended       time.Time `json:"ended,omitzero"`
	ExitCode    *int      `json:"exit_code,omitempty" jsonschema:"Not there where it is not known, see error."`
	Signal      string    `json:"signal,omitempty"`
	TimedOut    bool      `json:"timed_out,omitempty"`
	Error       string    `json:"error,omitempty" jsonschema:"Why there is no exit code; killed is one reason."`
	StdoutBytes int64     `json:"stdout_bytes" jsonschema:"How many were printed."`
	StderrBytes int64     `json:"stderr_bytes"`
	Lost        int64     `json:"lost,omitempty" jsonschema:"How many of all can no longer be read."`
}

type jobsOut struct {
	Jobs []jobOut `json:"jobs"`
}

// jobOf is a job as clients see it.
func (b *background) jobOf(s job.Status) jobOut {
	out := jobOut{
		ID: s.ID + b.mark, Args: s.Args, Dir: s.Dir, Running: s.Running, Started: s.Started.UTC(),
		StdoutBytes: s.Stdout, StderrBytes: s.Stderr, Lost: s.Lost,
	}
	if s.Running {
		return out
	}
	out.Ended = s.Ended.UTC()
	switch {
	case errors.Is(s.Err, job.ErrKilled):
		out.Error = "killed"
	case s.Err != nil:
		out.Error = problemOf(execProblem(s.Err, &hutch.Cmd{Args: s.Args})).detail
	default:
		out.ExitCode, out.Signal, out.TimedOut = &s.Result.ExitCode, s.Result.Signal, s.Result.TimedOut
	}
	return out
}

func startJob(c *Call) (any, error) {
	in := c.In.(*commandIn)
	cmd, err := c.command(in)
	if err != nil {
		return nil, err
	}
	return c.start(cmd, in.Stdin)
}

// maxStdin is how much a job takes before it has read anything.
const maxStdin = 64 << 10

// start starts a job, which holds a use of the session as long as it runs.
func (c *Call) start(cmd *hutch.Cmd, stdin string) (any, error) {
	b := &c.room.background
	switch {
	case b.noJobs != nil:
		return nil, errNoCommands
	case len(stdin) > maxStdin:
		return nil, &problem{status: http.StatusRequestEntityTooLarge, code: "too_large", detail: "a job takes at most 64 KiB of stdin when it starts; write the rest later"}
	}
	u, err := c.service.m.Use(c.Ctx, c.ID)
	if err != nil {
		return nil, managerError(err)
	}
	id, err := b.jobs.Start(c.Ctx, cmd)
	if err != nil {
		u.Done()
		return nil, jobProblem(err)
	}
	done, err := b.jobs.Done(id)
	if err != nil { // it has ended, and is forgotten
		u.Done()
		return nil, jobProblem(err)
	}
	b.guards.Go(func() { b.guard(u, id, done) })
	if stdin != "" {
		_, _ = b.jobs.Write(c.Ctx, id, []byte(stdin)) // there is room; a job that has ended reads nothing
		_ = b.jobs.CloseInput(id)
	}
	s, err := b.jobs.Status(id)
	if err != nil {
		return nil, jobProblem(err)
	}
	out := b.jobOf(s)
	c.Status = http.StatusCreated
	c.W.Header().Set("Location", "/v1/sessions/"+c.ID+"/jobs/"+out.ID)
	return out, nil
}

// guard keeps a use until the job has ended, and kills the job where the use ends.
func (b *background) guard(u *session.Use, id string, done <-chan struct{}) {
	defer u.Done()
	select {
	case <-done:
	case <-u.Context().Done():
		_, _ = b.jobs.Kill(context.WithoutCancel(u.Context()), id)
	}
}

func listJobs(c *Call) (any, error) {
	out := jobsOut{Jobs: []jobOut{}}
	r := c.roomNow()
	if r == nil || r.jobs == nil {
		return out, nil
	}
	for _, s := range r.jobs.List() {
		out.Jobs = append(out.Jobs, r.jobOf(s))
	}
	return out, nil
}

// ofJob is what serves a route of one job.
func ofJob(serve func(c *Call, r *room, id string) (any, error)) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		r := c.roomNow()
		if r == nil || r.jobs == nil {
			return nil, errNoJob
		}
		id, ok := strings.CutSuffix(c.R.PathValue("job"), r.mark)
		if !ok {
			return nil, errNoJob
		}
		v, err := serve(c, r, id)
		return v, jobProblem(err)
	}
}

var errNoJob = &problem{status: http.StatusNotFound, code: "not_found", detail: "there is no such job, or none any more"}

// jobProblem tells the errors of jobs.
func jobProblem(err error) error {
	switch {
	case errors.Is(err, job.ErrTooMany):
		return tooMany("jobs of a session at a time", job.DefaultRunning, time.Second)
	case errors.Is(err, job.ErrEnded):
		return Problem(http.StatusConflict, "ended", "the job has ended")
	case errors.Is(err, fs.ErrClosed):
		return Problem(http.StatusConflict, "closed", "the standard input of the job was closed")
	case errors.Is(err, fs.ErrNotExist):
		return errNoJob
	}
	return err
}

func getJob(_ *Call, r *room, id string) (any, error) {
	s, err := r.jobs.Status(id)
	if err != nil {
		return nil, err
	}
	return r.jobOf(s), nil
}

func killJob(c *Call, r *room, id string) (any, error) {
	s, err := r.jobs.Kill(c.Ctx, id)
	if err != nil {
		return nil, err
	}
	return r.jobOf(s), nil
}
