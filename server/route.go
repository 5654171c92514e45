package server

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
)

// Route is one operation of the service. The table of routes is all there is: it
// drives the choice, the checks, the decoding and the OpenAPI document.
type Route struct {
	// Method and Path are as patterns of [http.ServeMux] have them; Path is below
	// /v1/sessions/{id}, "" or beginning with a slash: "/files/{path...}".
	Method, Path string
	// Name is the operationId, unique in the service. Doc says what the route
	// does; its first sentence is the summary.
	Name, Doc string
	// Query, In and Out are zero values of what is asked for and what is answered;
	// nil where there is none. Query is a struct of fields of type string, int,
	// int64 or bool with a json tag. In is decoded from JSON; a field it does not
	// have, a missing one without omitempty and a value of another type are 400.
	// A []byte as In or Out is a raw body.
	Query, In, Out any
	// Status is that of success: 0 is 200, or 204 where Out is nil.
	Status int
	// Raw leaves the body to Serve, up to Limits.File. In is not decoded then.
	Raw bool
	// Large lets the JSON body have up to Limits.LargeBody.
	Large bool
	// Streams says that the answer is a stream of events to who accepts
	// text/event-stream, see [Call.Events].
	Streams bool
	// Replays makes the route honour Idempotency-Key.
	Replays bool
	// Sleeping does not wake the session: Use, Backend and the room are nil.
	Sleeping bool
	// Service needs a service token.
	Service bool
	// Serve does it. What it returns is answered as JSON; an error as a problem,
	// see [Problem]. nil and nil is an empty answer, unless Serve has answered
	// itself, by Events or W.
	Serve func(c *Call) (any, error)

	top  bool // Path is below /v1, there is no session
	wire bool // counted apart, its body and answer are its own
}

// Call is a request under way. It ends when Serve returns.
type Call struct {
	W http.ResponseWriter
	R *http.Request
	// Ctx ends with the request, with the session and with Close of the service.
	Ctx context.Context
	// ID is that of the session, "" where the route is not below one.
	ID string
	// Info is the session as it was when the request came.
	Info session.Info
	// Use is the use of the session; done by the service after Serve.
	Use *session.Use
	// Backend is that of the session, with everything recorded that is done with it.
	Backend hutch.Backend
	// Who is the name of the service token, or "session".
	Who string
	// In and Query point to what was decoded, of the types in Route.
	In, Query any
	// Status replaces that of the route if it is not 0.
	Status int

	service *Service
	room    *room
	route   *Route
	out     *answer
	events  *EventStream
}

// Draining is closed when the service takes no further requests. Whoever waits for
// something to happen rather than for work to be done stops waiting then.
func (c *Call) Draining() <-chan struct{} { return c.service.drain.draining }

// Hold begins a use of the session of its own, for work that goes on when the call
// has ended; whoever calls it calls Done. Until then [Call.Backend] is good too, as
// long as the service is not closed. Context of the use ends with the session and
// with the manager, not with the call and not with the service. A call that has no
// Use cannot hold: fs.ErrInvalid.
func (c *Call) Hold() (*session.Use, error) {
	if c.Use == nil {
		return nil, fmt.Errorf("server: %w: the call has no use of a session", fs.ErrInvalid)
	}
	u, err := c.service.m.Use(c.Ctx, c.ID)
	return u, managerError(err)
}

// pattern is that of the mux.
func (r *Route) pattern() string { return r.Method + " " + r.path() }

// path is the whole path.
func (r *Route) path() string {
	if r.top {
		return "/v1" + r.Path
	}
	return "/v1/sessions/{id}" + r.Path
}

// status is that of success.
func (r *Route) status() int {
	switch {
	case r.Status != 0:
		return r.Status
	case r.Out == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// tables are all routes of this package.
func tables() []Route {
	return slices.Concat(sessionRoutes(), wireRoutes(), fileRoutes(), execRoutes(), jobRoutes(), eventRoutes())
}
