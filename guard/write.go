package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/hutch-dev/hutch"
)

// Write implements [hutch.Backend]. Where somebody may be asked, up to MaxChange
// bytes of r are read first and shown; what is written is what was shown, in the
// place of what was shown, else somebody is asked again. Of more than that only
// so much is said.
func (g *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := begin(ctx, "write", name); err != nil {
		return hutch.Info{}, err
	}
	w := writer{g: g, ctx: ctx}
	if opts != nil {
		w.opts = *opts
	}
	do := w.stream
	if g.asks(Write) {
		var whole bool
		var err error
		w.head, whole, err = readHead(ctx, r)
		if err != nil {
			return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: err}
		}
		do = w.shown
		if !whole {
			do = w.large
		}
	}
	w.rest = count(r)
	// Links first, always: what is refused later may have been read by then.
	info, err := through(ctx, g, "write", name, g.real, true, do)
	if err != nil {
		return hutch.Info{}, err
	}
	info.Name = name
	return info, nil
}

// writer is one Write.
type writer struct {
	g    *Backend
	ctx  context.Context
	opts hutch.WriteOptions
	head []byte  // the first bytes, where they were read
	rest counted // what comes after them
}

// stream writes what was not read yet.
func (w *writer) stream(real string) (hutch.Info, error) {
	if err := w.g.check(w.ctx, "write", Write, real, nil); err != nil {
		return hutch.Info{}, err
	}
	return w.put(real, w.rest.reader(), w.opts)
}

// large writes what is too large to be shown.
func (w *writer) large(real string) (hutch.Info, error) {
	ch := &Change{TooLarge: true, Size: int64(len(w.head))}
	if err := w.g.check(w.ctx, "write", Write, real, ch); err != nil {
		return hutch.Info{}, err
	}
	return w.put(real, io.MultiReader(bytes.NewReader(w.head), w.rest.reader()), w.opts)
}

// shown writes what was read, in the place of what was shown.
func (w *writer) shown(real string) (info hutch.Info, err error) {
	for try := range maxShown {
		before, rev := w.g.before(w.ctx, real)
		if err := w.g.check(w.ctx, "write", Write, real, changeOf(before, w.head)); err != nil {
			return hutch.Info{}, err
		}
		o := w.opts
		if o.IfRev == "" {
			o.IfRev = rev
		}
		info, err = w.put(real, bytes.NewReader(w.head), o)
		if w.opts.IfRev != "" || !errors.Is(err, hutch.ErrConflict) {
			break
		}
		select { // others come to an end meanwhile
		case <-time.After(rand.N(time.Millisecond << min(try, 5))):
		case <-w.ctx.Done():
			return hutch.Info{}, w.ctx.Err()
		}
	}
	return info, err
}

// maxShown bounds how often a write is shown again because somebody was faster.
const maxShown = 30

func (w *writer) put(real string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
	if w.rest.used() { // by a try before this one
		return hutch.Info{}, &fs.PathError{Op: "write", Path: real, Err: errMoving}
	}
	done, err := w.g.traffic.come(w.ctx, real)
	if err != nil {
		return hutch.Info{}, err
	}
	defer done()
	return w.g.b.Write(w.ctx, real, r, &o)
}

// before is what is to be replaced, and the IfRev that names it: nothing of
// either where that cannot be told.
func (g *Backend) before(ctx context.Context, real string) (data []byte, rev string) {
	f, err := g.b.Open(ctx, real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hutch.Absent
	}
	if err != nil {
		return nil, ""
	}
	defer f.Close()
	data, _, err = readHead(ctx, f)
	if err != nil {
		return nil, ""
	}
	return data, f.Info().Rev
}

// changeOf shows two contents, nil for none, as copies. One that is longer than
// MaxChange may be cut, and is not shown.
func changeOf(before, after []byte) *Change {
	ch := &Change{Size: int64(len(after)), TooLarge: max(len(before), len(after)) > MaxChange}
	if !ch.TooLarge {
		ch.Before, ch.After = bytes.Clone(before), bytes.Clone(after)
	}
	return ch
}

// readHead reads r to its end, or until there is more than MaxChange. What it
// returns is not nil unless there is an error.
func readHead(ctx context.Context, r io.Reader) (head []byte, whole bool, err error) {
	var buf bytes.Buffer
	_, err = buf.ReadFrom(io.LimitReader(during{ctx, r}, MaxChange+1))
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		return nil, false, err
	}
	return append([]byte{}, buf.Bytes()...), buf.Len() <= MaxChange, nil
}

// during is a reader that ends with its context.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.r.Read(p)
}

// counted is a reader that can be used again as long as nobody has read.
type counted struct {
	r    io.Reader
	n    int  // how long it says it is
	sure bool // whether it says so
	read *bool
}

func count(r io.Reader) counted {
	c := counted{r: r, read: new(bool)}
	if s, ok := r.(interface{ Len() int }); ok {
		c.n, c.sure = s.Len(), true
	}
	return c
}

func (c counted) used() bool { return *c.read }

// reader is the reader, with a length if it has one.
func (c counted) reader() io.Reader {
	if c.sure {
		return sized{c}
	}
	return c
}

func (c counted) Read(p []byte) (int, error) {
	*c.read = true
	return c.r.Read(p)
}

type sized struct{ counted }

func (s sized) Len() int { return s.n }

// Update implements [hutch.Updater]. The Check sees what the file is and what it
// would become; where somebody else is faster, both are made and shown again.
func (g *Backend) Update(ctx context.Context, name string, change func(before []byte, i hutch.Info) (after []byte, err error)) (hutch.EditResult, error) {
	res, err := through(ctx, g, "edit", name, g.real, g.asks(Read, Edit), func(real string) (hutch.EditResult, error) {
		if err := g.check(ctx, "edit", Read, real, nil); err != nil {
			return hutch.EditResult{}, err
		}
		return hutch.UpdateFile(ctx, g.b, real, func(before []byte, i hutch.Info) ([]byte, error) {
			i.Name = name
			after, err := change(before, i)
			if err != nil || bytes.Equal(before, after) || len(after) > hutch.MaxEdit {
				return after, err
			}
			if after == nil {
				after = []byte{}
			}
			return after, g.check(ctx, "edit", Edit, real, changeOf(before, after))
		})
	})
	if err != nil {
		return hutch.EditResult{}, err
	}
	res.Info.Name = name
	return res, nil
}

// Remove implements [hutch.Backend].
func (g *Backend) Remove(ctx context.Context, name string) error {
	_, err := through(ctx, g, "remove", name, g.place, g.asks(Write), func(real string) (none struct{}, err error) {
		if err := g.check(ctx, "remove", Write, real, g.going(ctx, real)); err != nil {
			return none, err
		}
		return none, g.b.Remove(ctx, real)
	})
	return err
}

// going shows a file that is to go, where somebody may be asked.
func (g *Backend) going(ctx context.Context, real string) *Change {
	if !g.asks(Write) {
		return nil
	}
	before, _ := g.before(ctx, real)
	if before == nil {
		return nil
	}
	return changeOf(before, nil)
}
