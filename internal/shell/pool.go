package shell

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
)

// shells is how many serve at a time, those of open large files and the one of
// changes aside.
const shells = 4

// pool holds the shells, which are started when they are needed.
type pool struct {
	host    Host
	opts    *Options
	session string        // names what this Sandbox has staged
	slots   chan struct{} // one for each operation under way

	mu     sync.Mutex
	idle   []*server
	writer *server // the shell of changes, which keeps the lock for a while
	all    map[*server]bool
	closed bool
	writes bool // something was changed, so there may be a staging directory
}

func (p *pool) init(h Host, o *Options) {
	*p = pool{host: h, opts: o, session: rand.Text(), slots: make(chan struct{}, shells), all: map[*server]bool{}}
}

// take gives a shell and a slot.
func (p *pool) take(ctx context.Context) (*server, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	sv, err := p.server(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return sv, nil
}

func (p *pool) server(ctx context.Context) (*server, error) {
	for {
		sv := p.pop()
		if sv == nil {
			break
		}
		if sv.alive() {
			return sv, nil
		}
		p.forget(sv)
	}
	sv, err := serve(ctx, p.host, p.opts, p.session)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		sv.close()
		return nil, errGone
	}
	p.all[sv] = true
	return sv, nil
}

func (p *pool) pop() *server {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	sv := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return sv
}

func (p *pool) forget(sv *server) {
	sv.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, sv)
}

// leave ends the operation that took a slot. Its shell may go on without.
func (p *pool) leave() { <-p.slots }

// put gives back a shell that can serve again.
func (p *pool) put(sv *server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= shells {
		sv.close()
		delete(p.all, sv)
		return
	}
	p.idle = append(p.idle, sv)
}

// ask calls a function. What only looks is asked once more of another shell if
// the first has ended.
func (p *pool) ask(ctx context.Context, looks bool, function string, args ...string) (*answer, error) {
	most := maxAnswer
	if strings.HasSuffix(function, "list") {
		most = 1 << 30
	}
	for again := looks; ; again = false {
		sv, err := p.take(ctx)
		if err != nil {
			return nil, err
		}
		a, err := sv.call(ctx, most, function, args...)
		p.leave()
		if err == nil {
			p.put(sv)
			return a, nil
		}
		p.forget(sv)
		if !again || !errors.Is(err, errGone) {
			return nil, err
		}
	}
}

// tell calls a function that changes something. The caller holds the changes.
func (p *pool) tell(ctx context.Context, function string, args ...string) (*answer, error) {
	p.mu.Lock()
	sv := p.writer
	p.writer = nil
	p.mu.Unlock()
	if sv != nil && !sv.alive() {
		p.forget(sv)
		sv = nil
	}
	if sv == nil && function == "release" { // it went with the shell
		return &answer{word: "ok"}, nil
	}
	if sv == nil {
		var err error
		if sv, err = p.server(ctx); err != nil {
			return nil, err
		}
	}
	a, err := sv.call(ctx, maxAnswer, function, args...)
	if err != nil {
		p.forget(sv)
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writer = sv
	return a, nil
}

// change says that something is about to be staged.
func (p *pool) change() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = true
}

func (p *pool) staged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes
}

// close ends all shells, those of open files as well.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for sv := range p.all {
		sv.close()
	}
	clear(p.all)
	p.idle, p.writer = nil, nil
}
