package server

import (
	"container/list"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"sync"
	"time"
)

// The bounds of what is kept to be answered again.
const (
	maxReplayKey  = 128      // bytes of a key
	maxReplay     = 64 << 10 // bytes of one answer
	replayTime    = 10 * time.Minute
	maxReplays    = 256      // of a session
	maxReplayed   = 64 << 20 // bytes of all answers
	replayedField = "Idempotency-Replayed"
)

// replays keeps the first answers to requests with an Idempotency-Key.
type replays struct {
	mu    sync.Mutex
	all   map[replayKey]*list.Element
	order list.List      // of *kept, the oldest first
	of    map[string]int // how many, by serial
	bytes int
}

type replayKey struct{ serial, key string }

// kept is a request and its answer.
type kept struct {
	key  replayKey
	head [sha256.Size]byte // of what the request is, without its body
	sum  hash.Hash         // of its body
	at   time.Time         // when the answer was there

	// Once done, nothing changes any more.
	done   bool
	body   [sha256.Size]byte
	status int
	header http.Header
	answer []byte
	lost   bool // the answer was too large
}

func newReplays() *replays {
	return &replays{all: map[replayKey]*list.Element{}, of: map[string]int{}}
}

// replayed are the fields of a request that make it another one.
var replayed = []string{"Content-Type", "If-Match", "If-None-Match", "Accept"}

func headSum(r *http.Request) (sum [sha256.Size]byte) {
	h := sha256.New()
	part := func(s string) { _, _ = io.WriteString(h, s+"\n") } // none has a line break
	part(r.Method)
	part(r.URL.EscapedPath())
	part(r.URL.RawQuery)
	for _, name := range replayed {
		for _, v := range r.Header[name] {
			part(name + ": " + v)
		}
	}
	h.Sum(sum[:0])
	return sum
}

// begin is the entry of a new request, or an earlier one with that key.
func (p *replays) begin(k replayKey, head [sha256.Size]byte) (mine, earlier *kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(time.Now())
	if e := p.all[k]; e != nil {
		return nil, e.Value.(*kept)
	}
	mine = &kept{key: k, head: head, sum: sha256.New()}
	p.all[k] = p.order.PushBack(mine)
	p.of[k.serial]++
	if p.of[k.serial] > maxReplays {
		p.dropOldest(k.serial)
	}
	return mine, nil
}

// end keeps the answer to a request, or forgets the request.
func (p *replays) end(k *kept, keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.all[k.key]
	if e == nil || e.Value != k {
		return // the session has ended
	}
	if !keep {
		p.remove(e)
		return
	}
	k.sum.Sum(k.body[:0])
	k.sum, k.done, k.at = nil, true, time.Now()
	p.order.MoveToBack(e)
	p.bytes += len(k.answer)
	for p.bytes > maxReplayed {
		p.remove(p.order.Front())
	}
}

// isDone reports whether the answer is there.
func (p *replays) isDone(k *kept) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return k.done
}

// expire forgets what was kept long enough. What is under way may stand between.
func (p *replays) expire(now time.Time) {
	for e := p.order.Front(); e != nil; {
		next := e.Next()
		k := e.Value.(*kept)
		if k.done && now.Sub(k.at) < replayTime {
			return
		}
		if k.done {
			p.remove(e)
		}
		e = next
	}
}

func (p *replays) dropOldest(serial string) {
	for e := p.order.Front(); e != nil; e = e.Next() {
		if k := e.Value.(*kept); k.done && k.key.serial == serial {
			p.remove(e)
			return
		}
	}
}

// drop forgets a session.
func (p *replays) drop(serial string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Front(); e != nil && p.of[serial] > 0; {
		next := e.Next()
		if e.Value.(*kept).key.serial == serial {
			p.remove(e)
		}
		e = next
	}
}

func (p *replays) remove(e *list.Element) {
	k := p.order.Remove(e).(*kept)
	delete(p.all, k.key)
	if k.done {
		p.bytes -= len(k.answer)
	}
	if p.of[k.key.serial]--; p.of[k.key.serial] == 0 {
		delete(p.of, k.key.serial)
	}
}

// begin notes the head of the answer; of a nil k nothing.
func (k *kept) begin(status int, h http.Header) {
	if k == nil {
		return
	}
	k.status, k.header = status, http.Header{}
	for _, name := range []string{"Content-Type", "Etag", "Location", "Retry-After"} {
		if v := h[name]; v != nil {
			k.header[name] = v
		}
	}
}

// write notes a piece of the answer; of a nil k nothing.
func (k *kept) write(b []byte) {
	switch {
	case k == nil || k.lost:
	case len(k.answer)+len(b) > maxReplay:
		k.lost, k.answer = true, nil
	default:
		k.answer = append(k.answer, b...)
	}
}

// again answers a request as the earlier one with its key was answered.
func (s *Service) again(c *Call, k *kept, head [sha256.Size]byte) error {
	if !s.replays.isDone(k) {
		return Problem(http.StatusConflict, "busy", "the first request with this key is under way")
	}
	h := sha256.New()
	if _, err := io.Copy(h, c.R.Body); err != nil {
		return err
	}
	if head != k.head || [sha256.Size]byte(h.Sum(nil)) != k.body {
		return Problem(http.StatusUnprocessableEntity, "key_reused", "the key was used for another request")
	}
	if k.lost {
		return Problem(http.StatusConflict, "answer_lost", "this was done before, and the answer was too large to be kept")
	}
	for name, v := range k.header {
		c.W.Header()[name] = v
	}
	c.W.Header().Set(replayedField, "true")
	c.W.WriteHeader(k.status)
	_, _ = c.W.Write(k.answer)
	return nil
}
