package search

import (
	"math/bits"
	"unicode/utf8"
)

// automaton runs a wildcard pattern over a name in time proportional to the
// name's length times the steps alive at once: it follows all ways through the
// pattern at the same time instead of trying them in turn.
type automaton struct {
	pos   []position
	start []int32
	first uint64 // start as a mask, if all positions fit in one
	final int32  // the position that stands for "matched", or -1
	bytes bool   // characters are bytes, not runes
}

// position is a step that accepts a character, and where that leads.
type position struct {
	op      op
	leading bool // a dot written at the start of a segment: may match a hidden name's
	r       rune
	set     *charset
	next    uint64
	nexts   []int32
}

// accepts reports whether c may come here; guarded says that c is a dot that
// starts a hidden segment and hidden names are not asked for.
func (p *position) accepts(c rune, guarded bool) bool {
	switch p.op {
	case opRune:
		return p.r == c && (!guarded || p.leading)
	case opAny, opStar:
		return c != '/' && !guarded
	case opAll:
		return !guarded
	case opSet:
		return c != '/' && !guarded && p.set.has(c)
	}
	return false
}

// match reports whether the whole of name is accepted.
func (a *automaton) match(name string, hidden bool) bool {
	if len(a.pos) > 64 {
		live := a.runLarge(name, "", hidden)
		return a.final >= 0 && live != nil && live[a.final>>6]>>(uint(a.final)&63)&1 == 1
	}
	return a.final >= 0 && a.runSmall(name, hidden)>>uint(a.final)&1 == 1
}

// opens reports whether a name that continues dir could be accepted.
func (a *automaton) opens(dir string, hidden bool) bool {
	if len(a.pos) > 64 {
		return a.runLarge(dir, "/", hidden) != nil
	}
	live := a.runSmall(dir, hidden)
	return a.stepSmall(live, '/', false) != 0
}

// runSmall follows name with all live positions in one word.
func (a *automaton) runSmall(name string, hidden bool) uint64 {
	live, begin := a.first, true
	for i := 0; i < len(name) && live != 0; {
		c, size := a.decode(name[i:])
		i += size
		live = a.stepSmall(live, c, begin && c == '.' && !hidden)
		begin = c == '/'
	}
	return live
}

func (a *automaton) stepSmall(live uint64, c rune, guarded bool) uint64 {
	var next uint64
	for ; live != 0; live &= live - 1 {
		p := &a.pos[bits.TrailingZeros64(live)]
		if p.accepts(c, guarded) {
			next |= p.next
		}
	}
	return next
}

// decode gives the first character of a string that is not empty.
func (a *automaton) decode(s string) (rune, int) {
	if c := s[0]; c < utf8.RuneSelf || a.bytes {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(s)
}

// runLarge is runSmall for patterns of more than 64 positions, over name and
// tail. It returns nil when nothing is left alive.
func (a *automaton) runLarge(name, tail string, hidden bool) []uint64 {
	live := make([]uint64, (len(a.pos)+63)/64)
	next := make([]uint64, len(live))
	for _, i := range a.start {
		live[i>>6] |= 1 << (uint(i) & 63)
	}
	begin := true
	for name = name + tail; name != ""; {
		c, size := a.decode(name)
		name = name[size:]
		clear(next)
		if !a.stepLarge(live, next, c, begin && c == '.' && !hidden) {
			return nil
		}
		live, next = next, live
		begin = c == '/'
	}
	return live
}

func (a *automaton) stepLarge(live, next []uint64, c rune, guarded bool) bool {
	alive := false
	for w, word := range live {
		for ; word != 0; word &= word - 1 {
			p := &a.pos[w<<6+bits.TrailingZeros64(word)]
			if !p.accepts(c, guarded) {
				continue
			}
			for _, i := range p.nexts {
				next[i>>6] |= 1 << (uint(i) & 63)
				alive = true
			}
		}
	}
	return alive
}
