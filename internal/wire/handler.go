package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// HandlerOptions qualifies NewHandler. The zero value is good.
type HandlerOptions struct {
	// Root is told as [hutch.Rooted] to clients; "" asks the backend.
	Root string
	// Extra are further routes by their names, see [Answer]. They are below the
	// path of the version and must not have the name of an operation.
	Extra map[string]http.Handler
}

// NewHandler serves b to any number of clients. It asks for no token: whoever
// can reach it can do what b can. Requests other than HTTP/2 are refused, since
// input and output of a command go both ways at once.
func NewHandler(b hutch.Backend, o *HandlerOptions) http.Handler {
	h := &handler{b: b, signals: signalsOf(b)}
	if l, ok := hutch.As[hutch.Linker](b); ok {
		h.links = l
	}
	if o != nil {
		h.root = o.Root
		h.extra = make(map[string]http.Handler, len(o.Extra))
		for name, x := range o.Extra {
			h.extra[name] = x
		}
	}
	return h
}

type handler struct {
	b     hutch.Backend
	links hutch.Linker // nil: it has none
	root  string
	extra map[string]http.Handler

	signals []string // that commands can be sent
}

// ServeHTTP finds the route of a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, extra, status, why := h.find(r)
	switch {
	case status != 0:
		refuse(w, status, why)
	case extra != nil:
		extra.ServeHTTP(w, r)
	default:
		h.serve(w, r, route)
	}
}

// find is what serves a request, or the status and the reason to refuse it with.
func (h *handler) find(r *http.Request) (found *route, extra http.Handler, status int, why string) {
	path, below := strings.CutPrefix(r.URL.Path, Base)
	version, name, versioned := strings.Cut(path, "/")
	switch {
	case !below:
		return nil, nil, http.StatusNotFound, "nothing is served here but " + Base
	case r.ProtoMajor < 2:
		return nil, nil, http.StatusHTTPVersionNotSupported, "this needs HTTP/2"
	case r.Method != http.MethodPost:
		return nil, nil, http.StatusMethodNotAllowed, "this needs POST"
	case path == helloRoute.name:
		return helloRoute, nil, 0, ""
	case !versioned || version != "v"+strconv.Itoa(Version):
		return nil, nil, http.StatusNotFound, fmt.Sprintf("version %q is not spoken here; version %d is", version, Version)
	}
	if i := slices.IndexFunc(routes, func(r *route) bool { return r.name == name }); i >= 0 {
		return routes[i], nil, 0, ""
	}
	if extra = h.extra[name]; extra != nil {
		return nil, extra, 0, ""
	}
	return nil, nil, http.StatusNotFound, fmt.Sprintf("there is no operation %q", name)
}

// refuse answers a request that is none with a status and a text.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintln(w, why)
}

// call is a request under way.
type call struct {
	h   *handler
	b   hutch.Backend // of the handler, or its Unlinked
	ctx context.Context
	r   *http.Request
	in  receiver
	out *outlet
	request
}

// How long output may gather. Somebody may be watching what a command prints.
const (
	itemDelay = time.Millisecond
	execDelay = 200 * time.Microsecond
)

func (h *handler) serve(w http.ResponseWriter, r *http.Request, route *route) {
	c := &call{h: h, b: h.b, ctx: r.Context(), r: r, in: receiver{r: r.Body}}
	if c.begins(w, route.name, route.maxHead) {
		c.answer(w, route)
	}
}

// begins reads the head, and refuses a request that has none.
func (c *call) begins(w http.ResponseWriter, op string, limit int) bool {
	err := c.read(op, limit)
	switch {
	case err == nil:
		return true
	case c.ctx.Err() != nil:
		panic(http.ErrAbortHandler)
	case errors.Is(err, errBroken):
		refuse(w, http.StatusBadRequest, "the request cannot be read: "+err.Error())
	default:
		refuse(w, http.StatusBadRequest, "the request cannot be read")
	}
	return false
}

