package docker

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Pool keeps containers ready, with their helpers running, so that taking one
// costs no more than handing it over. Each is used once. The zero value of
// everything but Options is good; the fields are not changed after Start.
type Pool struct {
	// Options of every container. A Name is refused.
	Options Options
	// Min is how many are kept ready; 0 is 1. Max bounds how many there are in
	// all, ready, being made and taken; 0 is no bound.
	Min, Max int

	mu     sync.Mutex
	ready  []*Sandbox
	making int
	taken  map[*Sandbox]bool
	closed bool
	failed error         // of the last attempt to make one
	change chan struct{} // closed and made anew whenever something of the above changes
	ctx    context.Context
	stop   context.CancelFunc
	makers sync.WaitGroup
}

// ErrPoolFull is matched by the error of a pool that may make no more
// containers, where ctx ends before one is given back.
var ErrPoolFull = errors.New("all containers of the pool are taken")

// Start begins to make containers, in the background.
func (p *Pool) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ctx != nil:
		return &fs.PathError{Op: "open", Path: ".", Err: fs.ErrExist}
	case p.Options.Name != "":
		return bad("the containers of a pool cannot all be named %q", p.Options.Name)
	case p.Min < 0 || p.Max < 0 || p.Max > 0 && p.Min > p.Max:
		return bad("a pool of at least %d and at most %d", p.Min, p.Max)
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.taken = map[*Sandbox]bool{}
	p.change = make(chan struct{})
	p.fill()
	return nil
}

// Take hands out a container that nobody has used. Where none is ready it waits
// for one, or makes it. Whoever takes it closes it, or detaches from it.
func (p *Pool) Take(ctx context.Context) (*Sandbox, error) {
	for {
		p.mu.Lock()
		s, err := p.take()
		wait := p.change
		p.mu.Unlock()
		if s != nil || err != nil {
			return s, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, p.late(ctx)
		}
	}
}

// Wait waits until as many containers as Min says are ready.
func (p *Pool) Wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		ready, err, wait := len(p.ready) >= max(1, p.Min), p.failed, p.change
		if p.closed || p.ctx == nil {
			err = &fs.PathError{Op: "open", Path: ".", Err: hutch.ErrClosed}
		}
		p.mu.Unlock()
		if ready || err != nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return &fs.PathError{Op: "open", Path: ".", Err: ctx.Err()}
		}
	}
}

// late is the error of somebody who has waited for nothing.
func (p *Pool) late(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := ctx.Err()
	if p.Max > 0 && len(p.taken) >= p.Max {
		err = errors.Join(err, ErrPoolFull)
	}
	return &fs.PathError{Op: "open", Path: ".", Err: err}
}

// take looks for one that lives. Without one and without an error there will be
// one. mu is held.
func (p *Pool) take() (*Sandbox, error) {
	if p.closed || p.ctx == nil {
		return nil, &fs.PathError{Op: "open", Path: ".", Err: hutch.ErrClosed}
	}
	defer p.fill()
	for len(p.ready) > 0 {
		s := p.ready[0]
		p.ready = p.ready[1:]
		if !s.alive() {
			p.makers.Go(func() { s.Close() })
			continue
		}
		p.taken[s] = true
		s.given = func() { p.back(s) }
		return s, nil
	}
	if err := p.failed; err != nil && p.making == 0 {
		p.failed = nil
		return nil, err
	}
	return nil, nil
}

// back makes room for another one.
func (p *Pool) back(s *Sandbox) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, s)
	p.changed()
	p.fill()
}

func (p *Pool) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

// fill begins to make what is missing. mu is held.
func (p *Pool) fill() {
	for !p.closed && p.failed == nil && len(p.ready)+p.making < max(1, p.Min) &&
		(p.Max == 0 || len(p.ready)+p.making+len(p.taken) < p.Max) {
		p.making++
		p.makers.Go(p.make)
	}
}

func (p *Pool) make() {
	s, err := Open(p.ctx, &p.Options)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making--
	if p.closed && s != nil {
		p.makers.Go(func() { s.Close() })
		return
	}
	p.failed = err
	if s != nil {
		p.ready = append(p.ready, s)
	}
	p.changed()
	if err != nil && !p.closed { // a moment later, unless somebody asks before
		time.AfterFunc(time.Second, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.failed == err {
				p.failed = nil
				p.fill()
			}
		})
	}
}

// Close removes the containers that nobody has taken. Those that were taken
// stay with whoever has them.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.ctx == nil || p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	ready := p.ready
	p.ready = nil
	p.stop()
	p.changed()
	p.mu.Unlock()
	var err error
	for _, s := range ready {
		err = errors.Join(err, s.Close())
	}
	p.makers.Wait()
	return err
}
