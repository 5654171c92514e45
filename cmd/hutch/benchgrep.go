package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
)

// grep is a search over a tree of source code.
func (b *bench) grep() ([]row, error) {
	tree, what, err := b.sources()
	if err != nil {
		return nil, err
	}
	sb, err := local.Open(tree, nil)
	if err != nil {
		return nil, err
	}
	defer sb.Close()
	var rows []row
	for _, q := range []hutch.Query{
		{Pattern: "io.ErrUnexpectedEOF", Literal: true},
		{Pattern: `func \(\w+ \*?\w+\) Close\(\) error`},
	} {
		r, err := b.grepOne(sb, tree, q)
		if err != nil {
			return nil, err
		}
		r.What += " in " + what
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) grepOne(sb *local.Sandbox, tree string, q hutch.Query) (row, error) {
	mine := func() error {
		_, err := hutch.Collect(hutch.Grep(b.ctx, sb, q))
		return err
	}
	flags, what := []string{"--no-config", "--no-ignore", "--line-number"}, "grep of an expression"
	if q.Literal {
		flags, what = append(flags, "--fixed-strings"), "grep of a literal"
	}
	rg, err := exec.LookPath("rg")
	if err != nil {
		t, _, err := medians(b.ctx, 7, 1, mine, nil)
		r := timed(what, t, "rg", 0, 1.5)
		r.Note = "rg is not installed"
		return r, err
	}
	t, o, err := medians(b.ctx, 7, 1, mine, func() error {
		cmd := exec.Command(rg, append(flags, "--", q.Pattern, tree)...)
		cmd.Stdout = struct{ io.Writer }{io.Discard} // a pipe: to the null device less might be done
		err := cmd.Run()
		var status *exec.ExitError
		if errors.As(err, &status) && status.ExitCode() == 1 {
			return nil // nothing found
		}
		return err
	})
	return timed(what, t, "rg, the process", o, 1.5), err
}

// sources is a tree to search: that of Go where it is installed, else one made
// for it.
func (b *bench) sources() (dir, what string, err error) {
	out, _ := exec.Command("go", "env", "GOROOT").Output()
	dir = filepath.Join(strings.TrimSpace(string(out)), "src")
	if info, err := os.Stat(dir); len(out) > 1 && err == nil && info.IsDir() {
		return dir, "the Go sources", nil
	}
	dir = b.path("tree")
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "// line %d of a file that is searched\nfunc (f *file) read%d() error { return nil }\n", i, i)
	}
	text.WriteString("func (f *file) Close() error { return io.ErrUnexpectedEOF }\n")
	for i := range 2000 {
		file := filepath.Join(dir, fmt.Sprint("d", i%50), fmt.Sprintf("f%d.go", i))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", "", hostError(dir, err)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			return "", "", hostError(dir, err)
		}
	}
	return dir, "2000 made files", nil
}
