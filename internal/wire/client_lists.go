package wire

import (
	"context"
	"iter"
	"strings"

	"github.com/hutch-dev/hutch"
)

// List implements [hutch.Backend].
func (f files) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return f.c.infos(ctx, f.via(listRoute), &request{Name: dir}, dir)
}

// Scan implements [hutch.Scanner].
func (f files) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return f.c.infos(ctx, f.via(scanRoute), &request{Name: dir}, dir)
}

// Walk implements [hutch.Walker].
func (f files) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return f.c.infos(ctx, f.via(walkRoute), &request{Name: dir}, dir)
}

// Glob implements [hutch.Globber].
func (f files) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	var o hutch.GlobOptions
	if opts != nil {
		o = *opts
	}
	if o.Dir == "" {
		o.Dir = "."
	}
	g := &glob{Recurse: o.Recurse, Hidden: o.Hidden, Gitignore: o.Gitignore, Names: o.Names}
	return f.c.infos(ctx, f.via(globRoute), &request{Name: o.Dir, Pattern: []byte(pattern), Glob: g}, o.Dir)
}

func (c *Client) infos(ctx context.Context, r *route, q *request, dir string) iter.Seq2[hutch.Info, error] {
	return items(c, ctx, r, q, dir, maxInfo, func(rec []byte) (hutch.Info, string, error) {
		i, err := decodeInfo(rec)
		return i, i.Name, err
	})
}

// Grep implements [hutch.Grepper].
func (f files) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	if q.Dir == "" {
		q.Dir = "."
	}
	line := q.MaxLine
	if line <= 0 {
		line = 64 << 10 // what it stands for
	}
	req := &request{Name: q.Dir, Pattern: []byte(q.Pattern), Query: queryOf(q)}
	return items(f.c, ctx, f.via(grepRoute), req, q.Dir, line+maxInfo, func(rec []byte) (hutch.Match, string, error) {
		m, err := decodeMatch(rec)
		return m, m.Name, err
	})
}

// items asks for a sequence and yields it as it comes in. A record is at most
// limit bytes long.
func items[T any](c *Client, ctx context.Context, r *route, q *request, dir string, limit int, decode func([]byte) (T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if err := c.ready(ctx, r.op, dir); err != nil {
			yield(none, err)
			return
		}
		again := *q // a sequence may be used more than once
		x, err := c.begin(ctx, r, &again, dir)
		if err != nil {
			yield(none, err)
			return
		}
		defer x.end()
		s := &sequenceReader{x: x, limit: limit}
		for {
			rec, err := s.next()
			if err != nil || rec == nil {
				if err != nil {
					yield(none, err)
				}
				return
			}
			v, name, err := decode(rec)
			if err == nil && !below(dir, name) {
				err = broken("an entry of another directory")
			}
			if err != nil {
				yield(none, x.fail(err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// below reports whether name is dir or below it.
func below(dir, name string) bool {
	return dir == "." || strings.HasPrefix(name, dir) && (len(name) == len(dir) || name[len(dir)] == '/')
}

// sequenceReader takes records out of frames.
type sequenceReader struct {
	x     *exchange
	limit int
	rest  []byte // of the last frame
	long  []byte // a record that takes several frames, so far
}

// next is the next record; at the end there is none.
func (s *sequenceReader) next() ([]byte, error) {
	if err := s.x.ctx.Err(); err != nil {
		return nil, s.x.fail(err)
	}
	for {
		rec, rest, ok, err := next(s.rest, s.limit)
		if err != nil {
			return nil, s.x.fail(err)
		}
		if ok {
			s.rest = rest
			return rec, nil
		}
		more, err := s.more()
		if err != nil || !more {
			return nil, err
		}
	}
}

// more reads a frame, and is false at the end.
func (s *sequenceReader) more() (bool, error) {
	s.long = append(s.long[:0], s.rest...)
	kind, p, err := s.x.in.frame(maxFrame)
	if err != nil {
		return false, s.x.fail(err)
	}
	switch kind {
	case kindItems:
		if s.rest = p; len(s.long) > 0 {
			s.long = append(s.long, p...)
			s.rest = s.long
		}
		return true, nil
	case kindFault:
		fault := decodeFault(p)
		if err := s.x.last(); err != nil {
			return false, s.x.fail(err)
		}
		return false, s.x.fault(fault)
	case kindEnd:
		if len(s.long) > 0 {
			return false, s.x.fail(broken("half an entry"))
		}
		if err := s.x.finished(); err != nil {
			return false, s.x.fail(err)
		}
		return false, nil
	}
	return false, s.x.fail(broken("unexpected frame"))
}
