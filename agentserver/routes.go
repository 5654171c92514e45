package agentserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/keep"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/server"
)

// Routes are for the More of [server.ServiceOptions], of one service.
func (s *Server) Routes() []server.Route {
	return []server.Route{
		{
			Method: "POST", Path: "/runs", Name: "startRun", Status: http.StatusAccepted, Large: true, Replays: true,
			Doc: "Starts a run of the agent. It goes on when the request has ended.",
			In:  startIn{}, Out: runOut{}, Serve: s.start,
		},
		{
			Method: "GET", Path: "/runs", Name: "listRuns",
			Doc: "Lists the runs, the newest first.",
			Out: runsOut{}, Serve: s.list,
		},
		{
			Method: "GET", Path: "/runs/{run}", Name: "getRun",
			Doc: "Describes a run.",
			Out: runOut{}, Serve: func(c *server.Call) (any, error) { return s.withRun(c, (*run).out) },
		},
		{
			Method: "GET", Path: "/runs/{run}/events", Name: "runEvents", Streams: true,
			Doc:   "Answers what has happened in a run. As a stream, what happens, with Last-Event-ID honoured, and at the end of the run an event run with what has become of it; an event lost says how many numbers are gone.",
			Query: eventsQuery{}, Out: eventsOut{}, Serve: s.events,
		},
		{
			Method: "POST", Path: "/runs/{run}/approvals/{question}", Name: "answerRun", Replays: true,
			Doc: "Answers a question of a run. One that was answered, or whose run has ended, is a conflict.",
			In:  answerIn{}, Serve: s.answer,
		},
		{
			Method: "POST", Path: "/runs/{run}/cancel", Name: "cancelRun", Status: http.StatusAccepted, Replays: true,
			Doc: "Cancels a run. It is cancelled some time later. One that has ended is a conflict.",
			Out: runOut{}, Serve: s.cancel,
		},
		{
			Method: "POST", Path: "/runs/{run}/resume", Name: "resumeRun", Status: http.StatusAccepted, Large: true, Replays: true,
			Doc: "Lets a run that has ended go on with its conversation, with a prompt or, if it was cut short, without. One that is under way is a conflict.",
			In:  resumeIn{}, Out: runOut{}, Serve: s.resume,
		},
	}
}

type startIn struct {
	Prompt       string `json:"prompt" jsonschema:"What is to be done."`
	Conversation string `json:"conversation,omitempty" jsonschema:"One to go on with, or the id of a new one: up to 100 letters, digits and . _ -, the first a letter or a digit."`
	Model        string `json:"model,omitempty" jsonschema:"The name of a model. Without it that of the service."`
	limitsIn
}

type resumeIn struct {
	Prompt string `json:"prompt,omitempty" jsonschema:"What is to be done next."`
	limitsIn
}

type limitsIn struct {
	MaxSteps    int     `json:"max_steps,omitempty" jsonschema:"How many requests to models it takes at most, below what the service allows."`
	MaxCost     float64 `json:"max_cost,omitempty" jsonschema:"What it costs at most, below what the service allows."`
	AutoApprove bool    `json:"auto_approve,omitempty" jsonschema:"Answer every question with yes, where the service allows that."`
}

type answerIn struct {
	Scope  string `json:"scope" jsonschema:"once, session (the run), always, or no."`
	Reason string `json:"reason,omitempty" jsonschema:"Why not. The model sees it."`
}

type runOut struct {
	ID           string       `json:"id"`
	Conversation string       `json:"conversation"`
	Model        string       `json:"model,omitempty" jsonschema:"As it was asked for."`
	State        state        `json:"state" jsonschema:"running, waiting, done, failed, cancelled or interrupted."`
	Ending       string       `json:"ending,omitempty" jsonschema:"finished, budget, stuck, refused, cancelled or error."`
	Prompt       string       `json:"prompt" jsonschema:"The beginning of what was to be done."`
	Text         string       `json:"text,omitempty" jsonschema:"What the model has said last, up to 64 KiB."`
	Error        string       `json:"error,omitempty"`
	Created      time.Time    `json:"created"`
	Ended        *time.Time   `json:"ended,omitempty"`
	Usage        llm.Usage    `json:"usage" jsonschema:"Tokens, of all its models."`
	Steps        int          `json:"steps" jsonschema:"Requests to models."`
	Cost         float64      `json:"cost"`
	Pending      []pendingOut `json:"pending" jsonschema:"The questions that wait for an answer."`
}

