package search

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal is a text that is looked for in a buffer.
type literal struct {
	text string // in lower case with fold
	fold bool   // ASCII letters in either case
}

// facts is what is known about the matches of a part of an expression.
type facts struct {
	set   []literal // every match is one of these; nil if there are too many
	exact bool      // and each of these is a match, wherever it stands
	need  []literal // every match contains one of these; nil if nothing is known
}

const (
	maxLiterals = 12
	maxLiteral  = 256 // bytes
)

// study finds the facts about an expression, which is not simplified.
func study(re *syntax.Regexp) facts {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return facts{set: []literal{{}}, exact: true}
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return facts{set: []literal{{}}}
	case syntax.OpLiteral:
		return studyRunes(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCharClass:
		return studyClass(re.Rune)
	case syntax.OpCapture:
		return study(re.Sub[0])
	case syntax.OpPlus:
		return repeated(study(re.Sub[0]))
	case syntax.OpRepeat:
		if re.Min > 0 {
			return repeated(study(re.Sub[0]))
		}
	case syntax.OpQuest:
		if f := study(re.Sub[0]); f.set != nil && len(f.set) < maxLiterals {
			return facts{set: append(slices.Clone(f.set), literal{}), exact: f.exact}
		}
	case syntax.OpConcat:
		return studyConcat(re.Sub)
	case syntax.OpAlternate:
		return studyAlternate(re.Sub)
	}
	return facts{}
}

// repeated keeps what is still true of one or more in a row.
func repeated(f facts) facts {
	return facts{need: better(f.need, f.set)}
}

// studyRunes divides a text where letters have other forms than the two of ASCII,
// as k and s do, and where U+FFFD would also match broken bytes.
func studyRunes(runes []rune, fold bool) facts {
	var parts []facts
	var b strings.Builder
	for _, r := range runes {
		odd := isOdd(r) || fold && !foldsInASCII(r)
		if odd || b.Len() > maxLiteral-utf8.UTFMax {
			parts = append(parts, textFacts(b.String(), fold), facts{})
			b.Reset()
		}
		if odd {
			continue
		}
		if fold {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	last := textFacts(b.String(), fold)
	if parts == nil {
		return last
	}
	return join(append(parts, last))
}

// isOdd reports whether r does not stand for its UTF-8 form alone.
func isOdd(r rune) bool { return r == utf8.RuneError || !utf8.ValidRune(r) }

func textFacts(text string, fold bool) facts {
	return facts{set: []literal{{text, fold}}, exact: true}
}

// foldsInASCII reports whether r and its other case are ASCII, or there is none.
func foldsInASCII(r rune) bool {
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if r >= utf8.RuneSelf || f >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// studyClass spells a small class out.
func studyClass(ranges []rune) facts {
	f := facts{exact: true, set: []literal{}}
	for i := 0; i+1 < len(ranges); i += 2 {
		if int(ranges[i+1]-ranges[i])+len(f.set) >= maxLiterals {
			return facts{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if isOdd(r) {
				return facts{}
			}
			f.set = append(f.set, literal{text: string(r)})
		}
	}
	if len(f.set) == 0 {
		return facts{}
	}
	return f
}

func studyConcat(subs []*syntax.Regexp) facts {
	parts := make([]facts, len(subs))
	for i, sub := range subs {
		parts[i] = study(sub)
	}
	return join(parts)
}

// join finds the best literals of parts that follow each other: texts of
// neighbours are put together as long as there are not too many.
func join(parts []facts) facts {
	run := facts{set: []literal{{}}, exact: true}
	whole := true
	var need []literal
	for _, f := range parts {
		if product, ok := cross(run.set, f.set); ok {
			run.set, run.exact = product, run.exact && f.exact && !folds(product)
			continue
		}
		whole = false
		need = better(better(need, run.set), f.need)
		run.set = []literal{{}}
		if f.set != nil {
			run.set = f.set
		}
	}
	need = better(need, run.set)
	if !whole {
		return facts{need: need}
	}
	return facts{set: run.set, exact: run.exact, need: need}
}

// cross puts every b behind every a.
func cross(a, b []literal) ([]literal, bool) {
	if b == nil || len(a)*len(b) > maxLiterals {
		return nil, false
	}
	var out []literal
	for _, x := range a {
		for _, y := range b {
			l := literal{x.text + y.text, x.fold || y.fold}
			if l.fold {
				l.text = lowerASCII(l.text)
			}
			if len(l.text) > maxLiteral {
				return nil, false
			}
			if !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	return out, true
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower[c]
	}
	return string(b)
}

// folds reports whether case was dropped, perhaps also where it matters.
func folds(set []literal) bool {
	return slices.ContainsFunc(set, func(l literal) bool { return l.fold })
}

func studyAlternate(subs []*syntax.Regexp) facts {
	all := facts{exact: true, set: []literal{}, need: []literal{}}
	for _, sub := range subs {
		f := study(sub)
		need := better(f.need, f.set)
		if all.set != nil && f.set != nil {
			all.set = append(all.set, f.set...)
		} else {
			all.set = nil
		}
		if all.need != nil && need != nil {
			all.need = append(all.need, need...)
		} else {
			all.need = nil
		}
		all.exact = all.exact && f.exact
	}
	if len(all.set) > maxLiterals {
		all.set = nil
	}
	if len(all.need) > maxLiterals {
		all.need = nil
	}
	return all
}
