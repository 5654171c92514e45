package mcpserver

import (
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	progressEvery = 200 * time.Millisecond // between two notifications of a call
	progressTail  = 2 << 10                // bytes of output in one
)

// progress tells a client what a command prints. The command never waits for the
// client: of what comes between two notifications the end is kept.
type progress struct {
	c     *call
	news  chan struct{} // has room for one
	over  chan struct{} // closed by end
	ended chan struct{} // closed by tell

	mu    sync.Mutex
	tail  string
	total int // bytes so far
}

func newProgress(c *call) *progress {
	p := &progress{c: c, news: make(chan struct{}, 1), over: make(chan struct{}), ended: make(chan struct{})}
	go p.tell()
	return p
}

func (p *progress) add(text string) {
	p.mu.Lock()
	p.total += len(text)
	p.tail = last(p.tail+last(text, progressTail), progressTail)
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// end returns when nothing more is told.
func (p *progress) end() {
	close(p.over)
	<-p.ended
}

func (p *progress) tell() {
	defer close(p.ended)
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.over:
			return
		}
		select {
		case <-p.news:
		case <-p.over:
			return
		}
		p.notify()
		t.Reset(progressEvery)
	}
}

func (p *progress) notify() {
	r := p.c.current()
	if r == nil {
		return
	}
	p.mu.Lock()
	text, total := p.tail, p.total
	p.tail = ""
	p.mu.Unlock()
	// Who does not hear it has gone, which ends the call in another way.
	_ = r.req.Session.NotifyProgress(r.ctx, &mcp.ProgressNotificationParams{
		ProgressToken: r.req.Params.GetProgressToken(),
		Progress:      float64(total),
		Message:       strings.ToValidUTF8(text, "\ufffd"),
	})
}
