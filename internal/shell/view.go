package shell

import (
	"context"
	"io"
	"iter"
	"strings"

	"github.com/hutch-dev/hutch"
)

// view is the files of a Sandbox, with their links followed or, unlinked,
// refused.
type view struct {
	s        *Sandbox
	unlinked bool
}

var (
	_ hutch.Backend = view{}
	_ hutch.Renamer = view{}
)

// way is how a function is called.
func (v view) way(function string) string {
	if v.unlinked {
		return "straight " + function
	}
	return function
}

// key keeps what is known of a name apart: it may lead to two files.
func (v view) key(name string) string {
	if v.unlinked {
		return "/" + name // which is no name
	}
	return name
}

// Open implements [hutch.Backend]. A file of up to 64 KiB is read at once, of a
// larger one each Read may ask for more. ctx bounds Open alone.
func (s *Sandbox) Open(ctx context.Context, name string) (hutch.File, error) {
	return view{s: s}.Open(ctx, name)
}

// Stat implements [hutch.Backend].
func (s *Sandbox) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return view{s: s}.Stat(ctx, name)
}

// List implements [hutch.Backend].
func (s *Sandbox) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return view{s: s}.List(ctx, dir)
}

// Write implements [hutch.Backend].
func (s *Sandbox) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	return view{s: s}.Write(ctx, name, r, opts)
}

// Remove implements [hutch.Backend].
func (s *Sandbox) Remove(ctx context.Context, name string) error {
	return view{s: s}.Remove(ctx, name)
}

// Rename implements [hutch.Renamer]. A link is renamed, never what it leads to.
func (s *Sandbox) Rename(ctx context.Context, from, to string) error {
	return view{s: s}.Rename(ctx, from, to)
}

// Real implements [hutch.Linker]: the shell goes where Open would.
func (s *Sandbox) Real(ctx context.Context, name string) (string, error) {
	if err := s.begin(ctx, "real", name); err != nil {
		return "", err
	}
	defer s.end()
	a, err := s.pool.ask(ctx, true, "real", name)
	if err == nil && a.word != "ok" {
		err = a.err()
	}
	var real string
	if err == nil {
		real, err = a.name()
	}
	if err != nil {
		return "", fail("real", name, err)
	}
	return real, nil
}

// name is the name in an answer. What does not exist is in it as a link has it.
func (a *answer) name() (string, error) {
	var parts []string
	for part := range strings.SplitSeq(string(a.body), "/") {
		switch part {
		case "", ".":
		case "..": // out of what is no directory
			if err, ok := words[a.rest]; ok {
				return "", err
			}
			return "", errGarbled
		default:
			parts = append(parts, part)
		}
	}
	name := strings.Join(parts, "/")
	if name == "" {
		name = "."
	}
	if hutch.CheckName("real", name) != nil {
		return "", words["nameless"]
	}
	return name, nil
}

// Unlinked implements [hutch.Linker]. The kernel is asked, once a directory is
// entered or a file open, how it is called: only under the very name that was
// asked for is it used, and by that handle. So a link that is put in its place
// at any moment is not followed. It costs a process for each operation. A
// directory whose path in the place has 4096 bytes or more cannot be told and is
// refused.
func (s *Sandbox) Unlinked() hutch.Backend { return view{s: s, unlinked: true} }
