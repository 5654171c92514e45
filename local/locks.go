package local

import (
	"context"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// locks serialises the changes of one name: within the process by mutexes,
// among processes by byte ranges of one lock file, of which byte 0 is held
// shared by everybody who may have temporary files. Who can hold it alone
// knows that all temporary files were left behind.
type locks struct {
	tree   tree
	shards [shards]sync.Mutex

	mu   sync.Mutex // guards what follows
	file *os.File   // nil until the first change
}

const (
	shards   = 256
	lockName = staging + "/lock"
	presence = 0 // byte of the lock file
)

// init removes what dead users of the workspace left. Where that is not allowed
// the workspace is not written either.
func (l *locks) init(s *Sandbox) error {
	l.tree = s.tree
	n, err := l.tree.lstat(staging)
	if err != nil || !n.mode.IsDir() {
		return nil
	}
	f, err := l.tree.lockFile(lockName)
	if err != nil {
		return nil
	}
	defer f.Close()
	if lockRange(f, presence, true) == nil {
		l.sweep()
	}
	return nil
}

// sweep removes the staging directory. presence is held alone.
func (l *locks) sweep() {
	nodes, err := l.tree.list(staging, true)
	if err != nil {
		return
	}
	for _, n := range nodes {
		if !lockable && time.Since(time.Unix(0, n.mtime)) < time.Hour {
			continue // perhaps of a living process, and no lock to tell
		}
		l.tree.remove(staging + "/" + n.base)
	}
	l.tree.remove(staging)
}

// ready makes the staging directory and the lock file and holds presence.
func (l *locks) ready() (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.file == nil {
		if err := l.tree.mkdirs(staging); err != nil {
			return nil, err
		}
		f, err := l.tree.lockFile(lockName)
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept away between the two
		}
		if err != nil {
			return nil, err
		}
		if err := waitLock(context.Background(), f, presence, false); err != nil || unlinked(f) {
			f.Close() // swept away before it was held: start again
			if err != nil {
				return nil, err
			}
			continue
		}
		l.file = f
	}
	return l.file, nil
}

func shardOf(name string) int {
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(name)))
	return int(h.Sum32() % shards)
}

// lock holds the lock of a name, or of two, until the function returned is
// called.
func (l *locks) lock(ctx context.Context, names ...string) (unlock func(), err error) {
	f, err := l.ready()
	if err != nil {
		return nil, err
	}
	a := shardOf(names[0])
	b := shardOf(names[len(names)-1])
	a, b = min(a, b), max(a, b) // one order for all, so nobody waits in a circle
	if err := l.hold(ctx, f, a); err != nil {
		return nil, err
	}
	if a == b {
		return func() { l.release(f, a) }, nil
	}
	if err := l.hold(ctx, f, b); err != nil {
		l.release(f, a)
		return nil, err
	}
	return func() { l.release(f, b); l.release(f, a) }, nil
}

func (l *locks) hold(ctx context.Context, f *os.File, shard int) error {
	l.shards[shard].Lock()
	if err := waitLock(ctx, f, int64(1+shard), true); err != nil {
		l.shards[shard].Unlock()
		return err
	}
	return nil
}

func (l *locks) release(f *os.File, shard int) {
	unlockRange(f, int64(1+shard))
	l.shards[shard].Unlock()
}

// waitLock takes a range lock, asking again until ctx ends.
func waitLock(ctx context.Context, f *os.File, at int64, alone bool) error {
	for wait := 20 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		err := lockRange(f, at, alone)
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// errLocked: somebody else holds the range.
var errLocked = errors.New("locked")

// close lets go and, as the last user, leaves nothing behind.
func (l *locks) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	if lockRange(l.file, presence, true) == nil {
		l.sweep()
	}
	l.file.Close()
	l.file = nil
}
