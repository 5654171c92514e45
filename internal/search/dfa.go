package search

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// The engine behind Pattern runs a deterministic automaton over bytes that is
// built while it runs: one table look-up per byte, whatever the expression. Line
// ends are part of the automaton, so a whole buffer is scanned in one go.

const (
	maxCells  = 1 << 18 // transitions kept by one machine: 1 MiB
	maxSets   = 1 << 18 // instructions kept in its states: 1 MiB
	maxResets = 8       // poor ones, until a machine gives up
)

// States are numbers, multiplied by the length of a row. The first three are not
// states of the expression.
const (
	stateUnknown = iota // not computed yet
	stateMatch          // the line matches
	stateDead           // the line cannot match any more
	stateFirst
)

// alphabet divides bytes into those that the expression cannot tell apart.
type alphabet struct {
	class [256]uint8
	first []byte // a byte of each class
	shift uint   // a row of the table has 1<<shift cells
	cuts  []rune // the expression cannot tell runes between two cuts apart
}

// newAlphabet finds the cuts that a program makes between runes, and from them
// the cuts between bytes.
func newAlphabet(prog *syntax.Prog) *alphabet {
	a := &alphabet{cuts: []rune{0, '\n', '\n' + 1, '\r', '\r' + 1, utf8.RuneSelf}}
	for i := range prog.Inst {
		a.cutInst(&prog.Inst[i])
	}
	slices.Sort(a.cuts)
	a.cuts = slices.Compact(a.cuts)
	// Where the form of UTF-8 changes.
	begins := [257]bool{0x80: true, 0x90: true, 0xa0: true, 0xc0: true, 0xc2: true, 0xe0: true, 0xe1: true,
		0xed: true, 0xee: true, 0xf0: true, 0xf1: true, 0xf4: true, 0xf5: true}
	for _, r := range a.cuts {
		if r < utf8.RuneSelf {
			begins[r] = true
			continue
		}
		for _, b := range utf8.AppendRune(nil, r) {
			begins[b], begins[int(b)+1] = true, true
		}
	}
	for b := range 256 {
		if b == 0 || begins[b] {
			a.first = append(a.first, byte(b))
		}
		a.class[b] = uint8(len(a.first) - 1)
	}
	for a.shift = 1; 1<<a.shift < len(a.first); {
		a.shift++
	}
	return a
}

func (a *alphabet) cutInst(in *syntax.Inst) {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1:
		if len(in.Rune) == 1 {
			r := in.Rune[0]
			a.cuts = append(a.cuts, r, r+1)
			if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					a.cuts = append(a.cuts, f, f+1)
				}
			}
			return
		}
		for i := 0; i+1 < len(in.Rune); i += 2 {
			a.cuts = append(a.cuts, in.Rune[i], in.Rune[i+1]+1)
		}
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(in.Arg)&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 {
			a.cuts = append(a.cuts, '0', '9'+1, 'A', 'Z'+1, '_', '_'+1, 'a', 'z'+1)
		}
	}
}

// uniform returns the cut at or below lo if there is none up to hi.
func (a *alphabet) uniform(lo, hi rune) (rune, bool) {
	i, exact := slices.BinarySearch(a.cuts, lo)
	if !exact {
		i--
	}
	return a.cuts[i], i+1 == len(a.cuts) || a.cuts[i+1] > hi
}

// machine is the table as far as it has been built. It serves one goroutine.
type machine struct {
	*program
	table   []uint32
	states  []state
	index   map[string]uint32
	sets    int // instructions in states
	scanned int // bytes since the last reset
	poor    int // resets that came too early
	pause   int // blocks before lanes are tried again
	penalty int // the last pause
	ahead   [4]uint32
	start   uint32
	key     []byte
	threads
}

func (p *program) newMachine() *machine {
	m := &machine{program: p, threads: newThreads(len(p.prog.Inst))}
	m.reset()
	return m
}

