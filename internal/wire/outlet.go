package wire

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// outlet writes the answer to a request. What is put in is gathered, and sent
// when there is much of it or nothing more has come for a moment. It is safe for
// concurrent use, and waits where the client does not read.
type outlet struct {
	w     http.ResponseWriter
	delay time.Duration // the moment

	mu    sync.Mutex
	snd   sender
	buf   []byte
	pool  *[]byte
	items int // where the frame of items begins in buf that is not sealed yet, or -1
	timer *time.Timer
	armed bool
	done  bool
	err   error
}

// buffers are those of outlets and receivers. The collector takes back what is
// not in use, so that an idle process holds none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func newOutlet(w http.ResponseWriter, seed uint32, delay time.Duration) *outlet {
	pool := buffers.Get().(*[]byte)
	return &outlet{w: w, delay: delay, snd: sender{crc: seed}, pool: pool, buf: (*pool)[:0], items: -1}
}

// put sends p in frames of one kind.
func (o *outlet) put(kind byte, p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for first := true; first || len(p) > 0; first = false {
		n := min(len(p), chunk)
		if o.err != nil {
			return o.err
		}
		o.close()
		o.buf = o.snd.add(o.buf, kind, p[:n])
		p = p[n:]
		o.gathered()
	}
	return o.err
}

// item sends a record. A frame holds many, and a long one takes several frames.
func (o *outlet) item(add func([]byte) []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if o.items < 0 {
		o.items = len(o.buf)
		o.buf = append(o.buf, make([]byte, frameHeader)...)
	}
	o.buf = add(o.buf)
	if len(o.buf)-o.items-frameHeader > chunk {
		o.split()
	}
	o.gathered()
	return o.err
}

// split cuts the open frame of items into such as may be sent.
func (o *outlet) split() {
	long := slices.Clone(o.buf[o.items+frameHeader:])
	o.buf, o.items = o.buf[:o.items], -1
	for part := range slices.Chunk(long, chunk) {
		o.buf = o.snd.add(o.buf, kindItems, part)
	}
}

// close seals the open frame of items.
func (o *outlet) close() {
	if o.items >= 0 {
		o.snd.seal(o.buf[o.items:], kindItems)
		o.items = -1
	}
}

// gathered sends what has gathered if it is much, or sees to it that it is sent
// in a moment.
func (o *outlet) gathered() {
	switch {
	case len(o.buf) >= batch:
		o.send()
	case o.armed:
	case o.timer == nil:
		o.armed = true
		o.timer = time.AfterFunc(o.delay, o.tick)
	default:
		o.armed = true
		o.timer.Reset(o.delay)
	}
}

func (o *outlet) tick() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.armed = false
	if !o.done && len(o.buf) > 0 {
		o.push()
	}
}

// send writes what has gathered.
func (o *outlet) send() {
	o.close()
	if o.err == nil {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
}

// push sends what has gathered on its way at once.
func (o *outlet) push() {
	o.send()
	if o.err == nil {
		o.err = http.NewResponseController(o.w).Flush()
	}
}

// finish ends the body, with err if that is not nil. Nothing is written after it.
func (o *outlet) finish(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.close()
	if err != nil {
		o.buf = o.snd.add(o.buf, kindFault, encodeFault(err))
	}
	o.buf = o.snd.end(o.buf)
	o.send()
	o.discard()
}

// abandon ends a body that must not look whole.
func (o *outlet) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.discard()
}

func (o *outlet) discard() {
	if o.done {
		return
	}
	o.done = true
	if o.timer != nil {
		o.timer.Stop()
	}
	*o.pool = o.buf[:0]
	buffers.Put(o.pool)
	o.buf, o.pool = nil, nil
}
