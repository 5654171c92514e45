package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch"
)

// exchange is a request under way: where its answer comes from.
type exchange struct {
	c      *Client
	op     string
	name   string
	ctx    context.Context // the caller's
	cancel func()          // ends the request and all that watches it
	in     receiver
	body   io.Closer

	beat atomic.Int64 // counts what comes in
	busy atomic.Bool  // the caller is at work on what came in
}

// begin sends a request that is nothing but its head. It returns when the answer
// begins.
func (c *Client) begin(ctx context.Context, r *route, q *request, name string) (*exchange, error) {
	if err := c.ready(ctx, r.op); err != nil {
		return nil, at(err, name)
	}
	head, err := c.prepare(r, q, name)
	if err != nil {
		return nil, err
	}
	var s sender
	b := s.end(s.add(make([]byte, 0, len(head)+64), kindHead, head))
	return c.send(ctx, r, q, name, bytes.NewReader(b), int64(len(b)), nil)
}

func at(err error, name string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return err
}

// send sends a request. Where ctx ends, stopped is called, if it is not nil, and
// the request is given up: at once, or for a settled route after a while.
func (c *Client) send(ctx context.Context, r *route, q *request, name string, body io.Reader, size int64, stopped func()) (*exchange, error) {
	x := &exchange{c: c, op: r.op, name: name, ctx: ctx}
	rctx, end := context.WithCancel(ctx)
	if r.settled {
		rctx, end = context.WithCancel(context.WithoutCancel(ctx))
	}
	unwatch := context.AfterFunc(c.ctx, end)
	x.cancel = func() { unwatch(); end() }
	if r.settled && ctx.Done() != nil {
		x.cancel = x.settle(x.cancel, end, stopped)
	}
	u := c.urls[r.name]
	if u == nil {
		u = c.url(fmt.Sprintf("v%d", Version), r.name)
	}
	req := (&http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: c.header, ContentLength: size, Body: io.NopCloser(body)}).WithContext(rctx)
	if b, ok := body.(io.ReadCloser); ok {
		req.Body = b
	}
	resp, err := c.rt.RoundTrip(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refused(resp)
		x.cancel()
		resp.Body.Close()
		return nil, &fs.PathError{Op: r.op, Path: name, Err: err}
	}
	if err != nil {
		x.cancel()
		return nil, x.fail(err)
	}
	x.body = resp.Body
	x.in = receiver{r: resp.Body, crc: seedOf(q.ID)}
	return x, nil
}

// settle sees to a request whose caller has given up: the far side is told, and
// has a while to answer, longer if it goes on saying something.
func (x *exchange) settle(done, giveUp, stopped func()) func() {
	over, ended := make(chan struct{}), make(chan struct{})
	unwatch := context.AfterFunc(x.ctx, func() {
		defer close(ended)
		if stopped != nil {
			stopped()
		}
		x.patience(over, giveUp)
	})
	return sync.OnceFunc(func() {
		close(over)
		if !unwatch() {
			<-ended
		}
		done()
	})
}

func (x *exchange) patience(over <-chan struct{}, giveUp func()) {
	t := time.NewTicker(x.c.grace)
	defer t.Stop()
	for seen := x.beat.Load(); ; seen = x.beat.Load() {
		select {
		case <-over:
			return
		case <-t.C:
		}
		if seen == x.beat.Load() && !x.busy.Load() {
			giveUp()
			return
		}
	}
}

// fail is the error of an operation that the wire broke off.
func (x *exchange) fail(err error) error {
	if cerr := x.ctx.Err(); cerr != nil && x.c.ctx.Err() == nil {
		return &fs.PathError{Op: x.op, Path: x.name, Err: cerr}
	}
	return x.c.lost(x.op, x.name, err)
}

// end lets go of the request. The far side is told if it is still at work.
func (x *exchange) end() {
	x.cancel()
	x.body.Close()
}

// finished reads to the end of an answer whose end frame was seen, so that the
// stream ends in order, and the far side has let go of everything.
func (x *exchange) finished() error {
	var b [1]byte
	n, err := io.ReadFull(x.in.r, b[:])
	if n > 0 {
		return broken("goes on after its end")
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// result reads an answer that is one result of at most limit bytes or an error,
// and ends the exchange.
func (x *exchange) result(limit int) ([]byte, error) {
	defer x.end()
	kind, p, err := x.in.frame(limit)
	if err != nil {
		return nil, x.fail(err)
	}
	switch kind {
	case kindResult:
		p = bytes.Clone(p)
	case kindFault:
		fault := decodeFault(p)
		if err := x.last(); err != nil {
			return nil, x.fail(err)
		}
		return nil, x.fault(fault)
	default:
		return nil, x.fail(broken("unexpected frame"))
	}
	if err := x.last(); err != nil {
		return nil, x.fail(err)
	}
	return p, nil
}

// last reads the end frame and what is after it.
func (x *exchange) last() error {
	kind, _, err := x.in.frame(maxFrame)
	if err == nil && kind != kindEnd {
		err = broken("unexpected frame")
	}
	if err == nil {
		err = x.finished()
	}
	return err
}

// fault is an error of the far side. Where the caller has given up, that is why.
func (x *exchange) fault(err error) error {
	if cerr := x.ctx.Err(); cerr != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return &fs.PathError{Op: x.op, Path: x.name, Err: cerr}
	}
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		err = &fs.PathError{Op: x.op, Path: x.name, Err: err}
	}
	return err
}

// refused is the error of an answer that is none.
func refused(resp *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	why := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b))
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return fmt.Errorf("%w: the server wants another token", fs.ErrPermission)
	case s >= 300 && s < 400:
		return fmt.Errorf("%w: the server sends elsewhere, which is not followed", errors.ErrUnsupported)
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusHTTPVersionNotSupported:
		return fmt.Errorf("%w: the server answers %d: %s", errors.ErrUnsupported, s, why)
	case s == http.StatusRequestEntityTooLarge || s == http.StatusRequestHeaderFieldsTooLarge:
		return fmt.Errorf("%w: the server answers %d", hutch.ErrTooLarge, s)
	default:
		return fmt.Errorf("the server answers %d: %s", s, why)
	}
}

// neverMade reports whether there was no connection to lose.
func neverMade(err error) bool {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &cert) || errors.As(err, &alert)
}

// reason is what may be said about why a connection was lost: no address, no
// path of a socket.
func reason(err error) string {
	var errno syscall.Errno
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var dns *net.DNSError
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, errBroken):
		return err.Error()
	case errors.As(err, &unknown):
		return unknown.Error()
	case errors.As(err, &host):
		return "the certificate of the server is for another host"
	case errors.As(err, &invalid):
		return invalid.Error()
	case errors.As(err, &verify):
		return "the certificate of the server cannot be verified"
	case errors.As(err, &alert):
		return alert.Error()
	case errors.As(err, &dns):
		return "the host is not known"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return "the far side has gone"
	case err != nil && strings.HasPrefix(err.Error(), "http2: "):
		return err.Error()
	}
	return ""
}
