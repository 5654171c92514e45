package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/session"
)

// handler serves a route.
func (s *Service) handler(r *Route) (http.Handler, error) {
	var in *jsonschema.Resolved
	if r.Serve == nil || r.Name == "" {
		return nil, fmt.Errorf("server: %w: route %s has no name or does nothing", fs.ErrInvalid, r.pattern())
	}
	if r.In != nil && !r.Raw {
		schema, err := schemaOf(r.In)
		if err == nil {
			in, err = schema.Resolve(nil)
		}
		if err != nil {
			return nil, fmt.Errorf("server: route %s: %w", r.Name, err)
		}
	}
	limit := s.o.Limits.Body
	switch {
	case r.Raw:
		limit = s.o.Limits.File
	case r.Large:
		limit = s.o.Limits.LargeBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { s.serve(r, in, limit, w, q) }), nil
}

// serve answers one request.
func (s *Service) serve(route *Route, in *jsonschema.Resolved, limit int64, w http.ResponseWriter, r *http.Request) {
	a, b := s.answer(w, r, limit)
	if route.wire {
		a.p.pause = -1
	}
	ctx, end := s.observe(route, a, r)
	defer end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &Call{W: a, Ctx: ctx, service: s, route: route, out: a}
	r = r.WithContext(ctx)
	if !route.wire {
		r.Body = b
	}
	c.R = r
	err := s.guarded(c, in, cancel)
	if err != nil {
		c.fail(err)
	}
	if c.events != nil {
		c.events.close()
	}
	a.p.write(true) // the rest of the answer is written when this has returned
	if a.p.ended() && !a.closed {
		_ = a.FlushError()
		panic(http.ErrAbortHandler) // the connection goes
	}
}

// guarded runs a call, and makes an error of a panic.
func (s *Service) guarded(c *Call, in *jsonschema.Resolved, cancel func()) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = Problem(http.StatusInternalServerError, "internal", "something went wrong")
		}
	}()
	return s.run(c, in, cancel)
}

// run lets a call in and does it.
func (s *Service) run(c *Call, in *jsonschema.Resolved, cancel func()) error {
	if err := s.admit(c); err != nil {
		return err
	}
	if !s.drain.begin() {
		return &problem{status: http.StatusServiceUnavailable, code: "draining", detail: "the service is ending", retry: lastWords}
	}
	defer s.drain.all.Done()
	defer c.out.p.watch(s.drain.ctx, cancel)()
	leave, refused := s.gate.enter(c.ID, c.route.wire)
	if refused != nil {
		return refused
	}
	defer leave()
	if c.out.body.limit >= 0 && c.R.ContentLength > c.out.body.limit && !c.route.wire {
		return errBig
	}
	if key := c.R.Header["Idempotency-Key"]; c.route.Replays && key != nil {
		return s.once(c, key, func() error { return s.use(c, in, cancel) })
	}
	return s.use(c, in, cancel)
}

// admit finds out who calls and which session is meant.
func (s *Service) admit(c *Call) error {
	who, ok := s.tokens.caller(c.R)
	id := c.R.PathValue("id")
	if !ok || !who.service && (c.route.Service || c.route.top || who.id != id) {
		return s.unauthorized(c.R)
	}
	c.Who = who.name
	c.Ctx = audit.By(c.Ctx, who.name)
	if c.route.top {
		return nil
	}
	i, err := s.m.Get(id)
	if err != nil {
		return managerError(err)
	}
	if !who.service && i.Serial != who.serial {
		return s.unauthorized(c.R) // ended in this moment
	}
	c.ID, c.Info = id, i
	return nil
}

