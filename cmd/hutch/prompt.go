package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// errCtrlC is a prompt that was broken off.
var errCtrlC = errors.New("interrupted")

// maxLine is how many characters of a line the editor takes; it drops more.
const maxLine = 4096

// errTooLong is a prompt with a longer line.
var errTooLong = fmt.Errorf("a line of %d characters or more is not read whole; write it into a file of the workspace", maxLine)

// prompter reads what is said to an agent, with a line editor and its history.
type prompter struct {
	in      *os.File
	out     io.Writer
	typed   *typed
	history term.History
}

// keyboard is the reader and writer of one prompt.
type keyboard struct {
	ctx context.Context
	*prompter
}

func (k keyboard) Write(p []byte) (int, error) { return k.out.Write(p) }

// Read ends at Ctrl-C, which the editor does not tell from Ctrl-D.
func (k keyboard) Read(p []byte) (int, error) {
	n, err := k.typed.read(k.ctx, p)
	if strings.IndexByte(string(p[:n]), 3) >= 0 {
		return 0, errCtrlC
	}
	return n, err
}

// read is what was said: a line, or several that were pasted. It is [io.EOF] after
// Ctrl-D on an empty line, and errCtrlC after Ctrl-C.
func (p *prompter) read(ctx context.Context, size func() (width, height int)) (string, error) {
	old, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("terminal: %w", err)
	}
	defer term.Restore(int(p.in.Fd()), old)
	p.typed.drop()
	t := term.NewTerminal(keyboard{ctx, p}, "> ")
	if p.history != nil {
		t.History = p.history
	}
	p.history = t.History
	if w, h := size(); w > 0 && h > 0 {
		_ = t.SetSize(w, h) // it can do without
	}
	t.SetBracketedPasteMode(true)
	defer t.SetBracketedPasteMode(false)
	return lines(t)
}

// lines reads lines until one does not end within what was pasted.
func lines(t *term.Terminal) (string, error) {
	var all []string
	for {
		line, err := t.ReadLine()
		if utf8.RuneCountInString(line) >= maxLine {
			return "", errTooLong
		}
		all = append(all, line)
		if err != term.ErrPasteIndicator {
			return strings.TrimSpace(strings.Join(all, "\n")), err
		}
		t.SetPrompt("  ")
	}
}
