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

// What grep shows at most.
const (
	maxGrep      = 50  // files, or matching lines
	maxGrepWidth = 100 // characters of a line
	maxGrepBytes = 400 // bytes of a line that are asked for
)

type grepIn struct {
	Pattern    string `json:"pattern" jsonschema:"A regular expression (RE2: no look-around, no back references), matched line by line."`
	Path       string `json:"path,omitempty" default:"." jsonschema:"The directory or the one file to search. The default is the whole workspace."`
	Glob       string `json:"glob_pattern,omitempty" jsonschema:"Only files that are called like this: *.go, src/**/*.{js,ts}. Without a slash it is matched with the last part of the path."`
	Mode       string `json:"output_mode,omitempty" default:"files_with_matches" enum:"files_with_matches,content,count" jsonschema:"Show the files that match, the lines that match, or how many lines match in each file."`
	Hidden     *bool  `json:"ignore_hidden,omitempty" jsonschema:"Leave out hidden files and directories."`
	IgnoreCase bool   `json:"ignore_case,omitempty" default:"false" jsonschema:"Take upper and lower case for the same."`
	Literal    bool   `json:"literal,omitempty" default:"false" jsonschema:"The pattern is plain text, not an expression."`
	Context    int    `json:"context,omitempty" default:"0" min:"0" max:"20" jsonschema:"With content: how many lines to show before and after each line that matches."`
	Ignored    bool   `json:"include_ignored,omitempty" default:"false" jsonschema:"Also search what .gitignore files leave out."`
}

type grepOut struct {
	Files   []grepFile `json:"files" jsonschema:"The first files that match, by name."`
	Lines   []grepLine `json:"lines,omitempty" jsonschema:"With content: the lines."`
	Matches int        `json:"matches" jsonschema:"Lines that match in all; with files_with_matches the number of files."`
	More    bool       `json:"more" jsonschema:"There are more than are shown; with content they were not counted."`
}

type grepFile struct {
	Path    string `json:"path"`
	Matches int    `json:"matches,omitempty" jsonschema:"Lines that match; not with files_with_matches."`
}

type grepLine struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Text    string `json:"text"`
	Context bool   `json:"context,omitempty" jsonschema:"It does not match itself, but is next to one that does."`
}

func (c *console) grepTool() Tool {
	s := spec{
		name: "grep", title: "Search in files", op: guard.Grep, readOnly: true, idempotent: true,
		defaults: map[string]string{"ignore_hidden": fmt.Sprint(!c.o.SearchHidden)},
	}
	return newTool(c, s, c.grep)
}

func (c *console) grep(ctx context.Context, _ Call, in grepIn) (answer[grepOut], error) {
	dir, err := c.resolve(in.Path)
	if err != nil {
		return answer[grepOut]{}, err
	}
	q := c.query(dir, in)
	if err := q.Check(); err != nil {
		return answer[grepOut]{}, c.searchError(ctx, dir, "Invalid regex pattern", err)
	}
	out := &grepOut{Files: []grepFile{}}
	note := ""
	for m, err := range hutch.Grep(ctx, c.b, q) {
		if isBelow(err, dir) {
			note = "\n(Some files could not be searched: permission denied.)"
			break
		}
		if err != nil {
			return answer[grepOut]{}, c.searchError(ctx, dir, "Invalid pattern", err)
		}
		if !out.add(in.Mode, hutch.PathOf(c.b, m.Name), m) {
			break
		}
	}
	return answer[grepOut]{text: c.grepText(out, in) + note, data: out}, nil
}

// isBelow reports whether err is that of a file or directory in dir that may not
// be read, which is the last thing that a search says.
func isBelow(err error, dir string) bool {
	var pe *fs.PathError
	return errors.Is(err, fs.ErrPermission) && errors.As(err, &pe) && pe.Path != dir
}

func (c *console) query(dir string, in grepIn) hutch.Query {
	q := hutch.Query{
		Pattern: in.Pattern, Literal: in.Literal, IgnoreCase: in.IgnoreCase, Dir: dir,
		Hidden: c.searchesHidden(in), Gitignore: !in.Ignored, MaxLine: maxGrepBytes,
	}
	if in.Glob != "" {
		q.Include = []string{strings.TrimPrefix(in.Glob, "./")}
	}
	if !isKept(dir) {
		q.Exclude = keptFrom(dir)
	}
	switch in.Mode {
	case "files_with_matches":
		q.MaxPerFile = 1
	case "content":
		q.Before, q.After = in.Context, in.Context
		q.Max = maxGrep + 1
	}
	return q
}

