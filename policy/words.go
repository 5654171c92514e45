package policy

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// flatten is a word without its quotes.
func flatten(w *syntax.Word) word {
	if w == nil {
		return word{known: true}
	}
	if l := w.Lit(); l == "[" || l == "{}" {
		return word{l, true}
	}
	f := flattener{known: true}
	for _, p := range w.Parts {
		f.part(p)
	}
	return word{f.b.String(), f.known}
}

type flattener struct {
	b     strings.Builder
	known bool
}

func (f *flattener) part(p syntax.WordPart) {
	switch p := p.(type) {
	case *syntax.Lit:
		f.bare(p.Value)
	case *syntax.SglQuoted:
		f.b.WriteString(p.Value)
		if p.Dollar && strings.Contains(p.Value, `\`) {
			f.known = false
		}
	case *syntax.DblQuoted:
		f.known = f.known && !p.Dollar
		for _, in := range p.Parts {
			if lit, ok := in.(*syntax.Lit); ok {
				f.quoted(lit.Value)
			} else {
				f.part(in)
			}
		}
	case *syntax.ParamExp:
		f.known = false
		if p.Param != nil && p.Param.Value == "HOME" && p.Exp == nil && p.Slice == nil && p.Repl == nil && !p.Length {
			f.b.WriteByte('~')
			return
		}
		f.b.WriteString(hole)
	default:
		f.known = false
		f.b.WriteString(hole)
	}
}

// bare is text outside of quotes, where a backslash quotes and some characters
// are replaced by names of files.
func (f *flattener) bare(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			c = s[i]
		case c == '*' || c == '?' || c == '[' || c == '{':
			f.known = false
		}
		f.b.WriteByte(c)
	}
}

// quoted is text in double quotes, where a backslash quotes a few characters.
func (f *flattener) quoted(s string) {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\", s[i+1]) >= 0 {
			i++
		}
		f.b.WriteByte(s[i])
	}
}

// assigned is an assignment, or an argument of declare and its kind, as a word.
func assigned(as *syntax.Assign) word {
	v := flatten(as.Value)
	switch {
	case as.Name == nil:
		return v
	case as.Naked:
		return word{as.Name.Value, as.Index == nil}
	case as.Array != nil || as.Index != nil:
		return word{as.Name.Value + "=" + hole, false}
	}
	return word{as.Name.Value + "=" + v.text, v.known}
}

// evaluates reports whether text in n looks like a substitution. Where the shell
// computes with it, it runs the substitution, quoted or not; with inIndex only
// where it is an index.
func evaluates(n syntax.Node, inIndex bool) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		text := ""
		switch n := n.(type) {
		case *syntax.Lit:
			text = n.Value
		case *syntax.SglQuoted:
			text = n.Value
			found = found || n.Dollar
		}
		if strings.ContainsAny(text, "$`") && (!inIndex || strings.Contains(text, "[")) {
			found = true
		}
		return !found
	})
	return found
}

// lit is the text of a word that is known, else "".
func lit(w *syntax.Word) string {
	if f := flatten(w); f.known {
		return f.text
	}
	return ""
}
