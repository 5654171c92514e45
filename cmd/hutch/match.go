package main

import (
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch"
)

// jsonMatch is a Match in JSON.
type jsonMatch struct {
	Name    string `json:"name"`
	Line    int    `json:"line"`
	Text    string `json:"text"`
	Base64  string `json:"text_base64,omitempty"`
	Start   *int   `json:"start,omitempty"`
	End     *int   `json:"end,omitempty"`
	Context bool   `json:"context,omitempty"`
	Cut     bool   `json:"cut,omitempty"`
}

func matchJSON(m hutch.Match) jsonMatch {
	j := jsonMatch{
		Name: m.Name, Line: m.Line, Context: m.Context, Cut: m.Cut,
		Text: utf8Of(m.Text), Base64: base64Of(m.Text),
	}
	if !m.Context {
		j.Start, j.End = &m.Start, &m.End
	}
	return j
}

// match is a line as it is shown: NAME:LINE:TEXT, NAME-LINE-TEXT for context.
func (p printer) match(m hutch.Match) string {
	sep := ":"
	if m.Context {
		sep = "-"
	}
	sep = p.paint(sepColor, sep)
	var s strings.Builder
	s.WriteString(p.paint(nameColor, m.Name))
	s.WriteString(sep)
	s.WriteString(p.paint(lineColor, strconv.Itoa(m.Line)))
	s.WriteString(sep)
	if !p.color || m.Context || m.Start < 0 || m.Start > m.End || m.End > len(m.Text) {
		s.WriteString(p.text(m.Text))
		return s.String()
	}
	s.WriteString(p.text(m.Text[:m.Start]))
	s.WriteString(p.paint(matchColor, m.Text[m.Start:m.End]))
	s.WriteString(p.text(m.Text[m.End:]))
	return s.String()
}
