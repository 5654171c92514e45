package main

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/show"
)

// colorMode is the flag --color.
type colorMode string

func (m *colorMode) String() string {
	if *m == "" {
		return "auto"
	}
	return string(*m)
}

func (m *colorMode) Type() string { return "WHEN" }

func (m *colorMode) Set(s string) error {
	switch s {
	case "auto", "always", "never":
		*m = colorMode(s)
		return nil
	}
	return fmt.Errorf("must be auto, always or never")
}

// The colours of names, line numbers, separators and matches.
const (
	nameColor  = "\x1b[35m"
	lineColor  = "\x1b[32m"
	sepColor   = "\x1b[36m"
	matchColor = "\x1b[1;31m"
	noColor    = "\x1b[0m"
)

// printer shows text to a person or a program.
type printer struct {
	terminal bool // control characters must not reach it
	color    bool
}

func (c *cli) printer() printer {
	t := isTerminal(c.out.file)
	p := printer{terminal: t, color: c.color == "always"}
	if c.color.String() == "auto" {
		p.color = t && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return p
}

// text is s as it may be shown: as it is, or on a terminal without the power to
// move the cursor.
func (p printer) text(s string) string {
	if p.terminal {
		return show.Visible(s, true)
	}
	return s
}

func (p printer) paint(color, s string) string {
	if !p.color || s == "" {
		return p.text(s)
	}
	return color + p.text(s) + noColor
}

// entry is an Info in JSON.
type entry struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"` // file, dir, link or other
	Size    int64     `json:"size"`
	Mode    string    `json:"mode"` // permission bits, octal
	ModTime time.Time `json:"mod_time,omitzero"`
	Rev     string    `json:"rev,omitempty"`
}

func entryOf(i hutch.Info) entry {
	return entry{
		Name: i.Name, Type: typeOf(i.Mode), Size: i.Size,
		Mode:    fmt.Sprintf("%04o", i.Mode.Perm()),
		ModTime: i.ModTime, Rev: i.Rev,
	}
}

func typeOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "dir"
	case m.IsRegular():
		return "file"
	case m&fs.ModeSymlink != 0:
		return "link"
	}
	return "other"
}

// base64Of is the base64 of text that JSON cannot hold exactly, which is text
// that is no UTF-8; else "".
func base64Of(text string) string {
	if utf8.ValidString(text) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// utf8Of is text with U+FFFD for what is no UTF-8.
func utf8Of(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
