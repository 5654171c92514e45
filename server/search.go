package server

import (
	"strings"

	"github.com/hutch-dev/hutch"
)

func searchRoutes() []Route {
	return []Route{
		{
			Method: "GET", Path: "/glob", Name: "glob",
			Doc:   "Finds files and links by a pattern, sorted by path. A pattern without a slash is for names at any depth; ** stands for any number of directories.",
			Query: globQuery{}, Out: globOut{}, Serve: globFiles,
		},
		{
			Method: "POST", Path: "/grep", Name: "grep",
			Doc: "Finds lines by a regular expression (RE2), by path and then by line. Binary files are passed over.",
			In:  grepIn{}, Out: grepOut{}, Serve: grepFiles,
		},
	}
}

type globQuery struct {
	Pattern string `json:"pattern"`
	Path    string `json:"path" jsonschema:"Where the pattern starts."`
	Hidden  bool   `json:"hidden" jsonschema:"Wildcards match names that begin with a dot."`
	Limit   int    `json:"limit" jsonschema:"1000 if it is not there, at most 10000."`
}

type globOut struct {
	Files      []fileOut `json:"files"`
	More       bool      `json:"more" jsonschema:"There is more than the limit."`
	Incomplete string    `json:"incomplete,omitempty" jsonschema:"What could not be looked at."`
}

func globFiles(c *Call) (any, error) {
	q := c.Query.(*globQuery)
	limit, err := limitOf(q.Limit)
	if err != nil {
		return nil, err
	}
	dir, err := c.name(q.Path)
	if err != nil {
		return nil, err
	}
	var out globOut
	seq := hutch.Glob(c.Ctx, c.Backend, q.Pattern, &hutch.GlobOptions{Dir: dir, Recurse: true, Hidden: q.Hidden})
	if out.Files, out.More, out.Incomplete, err = gather(seq, limit, fileOf); err != nil {
		return nil, err
	}
	return out, nil
}

type grepIn struct {
	Pattern    string   `json:"pattern"`
	Literal    bool     `json:"literal,omitempty" jsonschema:"The pattern is text."`
	IgnoreCase bool     `json:"ignore_case,omitempty"`
	Path       string   `json:"path,omitempty" jsonschema:"A directory, or one file."`
	Include    []string `json:"include,omitempty" jsonschema:"Patterns of files that are searched; none is all."`
	Exclude    []string `json:"exclude,omitempty" jsonschema:"Patterns of files and directories that are left out."`
	Hidden     bool     `json:"hidden,omitempty" jsonschema:"Search names that begin with a dot too."`
	Gitignore  bool     `json:"gitignore,omitempty" jsonschema:"Leave out what .gitignore files leave out."`
	Before     int      `json:"before,omitempty" jsonschema:"Lines before each match, at most 100."`
	After      int      `json:"after,omitempty" jsonschema:"Lines after each match, at most 100."`
	Limit      int      `json:"limit,omitempty" jsonschema:"How many lines; 1000 if it is not there, at most 10000."`
}

type grepOut struct {
	Matches    []matchOut `json:"matches"`
	More       bool       `json:"more" jsonschema:"There is more than the limit, or than 4 MiB."`
	Incomplete string     `json:"incomplete,omitempty" jsonschema:"What could not be looked at."`
}

type matchOut struct {
	Path    string `json:"path"`
	Line    int    `json:"line" jsonschema:"From 1."`
	Text    string `json:"text" jsonschema:"Bytes that are no UTF-8 are replaced."`
	Context bool   `json:"context,omitempty" jsonschema:"It is a line around a match."`
	Cut     bool   `json:"cut,omitempty" jsonschema:"It is a part of a line that is too long."`
}

// Bounds of a search.
const (
	maxAround  = 100
	maxLine    = 4 << 10 // bytes of a line
	maxMatches = 4 << 20 // bytes of all lines
)

func grepFiles(c *Call) (any, error) {
	in := c.In.(*grepIn)
	limit, err := limitOf(in.Limit)
	if err != nil {
		return nil, err
	}
	if in.Before < 0 || in.Before > maxAround || in.After < 0 || in.After > maxAround {
		return nil, invalid("there are at most %d lines before and after a match", maxAround)
	}
	q := hutch.Query{
		Pattern: in.Pattern, Literal: in.Literal, IgnoreCase: in.IgnoreCase, Include: in.Include, Exclude: in.Exclude,
		Hidden: in.Hidden, Gitignore: in.Gitignore, Before: in.Before, After: in.After, MaxLine: maxLine,
	}
	if q.Dir, err = c.name(in.Path); err != nil {
		return nil, err
	}
	var out grepOut
	size := 0
	seq := func(yield func(hutch.Match, error) bool) {
		for m, err := range hutch.Grep(c.Ctx, c.Backend, q) {
			if size += len(m.Text); size > maxMatches {
				out.More = true
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
	all, more, missing, err := gather(seq, limit, matchOf)
	if err != nil {
		return nil, err
	}
	out.Matches, out.More, out.Incomplete = all, more || out.More, missing
	return out, nil
}

func matchOf(m hutch.Match) matchOut {
	return matchOut{m.Name, m.Line, strings.ToValidUTF8(m.Text, "\ufffd"), m.Context, m.Cut}
}
