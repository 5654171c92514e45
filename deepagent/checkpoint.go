package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// MaxCheckpoints is how many checkpoints are held, and fewer where snapshots would
// take too much; the oldest go first.
const MaxCheckpoints = 20

// Checkpoints are moments to which files and conversation can go back together.
// They live as long as the value does. The zero value is ready; it is safe for
// concurrent use, but belongs to one conversation at a time.
//
// It is whoever holds the value that goes back, never the model: no tool reaches it.
type Checkpoints struct {
	// Files are the files that go back; nil is the backend of the run, which must
	// then be a [hutch.Snapshotter]. A guarded backend is none, since going back asks
	// no rule: whoever has made it gives here what is inside of it. [Copied] makes one
	// of any backend.
	Files hutch.Snapshotter

	mu     sync.Mutex
	busy   bool
	points []point
	source hutch.Snapshotter
	last   int
}

// Checkpoint describes one.
type Checkpoint struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Messages int       `json:"messages"` // in the conversation
	Text     string    `json:"text"`     // what was said last, shortened
}

type point struct {
	Checkpoint
	files hutch.Snapshot
	conv  Conversation
	store Store
}

// ErrBusy: a run is under way.
var ErrBusy = errors.New("a run is under way")

// begin lets one run use the checkpoints, on a backend that can go back.
func (c *Checkpoints) begin(b hutch.Backend, s Store) (release func(), err error) {
	if s == nil {
		return nil, fmt.Errorf("deepagent: %w: checkpoints need a Store: without one the conversation could not go back", fs.ErrInvalid)
	}
	source := c.Files
	if source == nil {
		source, _ = hutch.As[hutch.Snapshotter](b)
	}
	if source == nil {
		return nil, fmt.Errorf("deepagent: %w: the backend cannot go back to what it was, so there are no checkpoints", errors.ErrUnsupported)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		return nil, fmt.Errorf("deepagent: checkpoints: %w", ErrBusy)
	}
	c.busy, c.source = true, source
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy = false
	}, nil
}

// checkpoint adds one before a step.
func (r *run) checkpoint(ctx context.Context) error {
	if r.points == nil {
		return nil
	}
	id, err := r.points.add(ctx, r.conv, r.store)
	if err != nil {
		return fmt.Errorf("deepagent: checkpoint: %w", err)
	}
	r.emit(Event{Kind: Saved, Checkpoint: id})
	return nil
}

func (c *Checkpoints) add(ctx context.Context, conv *Conversation, s Store) (string, error) {
	files, err := c.source.TakeSnapshot(ctx)
	for errors.Is(err, hutch.ErrTooLarge) && c.forget() {
		files, err = c.source.TakeSnapshot(ctx)
	}
	if err != nil {
		return "", err
	}
	p := point{files: files, conv: conv.copy(), store: s}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	p.Checkpoint = Checkpoint{ID: fmt.Sprintf("cp_%d", c.last), Time: time.Now(), Messages: len(conv.Messages), Text: clip(lastText(conv.Messages), 200)}
	c.points = append(c.points, p)
	for len(c.points) > MaxCheckpoints {
		err = errors.Join(err, c.points[0].files.Close())
		c.points = slices.Delete(c.points, 0, 1)
	}
	return p.ID, err
}

// forget lets the oldest checkpoint go, if there is one.
func (c *Checkpoints) forget() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.points) == 0 {
		return false
	}
	_ = c.points[0].files.Close() // it is gone either way
	c.points = slices.Delete(c.points, 0, 1)
	return true
}

func (c *Conversation) copy() Conversation {
	d := *c
	d.Messages, d.Todos = slices.Clone(c.Messages), slices.Clone(c.Todos)
	return d
}

// List is all of them, the oldest first.
func (c *Checkpoints) List() []Checkpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Checkpoint
	for _, p := range c.points {
		all = append(all, p.Checkpoint)
	}
	return all
}

// Rewind makes the files and the saved conversation what they were at a
// checkpoint: both, or with an error neither. Later checkpoints are let go. The
// next Run with the ID of the conversation goes on from there. While a run is under
// way it is ErrBusy; an ID that is not held is fs.ErrNotExist.
func (c *Checkpoints) Rewind(ctx context.Context, id string) (*Conversation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.points, func(p point) bool { return p.ID == id })
	switch {
	case c.busy:
		return nil, fmt.Errorf("deepagent: rewind: %w", ErrBusy)
	case i < 0:
		return nil, &fs.PathError{Op: "rewind", Path: id, Err: fs.ErrNotExist}
	}
	now, err := c.source.TakeSnapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("deepagent: rewind: %w", err)
	}
	defer now.Close()
	p := c.points[i]
	if err := p.files.Restore(ctx); err != nil {
		return nil, fmt.Errorf("deepagent: rewind: %w", err)
	}
	conv := p.conv.copy()
	if err := overwrite(ctx, p.store, &conv); err != nil {
		back := now.Restore(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("deepagent: rewind: %w", errors.Join(err, back))
	}
	for _, later := range c.points[i+1:] {
		err = errors.Join(err, later.files.Close())
	}
	c.points = c.points[:i+1]
	return &conv, err
}

// overwrite saves a conversation in the place of whatever is there.
func overwrite(ctx context.Context, s Store, c *Conversation) error {
	c.Rev = ""
	now, err := s.Load(ctx, c.ID)
	switch {
	case err == nil:
		c.Rev = now.Rev
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return s.Save(ctx, c)
}
