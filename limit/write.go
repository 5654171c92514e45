package limit

import (
	"context"
	"io"

	"github.com/hutch-dev/hutch"
)

// Write implements [hutch.Backend].
func (l *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := l.begin("write", name); err != nil {
		return hutch.Info{}, err
	}
	if l.o.FileBytes <= 0 && l.o.WriteBytes <= 0 {
		return l.b.Write(ctx, name, r, opts)
	}
	m := &meter{l: l, name: name, r: r}
	var from io.Reader = m
	if s, ok := r.(interface{ Len() int }); ok {
		from = sized{m, s.Len()}
	}
	info, err := l.b.Write(ctx, name, from, opts)
	if m.over != nil {
		err = m.over // not once more with a name around it
	}
	if err != nil {
		l.n.written.Add(-m.taken)
		return hutch.Info{}, err
	}
	return info, nil
}

// meter is the reader of a Write, which counts.
type meter struct {
	l     *Backend
	name  string
	r     io.Reader
	size  int64
	taken int64
	over  error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.over != nil {
		return 0, m.over
	}
	n, err := m.r.Read(p)
	m.size += int64(max(n, 0))
	if m.over = m.l.fits("write", m.name, m.size); m.over != nil {
		return 0, m.over
	}
	if m.over = m.l.writes("write", m.name, int64(max(n, 0)), &m.taken); m.over != nil {
		return 0, m.over
	}
	return n, err
}

type sized struct {
	*meter
	n int
}

func (s sized) Len() int { return s.n }

// fits is an error if a file may not have so many bytes.
func (l *Backend) fits(op, name string, size int64) error {
	if l.o.FileBytes > 0 && size > l.o.FileBytes {
		return tooMany(op, name, l.o.FileBytes, "bytes in a file")
	}
	return nil
}

// writes takes n bytes of all that may be written, and adds them to taken.
func (l *Backend) writes(op, name string, n int64, taken *int64) error {
	if l.o.WriteBytes <= 0 {
		return nil
	}
	if !take(&l.n.written, l.o.WriteBytes, n) {
		return tooMany(op, name, l.o.WriteBytes, "bytes written in all")
	}
	*taken += n
	return nil
}

// Update implements [hutch.Updater].
func (l *Backend) Update(ctx context.Context, name string, change func(before []byte, i hutch.Info) (after []byte, err error)) (hutch.EditResult, error) {
	if err := l.begin("edit", name); err != nil {
		return hutch.EditResult{}, err
	}
	var taken int64
	res, err := hutch.UpdateFile(ctx, l.b, name, func(before []byte, i hutch.Info) ([]byte, error) {
		l.n.written.Add(-taken) // of a try before this one
		taken = 0
		if !take(&l.n.read, l.o.ReadBytes, int64(len(before))) {
			return nil, tooMany("edit", name, l.o.ReadBytes, "bytes read in all")
		}
		after, err := change(before, i)
		if err != nil || string(after) == string(before) {
			return after, err
		}
		if err := l.fits("edit", name, int64(len(after))); err != nil {
			return nil, err
		}
		return after, l.writes("edit", name, int64(len(after)), &taken)
	})
	if err != nil {
		l.n.written.Add(-taken)
		return hutch.EditResult{}, err
	}
	return res, nil
}