// answer serves a request whose head was read.
func (c *call) answer(w http.ResponseWriter, route *route) {
	w.Header()["Content-Type"] = frames
	w.Header()["Date"] = nil
	delay := itemDelay
	if route == execRoute {
		delay = execDelay
	}
	c.out = newOutlet(w, seedOf(c.ID), delay)
	defer c.out.abandon() // after a panic; else it was finished
	err := c.check(route.op)
	if err == nil && route.unlinked {
		err = c.unlink(route.op)
	}
	if err == nil {
		err = route.serve(c)
	}
	if err != nil && c.ctx.Err() != nil {
		// The client has gone, or the server ends: no answer of the backend.
		panic(http.ErrAbortHandler)
	}
	c.out.finish(err)
}

var frames = []string{"application/vnd.hutch.frames"}

// read reads the head.
func (c *call) read(op string, limit int) error {
	kind, payload, err := c.in.frame(limit)
	switch {
	case err != nil:
		return err
	case kind != kindHead:
		return broken("does not begin with its head")
	}
	if err := json.Unmarshal(payload, &c.request); err != nil {
		return broken("the head is no JSON of a request")
	}
	if c.Op != op {
		return broken("the head is that of %q, the route is %q", c.Op, op)
	}
	return nil
}

// check refuses names that are none before anything is done.
func (c *call) check(op string) error {
	for _, name := range []string{c.Name, c.To} {
		if name == "" {
			continue // what has no default for "" refuses it
		}
		if err := hutch.CheckName(op, name); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

// whole reads on to the end of a request that is nothing but its head.
func (c *call) whole() error {
	kind, _, err := c.in.frame(maxFrame)
	if err == nil && kind != kindEnd {
		err = broken("unexpected frame")
	}
	return err
}

func (c *call) hello() error {
	if err := c.whole(); err != nil {
		return err
	}
	var in hello
	if err := json.Unmarshal(c.In, &in); err != nil {
		return broken("no hello")
	}
	if !slices.Contains(in.Versions, Version) {
		return fmt.Errorf("%w: the client speaks versions %v of the protocol, this side speaks %d", errVersion, in.Versions, Version)
	}
	out := welcome{Version: Version, Root: c.h.rootOf(), Powers: []string{}, Limits: caps{
		Head: maxHead, ExecHead: maxExecHead, Frame: maxFrame, Stdin: stdinWindow, Requests: maxStreams}}
	if _, ok := hutch.As[hutch.Execer](c.h.b); ok {
		out.Powers, out.Signals = append(out.Powers, powerExec), c.h.signals
	}
	if _, ok := hutch.As[hutch.Renamer](c.h.b); ok {
		out.Powers = append(out.Powers, powerRename)
	}
	if c.h.links != nil {
		out.Powers = append(out.Powers, powerLinks)
	}
	return c.result(out)
}

// unable is the error of a power that the backend does not have.
func unable(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: errors.ErrUnsupported}
}

func (h *handler) rootOf() string {
	if h.root != "" {
		return h.root
	}
	if r, ok := hutch.As[hutch.Rooted](h.b); ok {
		return r.Root()
	}
	return ""
}

func (c *call) result(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.out.put(kindResult, b)
}

// Answer makes an extra route of a function: what [Client.Call] sends comes in as
// JSON, what f returns goes back as JSON, an error as an error.
func Answer[In, Out any](f func(ctx context.Context, in In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{ctx: r.Context(), r: r, in: receiver{r: r.Body}}
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if !c.begins(w, name, maxExecHead) {
			return
		}
		c.answer(w, &route{op: name, serve: func(c *call) error {
			if err := c.whole(); err != nil {
				return err
			}
			var in In
			if err := json.Unmarshal(c.In, &in); err != nil {
				return &fs.PathError{Op: name, Path: ".", Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
			}
			out, err := f(c.ctx, in)
			if err != nil {
				return err
			}
			return c.result(out)
		}})
	})
}