type pendingOut struct {
	QuestionID string `json:"question_id"`
	Title      string `json:"title"`
	Text       string `json:"text,omitempty" jsonschema:"What there is to know: a command, a change, arguments."`
	Pattern    string `json:"pattern,omitempty" jsonschema:"What session and always would allow, where that is more than this."`
	Tool       string `json:"tool" jsonschema:"The tool whose call it is."`
	Agent      string `json:"agent,omitempty" jsonschema:"The sub-agent whose call it is."`
}

type runsOut struct {
	Runs []runOut `json:"runs"`
	More bool     `json:"more" jsonschema:"There are more, older ones."`
}

const (
	maxModel  = 256
	maxReason = 4 << 10
)

// out describes a run.
func (r *run) out() runOut {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := &r.rec
	return runOut{
		ID: r.id, Conversation: r.conversation, Model: rec.Model, State: rec.State, Ending: rec.Ending,
		Prompt: rec.Prompt, Text: rec.Text, Error: rec.Error, Created: rec.Created, Ended: rec.Ended,
		Usage: rec.Usage, Steps: rec.Steps, Cost: rec.Cost, Pending: r.questions(),
	}
}

// kept are the records of the session of a call.
func (s *Server) kept(c *server.Call) records {
	return records{keep.Quiet(c.Use.Backend()), 6*int64(s.o.MaxPrompt) + recordSlack} // six bytes are the most that a byte takes in JSON
}

func noRun() error { return server.Problem(http.StatusNotFound, "not_found", "there is no such run") }

// find is the run that a call is about: from memory or, ended, from its record.
func (s *Server) find(c *server.Call) (*run, error) {
	id := c.R.PathValue("run")
	if r := s.get(c, id); r != nil {
		return r, nil
	}
	rec, err := s.kept(c).load(c.Ctx, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noRun()
	case unreadable(err):
		return nil, server.Problem(http.StatusUnprocessableEntity, "unreadable", "the record of the run cannot be read")
	case err != nil:
		return nil, err
	}
	rec.Life++ // if it goes on, its events have numbers of their own
	return newRun(rec, s.o.MaxEvents), nil
}

// unreadable reports whether something else lies where a record should be.
func unreadable(err error) bool {
	for _, e := range []error{fs.ErrInvalid, hutch.ErrTooLarge, hutch.ErrIsDir, hutch.ErrNotDir, errors.ErrUnsupported, fs.ErrPermission} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (s *Server) withRun(c *server.Call, f func(*run) runOut) (any, error) {
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	return f(r), nil
}

func (s *Server) cancel(c *server.Call) (any, error) {
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	if !r.halt() {
		return nil, server.Problem(http.StatusConflict, "ended", "the run is not under way")
	}
	return r.out(), nil
}

var scopes = map[string]deepagent.Scope{
	"no": deepagent.No, "once": deepagent.Once, "session": deepagent.Session, "always": deepagent.Always,
}

func (s *Server) answer(c *server.Call) (any, error) {
	in := c.In.(*answerIn)
	scope, ok := scopes[in.Scope]
	if !ok {
		return nil, invalid("scope must be once, session, always or no")
	}
	if len(in.Reason) > maxReason {
		return nil, invalid("a reason has up to %d bytes", maxReason)
	}
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	return nil, r.reply(c.R.PathValue("question"), deepagent.Answer{Scope: scope, Reason: in.Reason})
}

func invalid(format string, args ...any) error {
	return server.Problem(http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...))
}

func (s *Server) list(c *server.Call) (any, error) {
	out := runsOut{Runs: []runOut{}}
	seen := map[string]bool{}
	for _, r := range s.inMemory(c) {
		if r.begun() {
			out.Runs = append(out.Runs, r.out())
		}
		seen[r.id] = true
	}
	if err := s.listKept(c.Ctx, s.kept(c), seen, &out); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Runs, func(a, b runOut) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	if len(out.Runs) > maxRecords {
		out.Runs, out.More = out.Runs[:maxRecords], true
	}
	return out, nil
}

func (s *Server) inMemory(c *server.Call) (all []*run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[c.Info.Serial]; l != nil {
		for _, r := range l.runs {
			all = append(all, r)
		}
	}
	return all
}

// listKept adds what is in records alone. What cannot be read is left out.
func (s *Server) listKept(ctx context.Context, kept records, seen map[string]bool, out *runsOut) error {
	found, err := kept.list(ctx)
	if err != nil {
		return err
	}
	room := int64(maxListed)
	for _, i := range found {
		if seen[idOf(i.Name)] {
			continue
		}
		if room -= min(i.Size, kept.max); room < 0 || len(out.Runs) >= maxRecords {
			out.More = true
			return nil
		}
		rec, err := kept.load(ctx, idOf(i.Name))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			out.Runs = append(out.Runs, newRun(rec, s.o.MaxEvents).out())
		}
	}
	return nil
}
