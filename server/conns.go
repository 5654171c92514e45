package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// conns bounds how many connections there are.
type conns struct {
	most int           // less than 0: any number
	wake chan struct{} // something has changed for who waits

	mu   sync.Mutex
	n    int
	idle list.List // of net.Conn, the longest idle first
	at   map[net.Conn]*list.Element
}

func newConns(most int) *conns {
	return &conns{most: most, wake: make(chan struct{}, 1), at: map[net.Conn]*list.Element{}}
}

// changed is for http.Server. A connection that has said nothing yet is idle too.
func (c *conns) changed(n net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.at[n]; e != nil {
		c.idle.Remove(e)
		delete(c.at, n)
	}
	if state == http.StateNew || state == http.StateIdle {
		c.at[n] = c.idle.PushBack(n)
		c.signal()
	}
}

func (c *conns) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// enter counts one more, as soon as there is room, and closes the one that is idle
// longest where there is none. It reports false when shut is closed before.
func (c *conns) enter(shut <-chan struct{}) bool {
	for {
		room, oldest := c.try()
		switch {
		case room:
			c.signal() // others may wait too
			return true
		case oldest != nil:
			if t, ok := oldest.(*tls.Conn); ok {
				oldest = t.NetConn() // the other one takes its leave, which may take long
			}
			_ = oldest.Close()
			continue
		}
		select {
		case <-c.wake:
		case <-shut:
			return false
		}
	}
}

// try counts one more if there is room, or is the connection to close.
func (c *conns) try() (room bool, oldest net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !over(c.n, c.most) {
		c.n++
		return true, nil
	}
	e := c.idle.Front()
	if e == nil {
		return false, nil
	}
	oldest = c.idle.Remove(e).(net.Conn)
	delete(c.at, oldest)
	return false, oldest
}

func (c *conns) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	c.signal()
}

// Listener bounds the connections of l by Limits.Connections, together with those
// of all other listeners of s. Where there are so many, the one of
// [Service.NewServer] that is idle longest is closed; where none is, the next one
// is not served until one is, or ends.
func (s *Service) Listener(l net.Listener) net.Listener {
	return &bounded{Listener: l, c: s.conns, shut: make(chan struct{})}
}

type bounded struct {
	net.Listener
	c    *conns
	once sync.Once
	shut chan struct{}
}

// Accept implements [net.Listener].
func (b *bounded) Accept() (net.Conn, error) {
	n, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !b.c.enter(b.shut) {
		_ = n.Close()
		return nil, net.ErrClosed
	}
	return &counted{Conn: n, c: b.c}, nil
}

// Close implements [net.Listener].
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.shut) })
	return b.Listener.Close()
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	c    *conns
	once sync.Once
}

// Close implements [net.Conn].
func (n *counted) Close() error {
	defer n.once.Do(n.c.leave)
	return n.Conn.Close()
}