// once does f for the first of the requests with a key.
func (s *Service) once(c *Call, key []string, f func() error) error {
	if len(key) != 1 || len(key[0]) > maxReplayKey || key[0] == "" || !printable(key[0]) {
		return invalid("an Idempotency-Key has 1 to %d characters of printable ASCII", maxReplayKey)
	}
	head := headSum(c.R)
	mine, earlier := s.replays.begin(replayKey{c.Info.Serial, key[0]}, head)
	if earlier != nil {
		return s.again(c, earlier, head)
	}
	keep := false
	defer func() { s.replays.end(mine, keep) }()
	c.out.body.seen = func(b []byte) { mine.sum.Write(b) }
	c.out.keep = mine
	if err := f(); err != nil {
		c.fail(err)
	}
	keep = c.out.body.eof && lasting(c.out.status)
	return nil
}

// lasting reports whether a status is the same the next time.
func lasting(status int) bool {
	switch status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, statusGone:
		return false
	}
	return status < 500
}

// use begins the use of the session, if there is one, and does the call.
func (s *Service) use(c *Call, in *jsonschema.Resolved, cancel func()) error {
	if c.route.top || c.route.Sleeping {
		return c.do(in)
	}
	u, err := s.m.Use(c.Ctx, c.ID)
	if err != nil {
		return managerError(err)
	}
	defer u.Done()
	if u.Info().Serial != c.Info.Serial {
		return fs.ErrNotExist // another session of that ID
	}
	defer c.out.p.watch(u.Context(), cancel)()
	c.Use, c.room = u, s.roomOf(u, c.Info.Serial)
	c.Backend = c.room.backend
	c.room.requests.add(1)
	err = c.do(in)
	if err != nil && u.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return Problem(http.StatusGone, "gone", "the session has ended")
	}
	return err
}

// managerError tells what the manager says from what a workspace says.
func managerError(err error) error {
	if errors.Is(err, hutch.ErrClosed) {
		return Problem(http.StatusServiceUnavailable, "draining", "the service is ending")
	}
	var full *session.FullError
	if errors.As(err, &full) {
		return &problem{status: http.StatusTooManyRequests, code: "too_many", detail: full.Error(), retry: lastWords}
	}
	switch {
	case errors.Is(err, session.ErrStart) && errors.Is(err, errors.ErrUnsupported):
		return Problem(http.StatusUnprocessableEntity, "unsupported", "the runtime cannot have these limits")
	case errors.Is(err, session.ErrStart) || errors.Is(err, session.ErrGone):
	case errors.Is(err, fs.ErrNotExist):
		return Problem(http.StatusNotFound, "not_found", "there is no such session")
	case errors.Is(err, fs.ErrExist):
		return Problem(http.StatusConflict, "exists", "there is a session of that id, or one that is being made or ended")
	}
	return err
}

// do decodes, serves and answers.
func (c *Call) do(in *jsonschema.Resolved) error {
	if err := c.decode(in); err != nil {
		return err
	}
	v, err := c.route.Serve(c)
	if err != nil {
		return err
	}
	if c.out.status != 0 {
		return nil
	}
	return c.write(v)
}

// write answers with v.
func (c *Call) write(v any) error {
	code := orDefault(c.Status, c.route.status())
	if v == nil {
		c.W.WriteHeader(code)
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	c.W.Header().Set("Content-Type", "application/json")
	c.W.Header().Set("Content-Length", strconv.Itoa(len(b)))
	c.W.WriteHeader(code)
	_, _ = c.W.Write(b)
	return nil
}

// fail answers with an error. An answer that has begun is broken off, so that
// nobody takes it for whole.
func (c *Call) fail(err error) {
	p := problemOf(err)
	if why := c.out.body.err; why != nil {
		p = problemOf(why) // of which what failed may have kept the text alone
	}
	if p.status == statusGone && c.service.drain.ctx.Err() != nil {
		p = &problem{status: http.StatusServiceUnavailable, code: "draining", detail: "the service is ending"}
	}
	if c.room != nil && p.status == http.StatusForbidden {
		c.room.refused.add(1)
	}
	switch {
	case c.out.status == 0:
		p.write(c.out)
	case c.events != nil:
		_ = c.events.Send("", "error", json.RawMessage(p.body()))
	default:
		panic(http.ErrAbortHandler)
	}
}
