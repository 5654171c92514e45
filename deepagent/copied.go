package deepagent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// The defaults of CopyOptions.
const (
	DefaultCopyBytes = 64 << 20
	DefaultCopyFiles = 20_000
)

// CopyOptions qualifies Copied. The zero value is good.
type CopyOptions struct {
	// MaxBytes is how much all snapshots together take in memory, content that is
	// the same counted once; 0 is DefaultCopyBytes. MaxFiles is how many files one
	// snapshot has; 0 is DefaultCopyFiles. More is [hutch.ErrTooLarge].
	MaxBytes int64
	MaxFiles int
	// Leave are names of files and directories that are no part of snapshots and
	// stay as they are: what can be made again, and what others write to.
	Leave []string
}

// Copied makes any backend able to go back, by copies of all files in memory. A file
// whose revision has not changed is not read again. b must be a [hutch.Linker]. What
// rules there are in b hold: what they hide is no part of it, and nobody is asked.
//
// Going back writes what is not as it was and removes what was not there, each file
// only in the revision that was looked at just before: where anything changes
// meanwhile it is [hutch.ErrConflict], before the first write where that can be seen,
// and what was done is undone. It is no single step: somebody else can see, and a
// power failure can leave, a part of it. Commands should not be running.
//
// Content and permission bits of files go back. Empty directories, pipes, devices and
// sockets are no part of it. A link that was not there is removed; one that has gone
// or leads elsewhere cannot be made again: errors.ErrUnsupported, and nothing is
// touched.
func Copied(b hutch.Backend, o *CopyOptions) hutch.Snapshotter {
	c := &copier{b: b, held: map[sum]*content{}}
	if o != nil {
		c.o = *o
	}
	c.o.MaxBytes = orElse(c.o.MaxBytes, DefaultCopyBytes)
	c.o.MaxFiles = orElse(c.o.MaxFiles, DefaultCopyFiles)
	return c
}

type copier struct {
	b hutch.Backend
	o CopyOptions

	mu    sync.Mutex
	held  map[sum]*content
	bytes int64
	last  listing // as they were seen last, to read nothing twice
}

// content is what some files have in it, kept once.
type content struct {
	data []byte
	sum  sum
	refs int // files of snapshots
}

// entry is a file or a link of a snapshot.
type entry struct {
	rev  string
	mode fs.FileMode
	to   string   // where a link leads; "" if nowhere
	c    *content // nil of a link
}

func (e entry) isLink() bool { return e.c == nil }

// same reports whether two entries are the same file or link.
func (e entry) same(other entry) bool {
	return e.c == other.c && e.to == other.to && e.mode == other.mode
}

// listing is all files and links by name.
type listing map[string]entry

// TakeSnapshot implements [hutch.Snapshotter].
func (c *copier) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.take(ctx)
	if err != nil {
		return nil, err
	}
	return &copied{c: c, files: all}, nil
}

// take copies what there is, or nothing. The caller holds mu.
func (c *copier) take(ctx context.Context) (listing, error) {
	links, b, err := c.unlinked()
	if err != nil {
		return nil, err
	}
	ctx = guard.Unasked(ctx)
	all := listing{}
	for i, err := range hutch.Walk(ctx, b, ".") {
		if err == nil && !c.left(i.Name) {
			err = c.add(ctx, all, links, b, i)
		}
		if err != nil {
			c.drop(all)
			return nil, err
		}
	}
	c.last = all
	return all, nil
}

func (c *copier) unlinked() (hutch.Linker, hutch.Backend, error) {
	for _, name := range c.o.Leave {
		if err := hutch.CheckName("snapshot", name); err != nil {
			return nil, nil, err
		}
	}
	links, ok := hutch.As[hutch.Linker](c.b)
	if !ok {
		return nil, nil, fmt.Errorf("deepagent: snapshot: %w: the backend does not say where links lead", errors.ErrUnsupported)
	}
	return links, links.Unlinked(), nil
}

func (c *copier) left(name string) bool {
	for _, l := range c.o.Leave {
		if l == "." || name == l || strings.HasPrefix(name, l+"/") {
			return true
		}
	}
	return false
}

// add adds one file or link to a snapshot.
func (c *copier) add(ctx context.Context, all listing, links hutch.Linker, b hutch.Backend, i hutch.Info) error {
	if len(all) == c.o.MaxFiles {
		return tooMuch("%d files", c.o.MaxFiles)
	}
	if i.Mode.Type() == fs.ModeSymlink {
		to, err := links.Real(ctx, i.Name)
		if err != nil {
			to = ""
		}
		all[i.Name] = entry{mode: i.Mode.Type(), to: to}
		return ctx.Err()
	}
	if old, ok := c.last[i.Name]; ok && !old.isLink() && old.rev == i.Rev && c.held[old.c.sum] == old.c {
		old.c.refs++
		all[i.Name] = entry{rev: i.Rev, mode: i.Mode.Perm(), c: old.c}
		return nil
	}
	return c.read(ctx, all, b, i.Name)
}

// read copies a file. What is gone meanwhile is not there.
func (c *copier) read(ctx context.Context, all listing, b hutch.Backend, name string) error {
	f, err := b.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	room := c.o.MaxBytes - c.bytes
	data, err := io.ReadAll(io.LimitReader(f, c.most(room)))
	if err != nil {
		return err
	}
	kept := c.held[sha256.Sum256(data)]
	if kept == nil {
		if int64(len(data)) > room {
			return tooMuch("%d bytes", c.o.MaxBytes)
		}
		kept = &content{data: data, sum: sha256.Sum256(data)}
		c.held[kept.sum], c.bytes = kept, c.bytes+int64(len(data))
	}
	kept.refs++
	all[name] = entry{rev: f.Info().Rev, mode: f.Info().Mode.Perm(), c: kept}
	return nil
}

// most is how much of a file is read: one byte more than what fits, or than the
// largest content that is held, which it may be once more.
func (c *copier) most(room int64) int64 {
	for _, k := range c.held {
		room = max(room, int64(len(k.data)))
	}
	return room + 1
}

// drop lets the copies of a snapshot go. The caller holds mu.
func (c *copier) drop(all listing) {
	for _, e := range all {
		if e.isLink() {
			continue
		}
		if e.c.refs--; e.c.refs == 0 {
			delete(c.held, e.c.sum)
			c.bytes -= int64(len(e.c.data))
		}
	}
}

func tooMuch(format string, args ...any) error {
	return fmt.Errorf("deepagent: snapshot: %w: more than %s", hutch.ErrTooLarge, fmt.Sprintf(format, args...))
}
