package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// maxGlob is how many files glob shows.
const maxGlob = 100

type globIn struct {
	Pattern string `json:"pattern" jsonschema:"What the files are called, as seen from path: * and ? within a name, ** across directories, [a-z], {a,b}."`
	Path    string `json:"path,omitempty" default:"." jsonschema:"The directory to look in. The default is the root of the workspace."`
	Ignored bool   `json:"include_ignored,omitempty" default:"false" jsonschema:"Also show what .gitignore files leave out."`
}

type globOut struct {
	Paths []string `json:"paths" jsonschema:"In the order of their names."`
	More  int      `json:"more" jsonschema:"How many are not shown."`
}

func (c *console) globTool() Tool {
	s := spec{name: "glob", title: "Find files", op: guard.Glob, readOnly: true, idempotent: true}
	return newTool(c, s, c.glob)
}

func (c *console) glob(ctx context.Context, _ Call, in globIn) (answer[globOut], error) {
	dir, err := c.resolve(in.Path)
	if err != nil {
		return answer[globOut]{}, err
	}
	opts := &hutch.GlobOptions{Dir: dir, Hidden: c.o.SearchHidden, Gitignore: !in.Ignored, Names: true}
	out, err := c.found(ctx, c.pattern(dir, in.Pattern), opts)
	if err != nil {
		return answer[globOut]{}, c.searchError(ctx, dir, "Invalid glob pattern", err)
	}
	if len(out.Paths) == 0 {
		text := fmt.Sprintf("No files matching '%s' in %s", cut(in.Pattern, 200), c.path(dir))
		return answer[globOut]{text: text + c.elsewhere(ctx, in, opts), data: out}, nil
	}
	var s strings.Builder
	fmt.Fprintf(&s, "Found %s matching '%s':", count(len(out.Paths)+out.More, "file", "files"), cut(in.Pattern, 200))
	for _, p := range out.Paths {
		s.WriteString("\n" + printable(p))
	}
	if out.More > 0 {
		fmt.Fprintf(&s, "\n... and %d more", out.More)
	}
	return answer[globOut]{text: s.String(), data: out}, nil
}

// pattern is what was given as seen from dir: a pattern may also begin with the
// path of that directory.
func (c *console) pattern(dir, pattern string) string {
	if !strings.HasPrefix(pattern, "/") {
		return strings.TrimPrefix(pattern, "./")
	}
	base := strings.TrimSuffix(hutch.PathOf(c.b, dir), "/") + "/"
	if rest, ok := strings.CutPrefix(pattern, base); ok {
		return rest
	}
	if _, rooted := hutch.As[hutch.Rooted](c.b); dir == "." && !rooted {
		return strings.TrimPrefix(pattern, "/")
	}
	return pattern
}

// found are the first files that match, and how many more do.
func (c *console) found(ctx context.Context, pattern string, opts *hutch.GlobOptions) (*globOut, error) {
	out := &globOut{Paths: []string{}}
	for i, err := range hutch.Glob(ctx, c.b, pattern, opts) {
		switch {
		case err != nil:
			return out, err
		case isKept(i.Name) && !isKept(opts.Dir):
		case len(out.Paths) < maxGlob:
			out.Paths = append(out.Paths, hutch.PathOf(c.b, i.Name))
		default:
			out.More++
		}
	}
	return out, nil
}

// elsewhere says where a pattern that has found nothing would have, if nobody has
// to be asked for that.
func (c *console) elsewhere(ctx context.Context, in globIn, opts *hutch.GlobOptions) string {
	if strings.Contains(in.Pattern, "/") {
		return ""
	}
	deep := *opts
	deep.Recurse = true
	out, err := c.found(guard.Unasked(ctx), in.Pattern, &deep)
	if err != nil || len(out.Paths) == 0 {
		return ""
	}
	return fmt.Sprintf(". Below it there are %d: use '**/%s'", len(out.Paths)+out.More, in.Pattern)
}

// searchError says more about what the model is most often wrong about.
func (c *console) searchError(ctx context.Context, name, invalid string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.missing(ctx, "Path", name)
	case errors.Is(err, hutch.ErrNotDir):
		return mistakef("'%s' is a file, not a directory.", c.path(name))
	case errors.Is(err, fs.ErrInvalid) && errors.As(err, &pe) && pe.Path != name:
		why := strings.TrimPrefix(cause(pe, err), fs.ErrInvalid.Error()+": ")
		return mistakef("%s: %s.", invalid, cut(why, 500))
	}
	return err
}

// keptDir is where output that is too large to show is kept. Searches leave it
// out unless they begin in it.
const keptDir = ".hutch/out"

func isKept(name string) bool { return name == keptDir || strings.HasPrefix(name, keptDir+"/") }
