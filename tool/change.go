package tool

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/diff"
)

// Limits of the diffs in results.
const (
	maxDiff    = 100_000  // bytes
	maxDiffing = 16 << 20 // bytes of both sides
)

// changed is the Data of what changes one file.
type changed struct {
	Path string `json:"path"`
	Rev  string `json:"rev" jsonschema:"The revision of the new version."`
	Size int64  `json:"size" jsonschema:"In bytes, of the new version."`
	delta
}

// delta is what a change did to a text.
type delta struct {
	Diff string `json:"diff,omitempty" jsonschema:"What changed, as a unified diff."`
	Cut  bool   `json:"diff_cut,omitempty" jsonschema:"The diff is not whole: it is too long, or a side is too large or no text."`
}

func deltaOf(path string, before, after []byte) delta {
	if len(before)+len(after) > maxDiffing || !utf8.Valid(before) || !utf8.Valid(after) {
		return delta{Cut: true}
	}
	d := diff.Unified(printable(path), string(before), string(after))
	if len(d) <= maxDiff {
		return delta{Diff: d}
	}
	d = d[:maxDiff]
	return delta{Diff: d[:strings.LastIndexByte(d, '\n')+1], Cut: true}
}

func (c *console) changed(name string, res hutch.EditResult) changed {
	path := hutch.PathOf(c.b, name)
	return changed{Path: path, Rev: res.Info.Rev, Size: int64(len(res.After)), delta: deltaOf(path, res.Before, res.After)}
}

// edit changes a file by a function of package hutch that updates it, if it is
// the version that the model knows, one change of a file at a time. moved is
// asked, after it was changed, which line is the first that may have another
// number; nil is the first.
func (c *console) edit(ctx context.Context, name string, do func(b hutch.Backend) (hutch.EditResult, error), moved func() int) (hutch.EditResult, error) {
	release, err := c.seen.hold(ctx, name)
	if err != nil {
		return hutch.EditResult{}, err
	}
	defer release()
	res, err := do(known(c.b, func(i hutch.Info) error { return c.fresh(name, i) }))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return res, c.missing(ctx, "File", name)
	case err != nil:
		return res, err
	}
	line := 1
	if moved != nil {
		line = moved()
	}
	c.seen.wrote(name, res.Info.Rev, line)
	return res, nil
}

// checked is a backend whose updates look at the version that they change. It
// lives for one update and restricts nothing else.
type checked struct {
	hutch.Backend
	check func(hutch.Info) error
}

func known(b hutch.Backend, check func(hutch.Info) error) hutch.Backend {
	return checked{b, check}
}

// Update implements hutch.Updater.
func (k checked) Update(ctx context.Context, name string, change func(before []byte, i hutch.Info) ([]byte, error)) (hutch.EditResult, error) {
	return hutch.UpdateFile(ctx, k.Backend, name, func(before []byte, i hutch.Info) ([]byte, error) {
		if err := k.check(i); err != nil {
			return nil, err
		}
		return change(before, i)
	})
}
