package wire

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"sync"
)

// clientConn is a connection that tells when it has ended.
type clientConn struct {
	net.Conn
	lost chan struct{}
	once sync.Once
	shut sync.Once
	err  error
}

func (c *clientConn) gone() { c.once.Do(func() { close(c.lost) }) }

func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.gone()
	}
	return n, err
}

func (c *clientConn) Close() error {
	c.shut.Do(func() { c.err = c.Conn.Close(); c.gone() })
	return c.err
}

var errOneConn = errors.New("there is only one connection")

// DialConn makes a client that speaks HTTP/2 on one connection, without TLS, and
// says hello. The connection is then the client's, and closed also where DialConn
// fails; it is never dialled again.
func DialConn(ctx context.Context, c net.Conn) (*Client, error) {
	conn := &clientConn{Conn: c, lost: make(chan struct{})}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	given := false
	t := &http.Transport{
		Protocols: &p, HTTP2: ClientConfig(), DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			if given {
				return nil, errOneConn
			}
			given = true
			return conn, nil
		},
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // writing the first bytes may block
	defer stop()
	cc, err := t.NewClientConn(ctx, "http", "hutch:80")
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, &fs.PathError{Op: "dial", Path: ".", Err: ctx.Err()}
		}
		return nil, (&Client{ctx: context.Background()}).lost("dial", ".", err)
	}
	client, err := NewClient(ctx, cc, "http://hutch", nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	client.conn = conn
	return client, nil
}

// Lost is closed when the connection given to [DialConn] has ended, also by
// Close. For other clients it is nil.
func (c *Client) Lost() <-chan struct{} {
	if c.conn == nil {
		return nil
	}
	return c.conn.lost
}
