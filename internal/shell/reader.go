package shell

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"sync"

	"github.com/hutch-dev/hutch"
)

// reader is an open file: its first bytes and, where that is not all, the shell
// that has it open.
type reader struct {
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	s      *Sandbox
	name   string
	node   node

	mu     sync.Mutex
	buf    []byte
	left   int64   // bytes to come after buf
	server *server // nil where all is here
	err    error
}

// maxLooks is how often Open looks again when it meets a change: writers that
// never pause must not starve it, and a file that never rests is an error.
const maxLooks = 30

func (v view) Open(ctx context.Context, name string) (hutch.File, error) {
	s := v.s
	if err := s.begin(ctx, "open", name); err != nil {
		return nil, err
	}
	defer s.end()
	for try := 0; ; try++ {
		o := s.looks.share(ctx, v.key(name), func() opened {
			s.turns.settle(ctx, name)
			return v.open(ctx, name)
		})
		if o.err == nil {
			r := &reader{s: s, name: name, node: o.node, buf: o.data, left: o.left, server: o.server}
			r.ctx, r.cancel = context.WithCancel(context.Background())
			return r, nil
		}
		if again := o.err == errGone || o.err == hutch.ErrConflict; !again || try == maxLooks || ctx.Err() != nil {
			return nil, fail("open", name, o.err)
		}
	}
}

// opened is what a shell makes of a file: all of it, or itself with the file open.
type opened struct {
	node   node
	data   []byte
	left   int64
	server *server
	err    error
}

func (v view) open(ctx context.Context, name string) opened {
	s := v.s
	sv, err := s.pool.take(ctx)
	if err != nil {
		return opened{err: err}
	}
	defer s.pool.leave()
	known := s.known.of(v.key(name))
	a, err := sv.call(ctx, maxAnswer, v.way("open"), name, known)
	if err != nil {
		s.pool.forget(sv)
		if err == errGarbled && known != "" { // a large one by now
			err = hutch.ErrConflict
		}
		return opened{err: err}
	}
	if a.word == "large" {
		n, err := a.one()
		if err != nil {
			s.pool.forget(sv)
			return opened{err: err}
		}
		return opened{node: n, left: n.size, server: sv}
	}
	s.pool.put(sv)
	if a.word != "ok" {
		return opened{err: a.err()}
	}
	var o opened
	if known == "" {
		o.node, o.data, o.err = whole(a.body)
	} else if o.data, o.node, o.err = chunk(a.body, bytes.LastIndex(a.body, mark)); o.err == nil && (o.node.rev != known || int64(len(o.data)) != o.node.size) {
		o.err = hutch.ErrConflict // or a new version: look twice
	}
	if o.err == nil {
		s.known.keep(v.key(name), o.node.rev)
	}
	return o
}

// whole is a file between two looks at it.
func whole(body []byte) (node, []byte, error) {
	at, end := bytes.IndexByte(body, '\n'), bytes.LastIndex(body, mark)
	if at < 0 || end < at {
		return node{}, nil, errGarbled
	}
	first, err := nodes(body[:at+1])
	if err != nil {
		return node{}, nil, err
	}
	data, now, err := chunk(body[at+1:], end-at-1)
	if err != nil {
		return node{}, nil, err
	}
	if !now.unchanged(&first[0]) || int64(len(data)) != now.size {
		return node{}, nil, hutch.ErrConflict
	}
	return now, data, nil
}

// chunk is a piece of a file with a look at it that begins at end.
func chunk(body []byte, end int) ([]byte, node, error) {
	if end < 0 {
		return nil, node{}, errGarbled
	}
	all, err := nodes(body[end:])
	if err != nil || len(all) != 1 {
		return nil, node{}, errGarbled
	}
	data, err := decode(body[:end])
	return data, all[0], err
}

func (r *reader) Info() hutch.Info { return r.node.info(r.name) }

// Size spares [hutch.ReadFile] the making of an Info.
func (r *reader) Size() int64 { return r.node.size }

func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.buf) == 0 && r.err == nil {
		if r.left == 0 {
			r.err = io.EOF
			break
		}
		if err := r.more(); err != nil {
			r.err = fail("read", r.name, err)
		}
	}
	if len(r.buf) == 0 {
		return 0, r.err
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	if len(r.buf) == 0 && r.left == 0 && r.err == nil {
		r.err = io.EOF
	}
	if len(r.buf) > 0 || r.err != io.EOF {
		return n, nil
	}
	return n, io.EOF
}

// more asks the shell for the next piece. The last one gives the shell back.
func (r *reader) more() error {
	if r.server == nil {
		return errGone
	}
	a, err := r.server.call(r.ctx, maxAnswer, "read")
	if err == nil && a.word != "ok" {
		err = a.err()
	}
	if err != nil {
		r.giveUp()
		return err
	}
	data, now, err := chunk(a.body, bytes.LastIndex(a.body, mark))
	if err != nil {
		r.giveUp()
		return err
	}
	if !now.unchanged(&r.node) || len(data) == 0 || int64(len(data)) > r.left {
		r.release()
		return hutch.ErrConflict
	}
	r.buf = data
	if r.left -= int64(len(data)); r.left == 0 {
		r.release()
	}
	return nil
}

func (r *reader) giveUp() {
	r.s.pool.forget(r.server)
	r.server = nil
}

// release closes the file in the shell, which can then serve again.
func (r *reader) release() {
	if r.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if a, err := r.server.call(ctx, maxAnswer, "shut"); err != nil || a.word != "ok" {
		r.giveUp()
		return
	}
	r.s.pool.put(r.server)
	r.server = nil
}

func (r *reader) Close() error {
	if !r.mu.TryLock() { // a Read is under way
		r.cancel()
		r.mu.Lock()
	}
	defer r.mu.Unlock()
	r.cancel()
	r.release()
	r.buf, r.left = nil, 0
	if r.err == nil || r.err == io.EOF {
		r.err = fail("read", r.name, fs.ErrClosed)
	}
	return nil
}
