package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
	"unicode/utf8"
)

// reading collects a Chunk.
type reading struct {
	s    Stream
	max  int // bytes that still fit
	any  bool
	c    Chunk
	full bool
}

// take adds what pieces hold from c.Next on, until no more fits. A gap after
// something was taken ends it, so that what is gone always comes first.
func (r *reading) take(pieces []piece) {
	for _, p := range pieces {
		if r.full {
			return
		}
		if p.stream != r.s && r.s != Merged || p.end()[r.s] <= r.c.Next {
			continue
		}
		if gap := p.at[r.s] - r.c.Next; gap > 0 {
			if r.any {
				r.full = true
				return
			}
			r.c.Gone += gap
			r.c.Next += gap
		}
		r.add(p.stream, p.data[r.c.Next-p.at[r.s]:])
	}
}

func (r *reading) add(s Stream, data []byte) {
	if n := r.fits(data); n < len(data) {
		data = data[:n]
		r.full = true
	}
	if len(data) == 0 {
		return
	}
	r.any = true
	r.max -= len(data)
	r.full = r.full || r.max <= 0
	r.c.Next += int64(len(data))
	if n := len(r.c.Pieces) - 1; n >= 0 && r.c.Pieces[n].Stream == s {
		r.c.Pieces[n].Data = append(r.c.Pieces[n].Data, data...)
		return
	}
	r.c.Pieces = append(r.c.Pieces, Piece{s, append([]byte(nil), data...)})
}

// fits is how much of data fits without parting a character, and never nothing
// of the first piece.
func (r *reading) fits(data []byte) int {
	if len(data) <= r.max {
		return len(data)
	}
	n := r.max - unfinished(data[:r.max])
	if n == 0 && !r.any {
		_, n = utf8.DecodeRune(data)
	}
	return n
}

// read is Jobs.Read for one job.
func (o *output) read(ctx context.Context, opts ReadOptions) (Chunk, error) {
	if opts.Stream > Stderr || opts.From < 0 || opts.Max < 0 {
		return Chunk{}, fmt.Errorf("%w: no such stream, offset or size", fs.ErrInvalid)
	}
	if opts.Max == 0 {
		opts.Max = DefaultRead
	}
	if err := o.await(ctx, opts); err != nil {
		return Chunk{}, err
	}
	r := &reading{s: opts.Stream, max: opts.Max, c: Chunk{Next: opts.From}}
	for {
		seg, found := o.collect(r)
		if !found {
			return r.c, nil
		}
		pieces, err := o.spill.load(ctx, seg)
		if errors.Is(err, errChanged) {
			o.forget(seg)
			continue
		}
		if err != nil {
			return Chunk{}, err
		}
		r.take(pieces)
	}
}

// collect finishes a reading with what is in memory, or finds the file that has
// to be read first.
func (o *output) collect(r *reading) (seg segment, found bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !r.full {
		for _, seg := range o.files {
			if seg.end[r.s] > r.c.Next {
				return seg, true
			}
		}
		r.take(o.pieces)
	}
	if end := o.end[r.s]; !r.any && r.c.Next < end {
		r.c.Gone += end - r.c.Next
		r.c.Next = end
	}
	r.c.More = r.c.Next < o.end[r.s]
	r.c.End = o.closed && !r.c.More
	return segment{}, false
}

// await waits while there is nothing to read, and checks the offset.
func (o *output) await(ctx context.Context, opts ReadOptions) error {
	var late <-chan time.Time
	if opts.Wait > 0 {
		t := time.NewTimer(opts.Wait)
		defer t.Stop()
		late = t.C
	}
	for {
		changed, err := o.news(opts)
		if changed == nil || err != nil || late == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return nil
		case <-changed:
		}
	}
}

// news is nil where there is something to read or never will be.
func (o *output) news(opts ReadOptions) (<-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	end := o.end[opts.Stream]
	if opts.From > end {
		return nil, fmt.Errorf("%w: offset %d is beyond the end, which is at %d", fs.ErrInvalid, opts.From, end)
	}
	if opts.From < end || o.closed {
		return nil, nil
	}
	return o.change(), nil
}
