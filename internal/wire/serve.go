package wire

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// How a far side that hangs is found: after quiet without a frame it is asked,
// and has patience to answer. stuck is how long a write may make no progress.
// Variables for the tests.
var (
	quiet    = 15 * time.Second
	patience = 15 * time.Second
	stuck    = 30 * time.Second
)

// ServerConfig is HTTP/2 as servers of the wire need it. One connection holds
// at most about a megabyte for each request under way, and nothing while idle.
func ServerConfig() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReadFrameSize:              maxFrame + 64,
		MaxReceiveBufferPerConnection: 4<<20 - 1,
		MaxReceiveBufferPerStream:     1 << 20,
		SendPingTimeout:               quiet,
		PingTimeout:                   patience,
		WriteByteTimeout:              stuck,
	}
}

// ClientConfig is HTTP/2 as clients of the wire need it. The window of the
// connection is left to net/http, which has it so large that answers nobody
// reads do not hold up others.
func ClientConfig() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxReadFrameSize:          1 << 20,
		MaxReceiveBufferPerStream: 2 << 20,
		SendPingTimeout:           quiet,
		PingTimeout:               patience,
		WriteByteTimeout:          stuck,
	}
}

// NewServer is an http.Server for h as the wire needs it: HTTP/2 with and
// without TLS, and HTTP/1.1 only so that h can refuse it. It logs nothing.
func NewServer(h http.Handler) *http.Server {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, Protocols: &p, HTTP2: ServerConfig(), ErrorLog: log.New(io.Discard, "", 0),
		MaxHeaderBytes: 16 << 10, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 0,
	}
}

var errNotHTTP2 = errors.New("the other side does not speak HTTP/2")

// ServeConn serves h on one connection, with HTTP/2, until the connection ends or
// ctx does, and closes it. The end of the connection is no error. When it
// returns, all requests under way were cancelled and have returned.
func ServeConn(ctx context.Context, c net.Conn, h http.Handler) error {
	s := &single{conn: c, h: h, over: make(chan struct{}), closed: make(chan struct{})}
	srv := NewServer(s)
	srv.ReadHeaderTimeout = 0 // whoever holds the other end may take its time
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetUnencryptedHTTP2(true)
	spoke := make(chan struct{})
	var once sync.Once
	srv.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateActive:
			once.Do(func() { close(spoke) })
		case http.StateClosed, http.StateHijacked:
			s.end()
		}
	}
	stop := context.AfterFunc(ctx, func() {
		srv.Close()
		c.Close() // in case it was not taken in yet
		s.end()
	})
	defer stop()
	_ = srv.Serve(s)
	srv.Close()
	c.Close()
	s.wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-spoke:
		return nil
	default:
		return errNotHTTP2
	}
}

// single is the listener for one connection, and counts its requests.
type single struct {
	conn   net.Conn
	h      http.Handler
	given  bool
	over   chan struct{} // closed when the connection has ended
	ending sync.Once
	closed chan struct{}
	shut   sync.Once

	mu   sync.Mutex
	gone bool
	all  sync.WaitGroup
}

func (s *single) end() { s.ending.Do(func() { close(s.over) }) }

// Accept gives the connection once, and an error when it has ended.
func (s *single) Accept() (net.Conn, error) {
	if !s.given {
		s.given = true
		return s.conn, nil
	}
	select {
	case <-s.over:
	case <-s.closed:
	}
	return nil, io.EOF
}

func (s *single) Close() error   { s.shut.Do(func() { close(s.closed) }); return nil }
func (s *single) Addr() net.Addr { return streamAddr{} }

func (s *single) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.all.Add(1)
	s.mu.Unlock()
	defer s.all.Done()
	s.h.ServeHTTP(w, r)
}

// wait lets no request begin any more, and waits for those that have.
func (s *single) wait() {
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	s.all.Wait()
}

// streamAddr is the address of a stream that has none.
type streamAddr struct{}

func (streamAddr) Network() string { return "stream" }
func (streamAddr) String() string  { return "stream" }

// StreamConn makes a connection of a stream without deadlines and addresses.
func StreamConn(s io.ReadWriteCloser) net.Conn {
	if c, ok := s.(net.Conn); ok {
		return c
	}
	return streamConn{s}
}

type streamConn struct{ io.ReadWriteCloser }

func (streamConn) LocalAddr() net.Addr              { return streamAddr{} }
func (streamConn) RemoteAddr() net.Addr             { return streamAddr{} }
func (streamConn) SetDeadline(time.Time) error      { return nil }
func (streamConn) SetReadDeadline(time.Time) error  { return nil }
func (streamConn) SetWriteDeadline(time.Time) error { return nil }
