package search

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// program is what all machines of one Pattern share.
type program struct {
	prog     *syntax.Prog
	abc      *alphabet
	begins   bool // the expression asks for the start of the line
	words    bool // the expression asks for word boundaries
	anywhere bool // a match may start behind the start of the line
}

func newProgram(re *syntax.Regexp) (*program, error) {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	p := &program{prog: prog, abc: newAlphabet(prog)}
	for _, in := range prog.Inst {
		if in.Op == syntax.InstEmptyWidth {
			op := syntax.EmptyOp(in.Arg)
			p.begins = p.begins || op&atBegin != 0
			p.words = p.words || op&^(atBegin|atEnd) != 0
		}
	}
	t := newThreads(len(prog.Inst))
	t.close(prog, []uint32{uint32(prog.Start)}, ^syntax.EmptyOp(0)&^atBegin)
	p.anywhere = len(t.list) > 0 || t.matched
	return p, nil
}

const (
	atBegin = syntax.EmptyBeginText | syntax.EmptyBeginLine
	atEnd   = syntax.EmptyEndText | syntax.EmptyEndLine
)

// before is what the next assertion has to know of the character before it.
type before uint8

const (
	beforeOther before = iota
	beforeWord
	beforeBegin // there is none: the line starts here
)

// state is where the expression may be in the line.
type state struct {
	insts  []uint32 // sorted; runes to match, assertions to check
	before before
	cr     bool    // a "\r" was read that may belong to the line's end
	part   partial // of a character
	ends   int8    // whether the line matches if it ends here: 1, -1, or 0 for not known
}

// partial is the start of a UTF-8 sequence.
type partial struct {
	have, need uint8
	lo, hi     uint8 // what the next byte may be
	uniform    bool  // r is all that has to be known of the character
	r          rune  // otherwise its upper bits
}

// first is the state at the start of a line.
func (p *program) first() state {
	s := state{insts: []uint32{uint32(p.prog.Start)}}
	if p.begins {
		s.before = beforeBegin
	}
	return s
}

// intern gives a state its number.
func (m *machine) intern(s state) uint32 {
	m.key = s.appendKey(m.key[:0])
	if id, ok := m.index[string(m.key)]; ok {
		return id
	}
	id := uint32(len(m.states)) << m.abc.shift
	m.index[string(m.key)] = id
	s.insts, s.ends = slices.Clone(s.insts), 0
	m.states = append(m.states, s)
	m.sets += len(s.insts) + 8
	m.table = append(m.table, make([]uint32, 1<<m.abc.shift)...)
	return id
}