// reset forgets all states.
func (m *machine) reset() {
	m.index = make(map[string]uint32)
	m.states = append(m.states[:0], make([]state, stateFirst)...)
	m.sets = 0
	row := 1 << m.abc.shift
	m.table = slices.Grow(m.table[:0], row*64)[:row*stateFirst]
	for i := range m.table {
		m.table[i] = uint32(i >> m.abc.shift << m.abc.shift) // the first three lead to themselves
	}
	m.start = m.intern(m.first())
}

// scan runs over buf, whole lines, and returns a place in the first line that
// matches: a byte of it or its "\n". ok is false if the machine gave up.
func (m *machine) scan(buf []byte) (at int, matched, ok bool) {
	for at < len(buf) {
		size := min(len(buf)-at, block)
		if m.pause == 0 && size >= minBlock {
			if end, clean := m.lanes(buf, at, size/4); clean {
				at = end
				continue
			}
		}
		m.pause = max(m.pause-1, 0)
		end := lineAfter(buf, at+size)
		n, matched, ok := m.scanPart(buf[at:end])
		m.scanned += n
		if matched || !ok {
			return at + n, matched, ok
		}
		at = end
	}
	return 0, false, true
}

// lineAfter returns where the first line begins that does so at or behind at.
func lineAfter(buf []byte, at int) int {
	if at >= len(buf) {
		return len(buf)
	}
	i := bytes.IndexByte(buf[at-1:], '\n')
	if i < 0 {
		return len(buf)
	}
	return at + i
}

// scanPart is scan, one byte after the other. Without a match, at is the length
// of buf.
func (m *machine) scanPart(buf []byte) (at int, matched, ok bool) {
	match, dead := uint32(stateMatch)<<m.abc.shift, uint32(stateDead)<<m.abc.shift
	s := m.start
	for i := 0; i < len(buf); {
		i, s = m.run(buf, i, s)
		if i == len(buf) {
			break
		}
		t := m.table[s+uint32(m.abc.class[buf[i]])]
		if t == stateUnknown {
			if m.full() {
				if s, ok = m.restart(s, i); !ok {
					return i, false, false
				}
			}
			t = m.build(s, buf[i])
		}
		switch t {
		case match:
			return i, true, true
		case dead:
			n := bytes.IndexByte(buf[i:], '\n')
			if n < 0 {
				return len(buf), false, true
			}
			i, t = i+n, m.start
		}
		i, s = i+1, t
	}
	if len(buf) > 0 && buf[len(buf)-1] != '\n' && m.ends(s) {
		return len(buf) - 1, true, true
	}
	return len(buf), false, true
}

// run goes on from state s while transitions are known and lead to plain states.
// It stops before a byte that needs a closer look.
func (m *machine) run(buf []byte, i int, s uint32) (int, uint32) {
	table, class := m.table, &m.abc.class
	last := uint32(stateFirst)<<m.abc.shift - 1
	for ; i+4 <= len(buf); i += 4 {
		b := buf[i : i+4 : i+4]
		s1 := table[s+uint32(class[b[0]])]
		s2 := table[s1+uint32(class[b[1]])]
		s3 := table[s2+uint32(class[b[2]])]
		s4 := table[s3+uint32(class[b[3]])]
		if s4 <= last { // as it is if any of the others was
			break
		}
		s = s4
	}
	for ; i < len(buf); i++ {
		t := table[s+uint32(class[buf[i]])]
		if t <= last {
			return i, s
		}
		s = t
	}
	return i, s
}

// line reports whether one line, given without its end, matches.
func (m *machine) line(line []byte) (matched, ok bool) {
	if len(line) == 0 {
		return m.ends(m.start), true
	}
	_, matched, ok = m.scan(line)
	return matched, ok
}

func (m *machine) full() bool {
	return len(m.table)+1<<m.abc.shift > maxCells || m.sets > maxSets
}

// restart forgets all states but s, which gets a new number, after more bytes. It
// gives up if this happens so often that building states is most of the work.
func (m *machine) restart(s uint32, more int) (uint32, bool) {
	if m.scanned+more < 16*len(m.states) {
		if m.poor++; m.poor > maxResets {
			return 0, false
		}
	}
	keep := m.states[s>>m.abc.shift]
	m.reset()
	m.scanned = -more
	return m.intern(keep), true
}
