package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/keep"
)

// segmentPieces bounds what is remembered of a file, maxSegments the files of a
// job, so that a command that changes its stream at every byte fills nothing.
const (
	segmentPieces = 8 << 10
	maxSegments   = 128
)

// spill moves the output of one job into files.
type spill struct {
	store *keep.Store
	label string
	max   int64 // bytes in all
	dead  error // why no more is tried; used by one goroutine at a time
}

// segment is output in a file.
type segment struct {
	name, rev string
	at, end   place
	runs      []uint32 // lengths of pieces; the highest bit says Stderr
}

const stderrBit = 1 << 31

func (s segment) size() int64 { return s.end[Merged] - s.at[Merged] }

// write stores pieces. What is refused once is not tried again.
func (s *spill) write(ctx context.Context, pieces []piece) (segment, error) {
	if s.dead != nil {
		return segment{}, s.dead
	}
	seg := segment{at: pieces[0].at, end: pieces[len(pieces)-1].end()}
	readers := make([]io.Reader, len(pieces))
	for i, p := range pieces {
		readers[i] = bytes.NewReader(p.data)
		run := uint32(len(p.data))
		if p.stream == Stderr {
			run |= stderrBit
		}
		seg.runs = append(seg.runs, run)
	}
	info, err := s.store.Write(ctx, s.label, io.MultiReader(readers...))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, hutch.ErrClosed) || errors.Is(err, errors.ErrUnsupported) {
		s.dead = err
	}
	if err != nil {
		return segment{}, err
	}
	seg.name, seg.rev = info.Name, info.Rev
	return seg, nil
}

// errChanged: a file is no longer what was written.
var errChanged = errors.New("spilled output was changed")

// load reads a segment back. A file that is gone or changed is errChanged.
func (s *spill) load(ctx context.Context, seg segment) ([]piece, error) {
	f, err := s.store.Open(ctx, seg.name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, hutch.ErrIsDir) {
		return nil, errChanged
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Info().Rev != seg.rev || f.Info().Size != seg.size() {
		return nil, errChanged
	}
	data := make([]byte, seg.size())
	if _, err := io.ReadFull(f, data); err != nil {
		if errors.Is(err, hutch.ErrConflict) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errChanged
		}
		return nil, fmt.Errorf("read: %w", err)
	}
	return seg.split(data), nil
}

// split parts what was merged in a file.
func (s segment) split(data []byte) []piece {
	pieces := make([]piece, 0, len(s.runs))
	at := s.at
	for _, run := range s.runs {
		p := piece{stream: Stdout, at: at}
		if run&stderrBit != 0 {
			p.stream = Stderr
		}
		p.data, data = data[:run&^stderrBit], data[run&^stderrBit:]
		at = p.end()
		pieces = append(pieces, p)
	}
	return pieces
}

// spillGrace is how long output may still be moved after its command was killed.
const spillGrace = 5 * time.Second

// outlive is a context that ends a while after ctx. stop releases it.
func outlive(ctx context.Context, while time.Duration) (_ context.Context, stop func()) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		t := time.NewTimer(while)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-late.Done():
		}
	})
	return late, func() { unhook(); cancel() }
}
