package agentserver

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/tool"
)

// start makes a run.
func (s *Server) start(c *server.Call) (any, error) {
	in := c.In.(*startIn)
	if strings.TrimSpace(in.Prompt) == "" {
		return nil, invalid("the prompt is empty")
	}
	rec := &record{
		Version: recordVersion, ID: newID("r-"), Conversation: in.Conversation, Model: in.Model,
		Created: time.Now().UTC(),
	}
	fresh := in.Conversation == ""
	if fresh {
		rec.Conversation = newID("c-")
	}
	r := newRun(rec, s.o.MaxEvents)
	next := *rec
	next.MaxSteps, next.MaxCost = in.MaxSteps, in.MaxCost
	return s.begin(c, r, &wish{next, in.Prompt, in.limitsIn, fresh})
}

// resume lets a run go on. What its record says of limits holds where the request says
// nothing, if it is less than what the service allows.
func (s *Server) resume(c *server.Call) (any, error) {
	in := c.In.(*resumeIn)
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	next := r.rec
	r.mu.Unlock()
	if !next.State.over() {
		return nil, server.Problem(http.StatusConflict, "busy", "the run is under way")
	}
	if in.MaxSteps == 0 {
		in.MaxSteps = min(next.MaxSteps, s.o.Agent.MaxSteps)
	}
	if in.MaxCost == 0 {
		in.MaxCost = next.MaxCost
		if most := s.o.Agent.MaxCost; most > 0 {
			in.MaxCost = min(in.MaxCost, most)
		}
	}
	next.MaxSteps, next.MaxCost = in.MaxSteps, in.MaxCost
	return s.begin(c, r, &wish{next, in.Prompt, in.limitsIn, false})
}

// wish is how a run is to begin or to go on.
type wish struct {
	rec    record // what the run becomes
	prompt string
	limits limitsIn
	fresh  bool // its conversation is a new one
}

// begin lets r begin, or go on.
func (s *Server) begin(c *server.Call, r *run, w *wish) (any, error) {
	if err := s.check(w); err != nil {
		return nil, err
	}
	model, err := s.model(c.Ctx, w.rec.Model)
	if err != nil {
		return nil, err
	}
	agent, err := s.agent(c, model, w.limits)
	if err != nil {
		return nil, err
	}
	if err := s.admit(c, r); err != nil {
		return nil, err
	}
	launched := false
	defer func() { // also of a Wrap that panics
		if !launched {
			s.release(r, nil)
		}
	}()
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	g, err := s.prepare(ctx, c, r, w)
	if err != nil {
		return nil, err
	}
	g.agent, launched = agent, true
	s.launch(c, r, g, w)
	return r.out(), nil
}

// check looks at what a request asks for.
func (s *Server) check(w *wish) error {
	most := s.o.Agent
	switch {
	case len(w.prompt) > s.o.MaxPrompt:
		return server.Problem(http.StatusRequestEntityTooLarge, "too_large", "the prompt is too large: write it into a file of the workspace")
	case len(w.rec.Model) > maxModel:
		return invalid("the name of the model is too long")
	case w.limits.MaxSteps < 0 || w.limits.MaxSteps > most.MaxSteps:
		return invalid("max_steps must be 1 to %d", most.MaxSteps)
	case w.limits.MaxCost < 0 || most.MaxCost > 0 && w.limits.MaxCost > most.MaxCost:
		return invalid("max_cost must be above 0 and no more than the service allows")
	case w.limits.AutoApprove && !s.o.AutoApprove:
		return server.Problem(http.StatusForbidden, "denied", "this service lets no run go on without approval")
	}
	return nil
}

// model opens a model.
func (s *Server) model(ctx context.Context, name string) (llm.Model, error) {
	m, err := s.o.Model(ctx, name)
	switch {
	case err == nil && m != nil:
		return m, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, llm.ErrUnknown):
		return nil, invalid("there is no model of that name")
	}
	return nil, server.Problem(http.StatusBadGateway, "model_failed", "the model could not be opened")
}

// agent makes the agent of one run.
func (s *Server) agent(c *server.Call, m llm.Model, l limitsIn) (*deepagent.Agent, error) {
	o := *s.o.Agent
	if s.o.Price != nil {
		if p := s.o.Price(m.Name()); p != nil {
			o.Price = p
		}
	}
	if l.MaxSteps > 0 {
		o.MaxSteps = l.MaxSteps
	}
	if l.MaxCost > 0 {
		o.MaxCost = l.MaxCost
	}
	if o.MaxCost > 0 && o.Price == nil {
		return nil, server.Problem(http.StatusUnprocessableEntity, "unsupported", "what this model costs is not known, so its cost cannot be bounded")
	}
	var console tool.Options
	if o.Console != nil {
		console = *o.Console
	}
	if console.Keep == nil {
		console.Keep = c.Backend // beside what Wrap makes of it
	}
	o.Console = &console
	return deepagent.New(m, &o)
}

// prepare gets all that a run needs, and writes its record.
func (s *Server) prepare(ctx context.Context, c *server.Call, r *run, w *wish) (g *going, err error) {
	kept := s.kept(c)
	store := deepagent.Files(kept.b, deepagent.DefaultConversations)
	if err := s.choosePrompt(ctx, store, w); err != nil {
		return nil, err
	}
	b := c.Backend
	if s.o.Wrap != nil {
		if b, err = s.o.Wrap(ctx, c.Info, b); err != nil {
			return nil, err
		}
	}
	if err := kept.ready(ctx, func(id string) bool { return id == r.id || s.get(c, id) != nil }); err != nil {
		return nil, err
	}
	use, err := c.Hold()
	if err != nil {
		return nil, err
	}
	if err := kept.save(ctx, &w.rec); err != nil {
		use.Done()
		return nil, err
	}
	deps := &deepagent.Deps{Backend: b, Store: &saying{store, r}, Conversation: r.conversation}
	deps.Approve = func(ctx context.Context, _ deepagent.Question) (deepagent.Answer, error) {
		return r.approve(ctx, kept)
	}
	return &going{use: use, kept: kept, deps: deps, prompt: w.prompt, before: w.rec}, nil
}

// launch lets a run work that is prepared.
func (s *Server) launch(c *server.Call, r *run, g *going, w *wish) {
	ctx, cancel := context.WithCancelCause(audit.By(g.use.Context(), c.Who+"/"+r.id))
	unhear := context.AfterFunc(s.ctx, func() { cancel(errShut) })
	r.mu.Lock()
	r.rec, r.cancel, r.auto = w.rec, cancel, w.limits.AutoApprove
	r.tell()
	r.mu.Unlock()
	go func() {
		defer cancel(nil)
		defer unhear()
		r.work(ctx, s, g)
	}()
}
