package policy

import (
	"context"
	"io"
	"runtime"

	"mvdan.cc/sh/v3/syntax"
)

// statements are those of a script, and before an error those that come before:
// a shell runs them before it finds the error. None may be looked at earlier, since
// the text of a here-document comes behind the line of its statement.
func statements(r io.Reader, lang syntax.LangVariant) (all []*syntax.Stmt, failed error) {
	for stmt, err := range syntax.NewParser(syntax.Variant(lang)).StmtsSeq(r) {
		switch {
		case failed != nil: // the parser does not take no for an answer
		case err != nil:
			failed = err
		default:
			all = append(all, stmt)
		}
	}
	return all, failed
}

// source hands out text in small pieces, and ends when the parser is in too deep:
// it calls itself for everything that is nested, and a stack that is used up
// would end the whole program.
type source struct {
	ctx  context.Context
	text string
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	var frames [maxFrames]uintptr
	if runtime.Callers(0, frames[:]) == maxFrames {
		return 0, errDeep
	}
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 256)], s.text)
	s.text = s.text[n:]
	return n, nil
}
