package hutch

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/hutch-dev/hutch/internal/search"
)

// ignores holds the rules of the .gitignore files met on a walk. Off, it skips
// nothing and reads nothing.
type ignores struct {
	ctx   context.Context
	b     Backend
	on    bool
	rules map[string]*search.Ignore // of each directory, those of its parents included
}

// newIgnores reads the rules of the directories above dir.
func newIgnores(ctx context.Context, b Backend, on bool, dir string) (*ignores, error) {
	ig := &ignores{ctx: ctx, b: b, on: on, rules: map[string]*search.Ignore{}}
	if !on || dir == "." {
		return ig, nil
	}
	above := "."
	for s := range strings.SplitSeq(dir, "/") {
		if err := ig.load(above); err != nil && !gone(err) {
			return nil, err
		}
		above = join(above, s)
	}
	return ig, nil
}

// read takes in the rules of a directory from what is listed in it.
func (ig *ignores) read(dir string, entries []Info) error {
	if !ig.on {
		return nil
	}
	ig.rules[dir] = ig.rules[path.Dir(dir)]
	for _, e := range entries {
		if path.Base(e.Name) == ".gitignore" && e.Mode.IsRegular() {
			return ig.load(dir)
		}
	}
	return nil
}

func (ig *ignores) load(dir string) error {
	parent := ig.rules[path.Dir(dir)]
	if dir == "." {
		parent = nil
	}
	ig.rules[dir] = parent
	name := join(dir, ".gitignore")
	f, err := ig.b.Open(ig.ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if n := sizeOf(f); n > maxIgnore {
		return pathError("read", name, fmt.Errorf("%w: %d bytes of rules, at most %d", ErrTooLarge, n, maxIgnore))
	}
	data, err := readAll(ig.ctx, name, f)
	if err != nil {
		return err
	}
	ig.rules[dir] = parent.With(dir, data)
	return nil
}

// maxIgnore is the size in bytes of the largest .gitignore that is read.
const maxIgnore = 4 << 20

// skip reports whether an entry of a directory that was read is left out.
func (ig *ignores) skip(i Info) bool {
	if !ig.on {
		return false
	}
	return path.Base(i.Name) == ".git" || ig.rules[path.Dir(i.Name)].Match(i.Name, i.IsDir())
}
