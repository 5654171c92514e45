package eino

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/hutch-dev/hutch"
)

// whole searches files as one text each. The files are those of a search of lines
// for anything, one line of each, so that both look at the same ones.
func (s *search) whole(ctx context.Context) ([]filesystem.GrepMatch, error) {
	flags := "(?sm)"
	if s.req.CaseInsensitive {
		flags = "(?smi)"
	}
	re, err := regexp.Compile(flags + s.req.Pattern)
	if err != nil {
		return nil, s.e.failed("grep", s.req.Path, fmt.Errorf("%w: %w", fs.ErrInvalid, err))
	}
	q := hutch.Query{
		Pattern: "", Dir: s.dir, Include: s.include, MaxPerFile: 1,
		Hidden: s.e.o.SearchHidden, Gitignore: s.e.o.Gitignore,
	}
	for m, err := range hutch.Grep(ctx, s.e.b, q) {
		if err == nil && s.typed(m.Name) {
			err = s.file(ctx, m.Name, re)
		}
		if err != nil {
			return s.found, s.e.searchFailed(ctx, "grep", s.req.Path, s.dir, err)
		}
	}
	return s.found, nil
}

func (s *search) file(ctx context.Context, name string, re *regexp.Regexp) error {
	data, err := s.e.whole(ctx, name, hutch.MaxEdit)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, hutch.ErrConflict) {
		return nil // it has gone, or changes, while it is read
	}
	if err != nil {
		return &fs.PathError{Op: "grep", Path: name, Err: err}
	}
	if !isText(data) {
		return nil
	}
	text := string(data)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	shown, line, at := 0, 1, 0 // lines up to shown are in what was found; at is in line
	for _, m := range re.FindAllStringIndex(text, -1) {
		line += strings.Count(text[at:m[0]], "\n")
		at = m[0]
		last := line + strings.Count(strings.TrimSuffix(text[m[0]:m[1]], "\n"), "\n")
		from := max(shown+1, line-max(0, s.req.BeforeLines))
		to := min(len(lines), last+max(0, s.req.AfterLines))
		for n := from; n <= to; n++ {
			content := strings.ToValidUTF8(strings.TrimSuffix(lines[n-1], "\r"), "\ufffd")
			s.found = append(s.found, filesystem.GrepMatch{Path: s.e.path(name), Line: n, Content: content})
		}
		shown = max(shown, to)
	}
	return nil
}
