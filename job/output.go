package job

import (
	"context"
	"slices"
	"sync"
	"unicode/utf8"
)

// pieceSize is how large a piece in memory grows, and pieceCost what it takes
// besides its bytes.
const (
	pieceSize = 16 << 10
	pieceCost = 96
)

// place is an offset in each of the streams.
type place [3]int64

func (p place) after(s Stream, n int) place {
	p[Merged] += int64(n)
	p[s] += int64(n)
	return p
}

// piece is output of one stream at a place.
type piece struct {
	stream Stream
	at     place
	data   []byte // grows at the end only: what was read of it stays
}

func (p piece) end() place { return p.at.after(p.stream, len(p.data)) }

// output is all that a job prints: the oldest in files, then what is in memory.
type output struct {
	memory int    // how much may stay in memory
	spill  *spill // nil keeps nothing else

	filling sync.Mutex // held by who adds output, so that only one moves it to files

	mu      sync.Mutex
	files   []segment
	pieces  []piece
	held    int       // what pieces take
	end     place     // of all that was printed
	lost    int64     // bytes of all that are in neither
	why     error     // why spilling has failed
	cut     [3][]byte // the beginning of a character, whose rest is to come
	closed  bool
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// writer is where the command prints one stream.
type writer struct {
	ctx context.Context
	o   *output
	s   Stream
}

// Write never fails, because a failure would end the command.
func (w writer) Write(p []byte) (int, error) {
	w.o.filling.Lock()
	defer w.o.filling.Unlock()
	for rest := p; len(rest) > 0; {
		n := min(len(rest), pieceSize)
		w.o.add(w.s, rest[:n])
		rest = rest[n:]
		w.o.shrink(w.ctx)
	}
	return len(p), nil
}

// add appends what has come, without the beginning of a character at its end.
func (o *output) add(s Stream, p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p = append(o.cut[s], p...)
	whole := len(p) - unfinished(p)
	o.cut[s] = append([]byte(nil), p[whole:]...)
	o.put(s, p[:whole])
}

func (o *output) put(s Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	if n := len(o.pieces) - 1; n >= 0 && o.pieces[n].stream == s && len(o.pieces[n].data)+len(p) <= pieceSize {
		o.pieces[n].data = append(o.pieces[n].data, p...)
	} else {
		o.pieces = append(o.pieces, piece{stream: s, at: o.end, data: p})
		o.held += pieceCost
	}
	o.held += len(p)
	o.end = o.end.after(s, len(p))
	o.wake()
}

// close ends the output. What looked like the beginning of a character is then
// all there is.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range []Stream{Stdout, Stderr} {
		o.put(s, o.cut[s])
		o.cut[s] = nil
	}
	o.closed = true
	o.wake()
}

func (o *output) wake() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// change is closed when there is something new.
func (o *output) change() <-chan struct{} {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// unfinished is how many bytes at the end of p begin a character without ending it.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		b := p[len(p)-n]
		if utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// shrink moves the oldest output out of memory where there is too much. The
// caller holds filling, and nothing else: others read on meanwhile.
func (o *output) shrink(ctx context.Context) {
	old := o.surplus()
	if len(old) == 0 {
		return
	}
	var seg segment
	var err error
	if o.spill != nil {
		seg, err = o.spill.write(ctx, old)
	}
	o.move(len(old), seg, err)
	for _, name := range o.overCap() {
		_ = o.spill.store.Remove(ctx, name) // what stays is swept some day
	}
}

// move takes n pieces out of memory. They are in seg, or lost.
func (o *output) move(n int, seg segment, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.pieces[:n] {
		o.held -= len(p.data) + pieceCost
	}
	from, to := o.pieces[0].at, o.pieces[n-1].end()
	o.pieces = append([]piece(nil), o.pieces[n:]...)
	if seg.name != "" {
		o.files = append(o.files, seg)
		return
	}
	o.lost += to[Merged] - from[Merged]
	if o.why == nil {
		o.why = err
	}
}

// overCap forgets the oldest files while there is too much in all, and returns
// their names.
func (o *output) overCap() (names []string) {
	if o.spill == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.files) > 1 && o.files[len(o.files)-1].end[Merged]-o.files[0].at[Merged] > o.spill.max || len(o.files) > maxSegments {
		names = append(names, o.files[0].name)
		o.lost += o.files[0].size()
		o.files = o.files[1:]
	}
	return names
}

// forget counts a file as lost that is no longer what it was.
func (o *output) forget(seg segment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.files, func(s segment) bool { return s.name == seg.name })
	if i < 0 {
		return
	}
	o.lost += seg.size()
	o.files = slices.Concat(o.files[:i], o.files[i+1:])
}

// surplus is what should leave memory: nothing, or the oldest pieces. It waits
// until there are a good many, and keeps the last, which still grows.
func (o *output) surplus() []piece {
	o.mu.Lock()
	defer o.mu.Unlock()
	slack, most := o.memory/4, len(o.pieces)-1
	if o.spill != nil {
		slack, most = SegmentSize, min(most, segmentPieces)
	}
	if o.held <= o.memory+slack {
		return nil
	}
	n := 0
	for held := o.held; n < most && held > o.memory; n++ {
		held -= len(o.pieces[n].data) + pieceCost
	}
	return o.pieces[:n:n]
}
