package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Client is a backend that is served somewhere else. It has the speeds
// [hutch.Walker], [hutch.Scanner], [hutch.Grepper] and [hutch.Globber], each one
// request, and [hutch.Renamer] and the powers [hutch.Execer], [hutch.Signaler],
// [hutch.Rooted] and [hutch.Linker] where the far side has them.
//
// What comes back is not believed blindly: names must be names and lie where
// they were asked for, numbers must make sense, and no answer makes the client
// allocate much more than it reads.
//
// An operation is never repeated. Where its context ends, [Client.Write], Remove,
// Rename and Exec wait up to five seconds for the far side to say how it ended, so
// that what has been canceled cannot happen later.
type Client struct {
	files // the operations

	rt     http.RoundTripper
	base   *url.URL
	header http.Header
	urls   map[string]*url.URL

	root   string
	powers []string
	sigs   []string // that commands can be sent
	grace  time.Duration

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	conn   *clientConn // nil where rt finds connections itself
	close  sync.Once
	closed error
}

var errVersion = fmt.Errorf("%w: no version of the protocol in common", errors.ErrUnsupported)

// NewClient makes a client of what rt finds at base, the URL of the server
// without the path [Base], and says hello to it. header, which may be nil, goes
// with every request and must not be changed any more.
func NewClient(ctx context.Context, rt http.RoundTripper, base string, header http.Header) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, &fs.PathError{Op: "dial", Path: ".", Err: fmt.Errorf("%w: no URL of a server", fs.ErrInvalid)}
	}
	c := &Client{rt: rt, base: u, header: header.Clone(), urls: map[string]*url.URL{}, grace: grace}
	c.files = files{c: c}
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header["Content-Type"] = frames
	c.header["User-Agent"] = nil
	for _, r := range routes {
		c.urls[r.name] = c.url("v"+strconv.Itoa(Version), r.name)
	}
	c.urls[helloRoute.name] = c.url(helloRoute.name)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.hello(ctx); err != nil {
		c.cancel()
		return nil, err
	}
	return c, nil
}

func (c *Client) url(parts ...string) *url.URL {
	u := *c.base
	u.Path = path.Join(append([]string{"/", u.Path, Base}, parts...)...)
	return &u
}

func (c *Client) hello(ctx context.Context) error {
	in, err := json.Marshal(hello{Versions: []int{Version}})
	if err != nil {
		return err
	}
	out, err := c.ask(ctx, helloRoute, &request{In: in}, ".")
	if err != nil {
		return err
	}
	var w welcome
	if err := json.Unmarshal(out, &w); err != nil {
		return c.lost("hello", ".", broken("no answer to hello"))
	}
	if w.Version != Version {
		return &fs.PathError{Op: "hello", Path: ".", Err: fmt.Errorf("%w: the far side wants version %d, this side speaks %d", errVersion, w.Version, Version)}
	}
	if w.Root != "" && (!path.IsAbs(w.Root) || path.Clean(w.Root) != w.Root) {
		return &fs.PathError{Op: "hello", Path: ".", Err: fmt.Errorf("%w: the far side has an impossible root", fs.ErrInvalid)}
	}
	if !possible(w.Signals) {
		return &fs.PathError{Op: "hello", Path: ".", Err: fmt.Errorf("%w: the far side has impossible signals", fs.ErrInvalid)}
	}
	c.root, c.powers, c.sigs = w.Root, w.Powers, w.Signals
	return nil
}

// As offers the speeds, and the powers that the far side has.
func (c *Client) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Walker:
		*t = c
	case *hutch.Scanner:
		*t = c
	case *hutch.Grepper:
		*t = c
	case *hutch.Globber:
		*t = c
	case *hutch.Renamer:
		if !c.has(powerRename) {
			return false
		}
		*t = c
	case *hutch.Linker:
		if !c.has(powerLinks) {
			return false
		}
		*t = c
	case *hutch.Execer:
		if !c.has(powerExec) {
			return false
		}
		*t = c
	case *hutch.Signaler:
		if !c.has(powerExec) || len(c.sigs) == 0 {
			return false
		}
		*t = c
	case *hutch.Rooted:
		if c.root == "" {
			return false
		}
		*t = c
	default:
		return false
	}
	return true
}

func (c *Client) has(power string) bool { return slices.Contains(c.powers, power) }

// Signals implements [hutch.Signaler].
func (c *Client) Signals() []string { return slices.Clone(c.sigs) }

// Root implements [hutch.Rooted].
func (c *Client) Root() string { return c.root }

// Close ends the client: operations under way end at once, later ones are
// [hutch.ErrClosed]. A connection that was given to [DialConn] is closed too.
func (c *Client) Close() error {
	c.close.Do(func() {
		c.cancel()
		if c.conn != nil {
			c.closed = c.conn.Close()
		}
		if t, ok := c.rt.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	})
	return c.closed
}

// Call uses an extra route of the server, see [Answer]: in and out are JSON.
func (c *Client) Call(ctx context.Context, name string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return &fs.PathError{Op: name, Path: ".", Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
	}
	answer, err := c.ask(ctx, &route{name: name, op: name, maxHead: maxExecHead}, &request{In: b}, ".")
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return c.lost(name, ".", broken("the answer is not what was expected"))
	}
	return nil
}

// ask makes a request that is nothing but its head, and returns its result.
func (c *Client) ask(ctx context.Context, r *route, q *request, name string) ([]byte, error) {
	x, err := c.begin(ctx, r, q, name)
	if err != nil {
		return nil, err
	}
	return x.result(maxExecHead)
}

// prepare fills in a head and encodes it.
func (c *Client) prepare(r *route, q *request, name string) ([]byte, error) {
	q.Op, q.ID = r.name, rand.Uint64()>>11 // as much as a JSON number holds everywhere
	head, err := json.Marshal(q)
	if err != nil {
		return nil, &fs.PathError{Op: r.op, Path: name, Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
	}
	if len(head) > r.maxHead {
		return nil, &fs.PathError{Op: r.op, Path: name, Err: fmt.Errorf("%w: a request of %d bytes, at most %d", hutch.ErrTooLarge, len(head), r.maxHead)}
	}
	return head, nil
}

// ready is asked before anything else is done.
func (c *Client) ready(ctx context.Context, op string, names ...string) error {
	for _, name := range names {
		if err := hutch.CheckName(op, name); err != nil {
			return err
		}
	}
	name := "."
	if len(names) > 0 {
		name = names[0]
	}
	if c.ctx.Err() != nil {
		return &fs.PathError{Op: op, Path: name, Err: hutch.ErrClosed}
	}
	if err := ctx.Err(); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// lost is the error of an operation whose end is not known.
func (c *Client) lost(op, name string, err error) error {
	if c.ctx.Err() != nil {
		return &fs.PathError{Op: op, Path: name, Err: hutch.ErrClosed}
	}
	text := ErrLost.Error()
	if neverMade(err) {
		text = "no connection"
	}
	if why := reason(err); why != "" {
		text += ": " + why
	}
	return &fs.PathError{Op: op, Path: name, Err: &lostError{text}}
}

// lostError is ErrLost with a reason in its text.
type lostError struct{ text string }

func (e *lostError) Error() string   { return e.text }
func (e *lostError) Is(t error) bool { return t == ErrLost }
