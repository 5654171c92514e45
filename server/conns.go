package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// conns bounds how many connections there are.
type conns struct {
	most int
	room chan struct{} // one for each connection that there is

	mu   sync.Mutex
	idle list.List // of net.Conn, the longest idle first
	at   map[net.Conn]*list.Element
}

func newConns(most int) *conns {
	c := &conns{most: most, at: map[net.Conn]*list.Element{}}
	if most >= 0 {
		c.room = make(chan struct{}, most)
	}
	return c
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
	}
}

// makeRoom closes the connection that is idle longest.
func (c *conns) makeRoom() {
	c.mu.Lock()
	e := c.idle.Front()
	if e == nil {
		c.mu.Unlock()
		return
	}
	n := c.idle.Remove(e).(net.Conn)
	delete(c.at, n)
	c.mu.Unlock()
	_ = n.Close()
}

// Listener bounds the connections of l by Limits.Connections, together with all
// other listeners of s. Where there are so many, the one of [Service.NewServer]
// that is idle longest is closed, and where none is the next one waits.
func (s *Service) Listener(l net.Listener) net.Listener {
	if s.conns.room == nil {
		return l
	}
	return &bounded{Listener: l, c: s.conns, shut: make(chan struct{})}
}

type bounded struct {
	net.Listener
	c    *conns
	once sync.Once
	shut chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.c.room <- struct{}{}:
	default:
		b.c.makeRoom()
		select {
		case b.c.room <- struct{}{}:
		case <-b.shut:
			return nil, net.ErrClosed
		}
	}
	n, err := b.Listener.Accept()
	if err != nil {
		<-b.c.room
		return nil, err
	}
	return &counted{Conn: n, c: b.c}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() { close(b.shut) })
	return b.Listener.Close()
}

// counted is a connection that gives its room back.
type counted struct {
	net.Conn
	c    *conns
	once sync.Once
}

func (n *counted) Close() error {
	defer n.once.Do(func() { <-n.c.room })
	return n.Conn.Close()
}
