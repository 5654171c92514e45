package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

// fileMode is a flag with permission bits in octal.
type fileMode fs.FileMode

func (m *fileMode) Type() string { return "MODE" }
func (m *fileMode) String() string {
	if *m == 0 {
		return ""
	}
	return fmt.Sprintf("%04o", fs.FileMode(*m))
}

func (m *fileMode) Set(s string) error {
	v, err := strconv.ParseUint(s, 8, 32)
	if err != nil || v == 0 || v > 0o777 {
		return fmt.Errorf("%q is no mode; write octal permission bits, such as 644", s)
	}
	*m = fileMode(v)
	return nil
}

func writeCommand(c *cli) *cobra.Command {
	var text, rev string
	var mode fileMode
	cmd := &cobra.Command{
		Use:   "write FILE",
		Short: "Store the standard input, or a text, as a file",
		Long: `Store the standard input, or the text of --content, as a file, all of it or
nothing, and print the revision. Directories are made as needed.
With --if-rev the file must still have that revision, or, for "absent", must not
exist; else nothing is written and the exit status is 1.
With --json, one object as of ls.`,
		Example: `  hutch write notes/todo.txt --content 'buy hay' --if-rev absent`,
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var r io.Reader = c.in
			if cmd.Flags().Changed("content") {
				r = strings.NewReader(text)
			}
			if cmd.Flags().Changed("if-rev") && rev == "" {
				return usagef("write: --if-rev is empty; leave it out to write always")
			}
			opts := &hutch.WriteOptions{IfRev: rev, Mode: fs.FileMode(mode)}
			return c.write(cmd.Context(), args[0], r, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&text, "content", "", "store this `TEXT` instead of the standard input")
	f.StringVar(&rev, "if-rev", "", "only if the file has this revision `REV`, or \"absent\"")
	f.Var(&mode, "mode", "permission bits, octal (default: those of the file, else 644)")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func (c *cli) write(ctx context.Context, path string, r io.Reader, opts *hutch.WriteOptions) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	name, err := hutch.Resolve(w.b, ".", path)
	if err != nil {
		return err
	}
	info, err := w.b.Write(ctx, name, r, opts)
	if err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	info = w.lasting(info)
	if c.json {
		return c.printJSON(entryOf(info))
	}
	_, err = fmt.Fprintln(c.out, info.Rev)
	return err
}