func (c *console) searchesHidden(in grepIn) bool {
	if in.Hidden != nil {
		return !*in.Hidden
	}
	return c.o.SearchHidden
}

// keptFrom is the pattern for what is kept, as seen from a directory above it.
func keptFrom(dir string) []string {
	if dir == "." {
		return []string{keptDir + "/**"}
	}
	if rest, ok := strings.CutPrefix(keptDir, dir+"/"); ok {
		return []string{rest + "/**"}
	}
	return nil
}

// add takes in a line, and reports whether more are wanted.
func (o *grepOut) add(mode, path string, m hutch.Match) bool {
	if !m.Context {
		if mode == "content" && o.Matches == maxGrep {
			o.More = true
			return false
		}
		o.Matches++
		o.file(mode, path)
	}
	if mode == "content" {
		o.Lines = append(o.Lines, grepLine{Path: path, Line: m.Line, Text: around(m), Context: m.Context})
	}
	return true
}

// file counts a line that matches for its file.
func (o *grepOut) file(mode, path string) {
	n := len(o.Files)
	if n == 0 || o.Files[n-1].Path != path {
		if n == maxGrep {
			o.More = true
			return
		}
		o.Files = append(o.Files, grepFile{Path: path})
		n++
	}
	if mode != "files_with_matches" {
		o.Files[n-1].Matches++
	}
}

// around is the text of a line, cut to the part around the match.
func around(m hutch.Match) string {
	text := []rune(strings.ToValidUTF8(m.Text, "\ufffd"))
	if len(text) <= maxGrepWidth && !m.Cut {
		return string(text)
	}
	start := len([]rune(strings.ToValidUTF8(m.Text[:min(m.Start, len(m.Text))], "\ufffd")))
	from := max(0, min(start-maxGrepWidth/4, len(text)-maxGrepWidth))
	to := min(len(text), from+maxGrepWidth)
	s := string(text[from:to])
	if from > 0 || m.Cut && m.Start > 0 {
		s = "..." + s
	}
	if to < len(text) || m.Cut {
		s += "..."
	}
	return s
}

func (c *console) grepText(o *grepOut, in grepIn) string {
	shown := cut(in.Pattern, 200)
	if o.Matches == 0 {
		text := fmt.Sprintf("No matches for '%s'", shown)
		if !in.Ignored || !c.searchesHidden(in) {
			text += " (hidden files are searched with ignore_hidden=false, those in .gitignore with include_ignored=true)"
		}
		return text
	}
	var s strings.Builder
	switch in.Mode {
	case "content":
		o.writeLines(&s)
	case "count":
		fmt.Fprintf(&s, "Found %s for '%s':", count(o.Matches, "match", "matches"), shown)
		for _, f := range o.Files {
			fmt.Fprintf(&s, "\n%s: %d", printable(f.Path), f.Matches)
		}
		if o.More {
			s.WriteString("\n... and more files")
		}
	default:
		for _, f := range o.Files {
			s.WriteString(printable(f.Path) + "\n")
		}
		if o.More {
			fmt.Fprintf(&s, "... and %s", count(o.Matches-len(o.Files), "more file", "more files"))
		}
	}
	return strings.TrimSuffix(s.String(), "\n")
}

// writeLines prints lines as grep does: a colon after the number of a line that
// matches, a dash after that of one beside it, "--" where lines are left out.
func (o *grepOut) writeLines(s *strings.Builder) {
	gaps := false
	for _, l := range o.Lines {
		gaps = gaps || l.Context
	}
	for i, l := range o.Lines {
		if gaps && i > 0 && (l.Path != o.Lines[i-1].Path || l.Line != o.Lines[i-1].Line+1) {
			s.WriteString("--\n")
		}
		mark := ':'
		if l.Context {
			mark = '-'
		}
		fmt.Fprintf(s, "%s%c%d%c %s\n", printable(l.Path), mark, l.Line, mark, l.Text)
	}
	if o.More {
		s.WriteString("... more matches (narrow the search with path or glob_pattern)")
	}
}