func (s *state) appendKey(key []byte) []byte {
	cr, uniform := byte(0), byte(0)
	if s.cr {
		cr = 1
	}
	if s.part.uniform {
		uniform = 1
	}
	key = append(key, byte(s.before), cr, uniform, s.part.have, s.part.need, s.part.lo, s.part.hi)
	key = binary.AppendVarint(key, int64(s.part.r))
	for _, pc := range s.insts {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	return key
}

// build computes the transition of state id by a byte and keeps it.
func (m *machine) build(id uint32, b byte) uint32 {
	class := m.abc.class[b]
	s := m.states[id>>m.abc.shift] // a copy
	next, matched := m.step(s, m.abc.first[class])
	var t uint32
	switch {
	case matched:
		t = stateMatch << m.abc.shift
	case b != '\n' && len(next.insts) == 0:
		t = stateDead << m.abc.shift
	default:
		t = m.intern(next)
	}
	m.table[id+uint32(class)] = t
	return t
}

// step is the transition itself.
func (m *machine) step(s state, b byte) (next state, matched bool) {
	if s.cr && b != '\n' {
		s.cr = false
		if s, matched = m.consume(s, '\r'); matched {
			return s, true
		}
	}
	if s.part.have > 0 && (b < s.part.lo || b > s.part.hi) {
		if s, matched = m.flush(s); matched {
			return s, true
		}
	}
	switch {
	case b == '\n':
		return m.first(), m.closes(s)
	case b == '\r':
		s.cr = true
		return s, false
	case s.part.have == 0 && b < utf8.RuneSelf:
		return m.consume(s, rune(b))
	}
	return m.extend(s, b)
}

// flush takes the bytes of a broken character for what they are: each one stands
// for U+FFFD.
func (m *machine) flush(s state) (next state, matched bool) {
	have := s.part.have
	s.part = partial{}
	for ; have > 0 && !matched; have-- {
		s, matched = m.consume(s, utf8.RuneError)
	}
	return s, matched
}

// extend adds a byte to a character of several.
func (m *machine) extend(s state, b byte) (next state, matched bool) {
	p := &s.part
	lo, hi := uint8(0x80), uint8(0xbf)
	switch {
	case p.have > 0:
		p.need--
		if !p.uniform {
			p.r = p.r<<6 | rune(b&0x3f)
		}
	case 0xc2 <= b && b < 0xe0:
		p.need, p.r = 1, rune(b&0x1f)
	case 0xe0 <= b && b < 0xf0:
		p.need, p.r = 2, rune(b&0x0f)
	case 0xf0 <= b && b < 0xf5:
		p.need, p.r = 3, rune(b&0x07)
	default:
		return m.consume(s, utf8.RuneError)
	}
	switch {
	case p.have > 0: // only the second byte is restricted
	case b == 0xe0:
		lo = 0xa0
	case b == 0xed:
		hi = 0x9f
	case b == 0xf0:
		lo = 0x90
	case b == 0xf4:
		hi = 0x8f
	}
	if p.need == 0 {
		r := p.r
		s.part = partial{}
		return m.consume(s, r)
	}
	p.have, p.lo, p.hi = p.have+1, lo, hi
	if !p.uniform {
		rest := 6 * (p.need - 1)
		from := (p.r<<6 | rune(lo&0x3f)) << rest
		to := (p.r<<6|rune(hi&0x3f))<<rest | (1<<rest - 1)
		if r, ok := m.abc.uniform(from, to); ok {
			p.r, p.uniform = r, true
		}
	}
	return s, false
}

// consume matches one character.
func (m *machine) consume(s state, r rune) (next state, matched bool) {
	m.close(m.prog, s.insts, m.context(s.before, r))
	if m.matched {
		return s, true
	}
	s.insts = m.advance(m.prog, r, m.anywhere)
	s.before = beforeOther
	if m.words && syntax.IsWordChar(r) {
		s.before = beforeWord
	}
	return s, m.matched
}

// closes reports whether the line matches if it ends here. A "\r" before the end
// has been dealt with.
func (m *machine) closes(s state) bool {
	m.close(m.prog, s.insts, m.context(s.before, -1))
	return m.matched
}

// ends reports whether the line matches if the buffer ends in state id.
func (m *machine) ends(id uint32) bool {
	known := &m.states[id>>m.abc.shift].ends
	if *known == 0 {
		*known = -1
		if m.matchesAtEnd(m.states[id>>m.abc.shift]) {
			*known = 1
		}
	}
	return *known == 1
}

func (m *machine) matchesAtEnd(s state) bool {
	var matched bool
	if s.cr { // no "\n" came: it is part of the line
		if s, matched = m.consume(s, '\r'); matched {
			return true
		}
	}
	if s.part.have > 0 {
		if s, matched = m.flush(s); matched {
			return true
		}
	}
	return m.closes(s)
}

// context returns the assertions that hold between two characters; r is -1 at
// the end of the line.
func (p *program) context(b before, r rune) syntax.EmptyOp {
	left := rune(' ')
	switch b {
	case beforeWord:
		left = 'a'
	case beforeBegin:
		left = -1
	}
	return syntax.EmptyOpContext(left, r)
}
