package main

import (
	"context"
	"fmt"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

// searcher is the verb grep.
type searcher struct {
	*cli
	q           hutch.Query
	around      int
	names, sums bool

	p     printer
	found int
	last  hutch.Match // what was printed last
	name  string      // of the file that is being counted
	count int
}

func grepCommand(c *cli) *cobra.Command {
	s := &searcher{cli: c}
	cmd := &cobra.Command{
		Use:   "grep PATTERN [PATH...]",
		Short: "Find lines in files",
		Long: `Print the lines that match a regular expression (RE2), as they are found, as
NAME:LINE:TEXT. Directories are searched with all below them; binary files and
names that begin with a dot are left out. PATTERN that begins with a dash comes
after --.
With --json, one object a line: name, line, text, start and end of the first match
in bytes, context and cut if true. Where text is no UTF-8 it has U+FFFD in it, and
text_base64 is exact. With -l name, with -c name and count.
Exit status: 0 found, 1 nothing found or an error, 2 wrong usage.`,
		Example: `  hutch grep -i 'todo|fixme' src --include '*.go' -C 2`,
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.q.Pattern = args[0]
			if cmd.Flags().Changed("context") {
				s.widen(cmd.Flags().Changed)
			}
			return s.run(cmd.Context(), args[1:])
		},
	}
	s.flags(cmd)
	c.completeDir(cmd, "dir")
	cmd.ValidArgsFunction = c.completeAfterFirst
	return cmd
}

func (s *searcher) flags(cmd *cobra.Command) {
	f, q := cmd.Flags(), &s.q
	f.BoolVarP(&q.Literal, "fixed-strings", "F", false, "PATTERN is text, not an expression")
	f.BoolVarP(&q.IgnoreCase, "ignore-case", "i", false, "take upper and lower case for the same")
	f.IntVarP(&q.After, "after", "A", 0, "show `N` lines after a match, too")
	f.IntVarP(&q.Before, "before", "B", 0, "show `N` lines before a match, too")
	f.IntVarP(&s.around, "context", "C", 0, "show `N` lines around a match, too")
	f.IntVarP(&q.MaxPerFile, "max-per-file", "m", 0, "at most `N` matching lines of a file")
	f.IntVar(&q.Max, "max", 0, "at most `N` matching lines in all")
	f.StringArrayVar(&q.Include, "include", nil, "only files that match this `PATTERN` (may be repeated)")
	f.StringArrayVar(&q.Exclude, "exclude", nil, "no files or directories that match this `PATTERN`")
	f.BoolVar(&q.Hidden, "hidden", false, "search names that begin with a dot, too")
	f.BoolVar(&q.Gitignore, "gitignore", false, "leave out what the .gitignore files leave out, and .git")
	f.StringVar(&q.Dir, "dir", "", "search in this `DIR` only; PATHs are as seen from there")
	f.BoolVarP(&s.names, "files-with-matches", "l", false, "print only the names of the files")
	f.BoolVarP(&s.sums, "count", "c", false, "print only how many lines of each file match")
}

// widen makes -C the default of -A and -B.
func (s *searcher) widen(changed func(string) bool) {
	if !changed("after") {
		s.q.After = s.around
	}
	if !changed("before") {
		s.q.Before = s.around
	}
}

func (s *searcher) run(ctx context.Context, paths []string) error {
	if s.names && s.sums {
		return usagef("grep: -l and -c exclude each other")
	}
	if s.names || s.sums {
		s.q.Before, s.q.After = 0, 0
	}
	if s.names {
		s.q.MaxPerFile = 1
	}
	if err := s.q.Check(); err != nil {
		return usage(err)
	}
	w, err := s.open(nil)
	if err != nil {
		return err
	}
	s.p = s.printer()
	dir, err := hutch.Resolve(w.b, ".", s.q.Dir)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	err = s.each(ctx, paths, func(path string) error {
		name, err := hutch.Resolve(w.b, dir, path)
		if err != nil {
			return err
		}
		return s.search(ctx, w.b, name)
	})
	if err == nil && s.found == 0 {
		return exit(1)
	}
	return err
}

func (s *searcher) search(ctx context.Context, b hutch.Backend, name string) error {
	q := s.q
	q.Dir = name
	if q.Max > 0 {
		if q.Max -= s.found; q.Max <= 0 {
			return nil
		}
	}
	for m, err := range hutch.Grep(ctx, b, q) {
		if err != nil {
			return joinFirst(err, s.sum())
		}
		if !m.Context {
			s.found++
		}
		if err := s.show(m); err != nil {
			return err
		}
	}
	return s.sum()
}

func joinFirst(err, then error) error {
	if err != nil {
		return err
	}
	return then
}

func (s *searcher) show(m hutch.Match) error {
	switch {
	case s.sums:
		return s.add(m)
	case s.names:
		return s.put(struct {
			Name string `json:"name"`
		}{m.Name}, s.p.paint(nameColor, m.Name))
	case s.json:
		return s.printJSON(matchJSON(m))
	}
	if s.gap(m) {
		if _, err := fmt.Fprintln(s.out, s.p.paint(sepColor, "--")); err != nil {
			return err
		}
	}
	s.last = m
	_, err := fmt.Fprintln(s.out, s.p.match(m))
	return err
}

// gap reports whether m is not next to what was printed last, where context is
// shown.
func (s *searcher) gap(m hutch.Match) bool {
	return s.q.Before+s.q.After > 0 && s.last.Name != "" && (m.Name != s.last.Name || m.Line != s.last.Line+1)
}

// add counts a match; the count of a file is printed when the next one begins.
func (s *searcher) add(m hutch.Match) error {
	if m.Name != s.name {
		if err := s.sum(); err != nil {
			return err
		}
		s.name = m.Name
	}
	s.count++
	return nil
}

// sum prints the count of the file whose matches are over.
func (s *searcher) sum() error {
	if s.count == 0 {
		return nil
	}
	n := s.count
	s.count = 0
	return s.put(struct {
		Name  string `json:"name"`
		Count int    `json:"count"`
	}{s.name, n}, fmt.Sprintf("%s%s%d", s.p.paint(nameColor, s.name), s.p.paint(sepColor, ":"), n))
}

// put prints one result as JSON or as text.
func (s *searcher) put(v any, text string) error {
	if s.json {
		return s.printJSON(v)
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}
