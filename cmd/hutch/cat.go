package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

func catCommand(c *cli) *cobra.Command {
	var lines span
	cmd := &cobra.Command{
		Use:   "cat FILE...",
		Short: "Print files",
		Long: `Print files byte for byte, one after the other.
With --json, one object a line: those of ls, and content. Where that is no UTF-8,
content has U+FFFD in it and content_base64 is exact.`,
		Example: `  hutch cat --lines 10:20 src/main.go`,
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			w, err := c.open(nil)
			if err != nil {
				return err
			}
			return c.each(ctx, args, func(arg string) error { return c.cat(ctx, w.b, arg, lines) })
		},
	}
	cmd.Flags().Var(&lines, "lines", "print only the lines from A to B, counted from 1 (10:20, 10:, :20)")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

// content is a file in JSON.
type content struct {
	entry
	Content string `json:"content"`
	Base64  string `json:"content_base64,omitempty"`
}

func (c *cli) cat(ctx context.Context, b hutch.Backend, arg string, lines span) error {
	name, err := hutch.Resolve(b, ".", arg)
	if err != nil {
		return err
	}
	f, err := b.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if lines != (span{}) {
		r = &lineReader{r: bufio.NewReaderSize(f, 64<<10), span: lines, line: 1}
	}
	if !c.json {
		if _, err = io.Copy(c.out, r); err != nil && c.out.Err() == nil {
			err = fmt.Errorf("read %s: %w", name, bare(err))
		}
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, bare(err))
	}
	text := string(data)
	return c.printJSON(content{entryOf(f.Info()), utf8Of(text), base64Of(text)})
}

// lineReader gives only some lines of a file, however long they are.
type lineReader struct {
	r *bufio.Reader
	span
	line int    // of the byte that comes next
	rest []byte // of a piece of a line that was read
}

func (l *lineReader) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if l.line > l.to {
			return 0, io.EOF
		}
		piece, err := l.r.ReadSlice('\n')
		if l.line >= l.from {
			l.rest = piece
		}
		if err == nil {
			l.line++
		} else if !errors.Is(err, bufio.ErrBufferFull) && len(l.rest) == 0 {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
