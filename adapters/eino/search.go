package eino

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/hutch-dev/hutch"
)

// GlobInfo returns the files and links that match, in the order of their names. A
// pattern that begins with a slash is matched against absolute paths, any other
// against paths as seen from Path. Patterns are those of [hutch.Glob].
func (e *Backend) GlobInfo(ctx context.Context, req *filesystem.GlobInfoRequest) ([]filesystem.FileInfo, error) {
	dir, pattern := req.Path, req.Pattern
	if strings.HasPrefix(pattern, "/") {
		below, ok := strings.CutPrefix(pattern, strings.TrimSuffix(e.Root(), "/")+"/")
		if !ok {
			return nil, e.failed("glob", pattern, fmt.Errorf("%w: pattern is outside the workspace, which is at %s", fs.ErrInvalid, e.Root()))
		}
		dir, pattern = "", below
	}
	name, err := e.resolve(dir)
	if err != nil {
		return nil, err
	}
	var all []filesystem.FileInfo
	o := &hutch.GlobOptions{Dir: name, Hidden: e.o.SearchHidden, Gitignore: e.o.Gitignore}
	for i, err := range hutch.Glob(ctx, e.b, pattern, o) {
		if err != nil {
			return all, e.searchFailed(ctx, "glob", dir, name, err)
		}
		all = append(all, e.info(i))
	}
	return all, nil
}

// GrepRaw returns the lines that match, in the order of their paths and numbers,
// each with those around it that were asked for. Pattern is RE2; with
// EnableMultiline, where it may span lines, a dot matches line ends too, and files
// over [hutch.MaxEdit] are an error. Binary files are passed over. A file that may
// not be read is an error next to what was found in the others.
func (e *Backend) GrepRaw(ctx context.Context, req *filesystem.GrepRequest) ([]filesystem.GrepMatch, error) {
	if req.Pattern == "" {
		return nil, e.failed("grep", req.Path, fmt.Errorf("%w: empty pattern", fs.ErrInvalid))
	}
	dir, err := e.resolve(req.Path)
	if err != nil {
		return nil, err
	}
	types, err := globsOf(req.FileType)
	if err != nil {
		return nil, e.failed("grep", req.Path, err)
	}
	s := search{e: e, req: req, dir: dir, include: types}
	if req.Glob != "" {
		s.include, s.types = []string{req.Glob}, types
	}
	if req.EnableMultiline {
		return s.whole(ctx)
	}
	return s.lines(ctx)
}

// search is one GrepRaw.
type search struct {
	e       *Backend
	req     *filesystem.GrepRequest
	dir     string
	include []string // patterns of files
	types   []string // what their base names must match too; empty is all
	found   []filesystem.GrepMatch
}

func (s *search) lines(ctx context.Context) ([]filesystem.GrepMatch, error) {
	q := hutch.Query{
		Pattern: s.req.Pattern, IgnoreCase: s.req.CaseInsensitive, Dir: s.dir, Include: s.include,
		Hidden: s.e.o.SearchHidden, Gitignore: s.e.o.Gitignore,
		Before: max(0, s.req.BeforeLines), After: max(0, s.req.AfterLines),
	}
	for m, err := range hutch.Grep(ctx, s.e.b, q) {
		if err != nil {
			return s.found, s.e.searchFailed(ctx, "grep", s.req.Path, s.dir, err)
		}
		if s.typed(m.Name) {
			s.found = append(s.found, filesystem.GrepMatch{Path: s.e.path(m.Name), Line: m.Line, Content: strings.ToValidUTF8(m.Text, "\ufffd")})
		}
	}
	return s.found, nil
}

func (s *search) typed(name string) bool {
	return len(s.types) == 0 || slices.ContainsFunc(s.types, func(glob string) bool {
		ok, _ := path.Match(glob, path.Base(name))
		return ok
	})
}

// searchFailed is the error of a search below dir; that there is no such directory
// is none.
func (e *Backend) searchFailed(ctx context.Context, op, typed, dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, stat := e.b.Stat(ctx, dir); errors.Is(stat, fs.ErrNotExist) {
			return nil
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path != dir {
		typed = pe.Path // one file of many, or the pattern
		if _, stat := e.b.Stat(ctx, pe.Path); stat == nil || errors.Is(stat, fs.ErrPermission) {
			typed = e.path(pe.Path)
		}
	}
	return e.failed(op, typed, err)
}

// globsOf are the patterns of the files of a type, as ripgrep knows them: the
// usual types have several, any other is an extension.
func globsOf(fileType string) ([]string, error) {
	if fileType == "" {
		return nil, nil
	}
	if strings.ContainsAny(fileType, "*?[]{}!\\/, ") {
		return nil, fmt.Errorf("%w: no file type %q; give an extension", fs.ErrInvalid, fileType)
	}
	if known, ok := fileTypes[fileType]; ok {
		return strings.Fields(known), nil
	}
	return []string{"*." + fileType}, nil
}

var fileTypes = map[string]string{
	"c":          "*.c *.h",
	"cpp":        "*.cpp *.cc *.cxx *.c++ *.hpp *.hh *.hxx *.h++ *.h *.inl",
	"csharp":     "*.cs",
	"docker":     "Dockerfile Dockerfile.* *.dockerfile",
	"haskell":    "*.hs *.lhs",
	"html":       "*.html *.htm",
	"js":         "*.js *.mjs *.cjs *.jsx",
	"kotlin":     "*.kt *.kts",
	"make":       "Makefile makefile GNUmakefile *.mk *.mak",
	"markdown":   "*.md *.markdown *.mdx",
	"md":         "*.md *.markdown *.mdx",
	"perl":       "*.pl *.pm *.t",
	"protobuf":   "*.proto",
	"py":         "*.py *.pyi",
	"python":     "*.py *.pyi",
	"ruby":       "*.rb *.gemspec Rakefile Gemfile",
	"rust":       "*.rs",
	"sh":         "*.sh *.bash *.zsh",
	"ts":         "*.ts *.tsx *.mts *.cts",
	"typescript": "*.ts *.tsx *.mts *.cts",
	"yaml":       "*.yaml *.yml",
}
