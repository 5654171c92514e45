package search

// op is what one step of a compiled wildcard pattern accepts.
type op uint8

const (
	opRune     op = iota // exactly one character
	opAny                // one character except '/'
	opSet                // one character of a set, never '/'
	opStar               // any number of characters except '/'
	opAll                // any number of characters
	opGlobStar           // "**" as written: whole segments if it fills one, else opStar
	opSplit              // continue at each of alts
	opJump               // continue at alts[0]
	opMatch              // the pattern is used up
)

// step is one instruction; all but opSplit and opJump continue with the next.
type step struct {
	op   op
	r    rune
	set  *charset
	alts []int32
}

// place says what lies between the last accepted character and this step, as far
// as the pattern goes. It decides what "**" and a dot mean here.
type place uint8

const (
	placeInside place = iota // somewhere inside a segment
	placeStart               // at the start of a segment of the pattern
	placeSome                // behind a "**" that took at least one segment
	placeNone                // behind a "**" that took none: the next '/' goes with it
	places
)

const (
	maxFollow    = 1 << 18
	maxPositions = 1 << 13
)

// builder turns steps into an automaton.
type builder struct {
	steps   []step
	auto    *automaton
	index   []int32 // one more than the position, by step and variant
	pending []posKey
	seen    []uint32
	round   uint32
	total   int
}

type posKey struct {
	pc      int32
	variant bool // a leading dot, or a "**" that spans segments
}

// build reports false if the pattern has too many ways through it.
func build(steps []step, bytes bool) (*automaton, bool) {
	b := &builder{
		steps: steps,
		auto:  &automaton{final: -1, bytes: bytes},
		index: make([]int32, 2*len(steps)),
		seen:  make([]uint32, len(steps)*int(places)),
	}
	b.auto.start = b.closure(0, placeStart, nil)
	for i := 0; i < len(b.pending); i++ {
		k := b.pending[i]
		nexts := b.follow(k, int32(i))
		b.auto.pos[i].nexts = nexts
		if b.total += len(nexts); b.total > maxFollow || len(b.pending) > maxPositions {
			return nil, false
		}
	}
	b.auto.first = mask(b.auto.start)
	for i := range b.auto.pos {
		b.auto.pos[i].next = mask(b.auto.pos[i].nexts)
	}
	return b.auto, true
}

func mask(list []int32) uint64 {
	var m uint64
	for _, i := range list {
		m |= 1 << (uint(i) & 63)
	}
	return m
}

// follow lists the positions that may come after k has accepted a character.
func (b *builder) follow(k posKey, self int32) []int32 {
	s := b.steps[k.pc]
	switch s.op {
	case opMatch:
		return nil
	case opStar, opAll:
		return b.closure(k.pc+1, placeInside, []int32{self})
	case opGlobStar:
		if k.variant {
			return b.closure(k.pc+1, placeSome, []int32{self})
		}
		return b.closure(k.pc+1, placeInside, []int32{self})
	case opRune:
		if s.r == '/' {
			return b.closure(k.pc+1, placeStart, nil)
		}
	}
	return b.closure(k.pc+1, placeInside, nil)
}

// closure appends the positions that can be reached from pc without a character.
func (b *builder) closure(pc int32, at place, out []int32) []int32 {
	b.round++
	return b.reach(pc, at, out)
}

func (b *builder) reach(pc int32, at place, out []int32) []int32 {
	for {
		mark := &b.seen[int(pc)*int(places)+int(at)]
		if *mark == b.round {
			return out
		}
		*mark = b.round
		s := &b.steps[pc]
		switch s.op {
		case opJump:
			pc = s.alts[0]
			continue
		case opSplit:
			for _, alt := range s.alts {
				out = b.reach(alt, at, out)
			}
			return out
		case opMatch:
			return b.add(out, pc, false)
		}
		if s.op == opRune && s.r == '/' {
			if at != placeNone {
				return b.add(out, pc, false)
			}
			pc, at = pc+1, placeStart
			continue
		}
		if at == placeSome || at == placeNone {
			return out // "**" must fill its segment
		}
		switch s.op {
		case opStar, opAll:
			out = b.add(out, pc, false)
		case opGlobStar:
			out = b.add(out, pc, false)
			if at == placeStart {
				out = b.add(out, pc, true)
				out = b.reach(pc+1, placeNone, out)
			}
		default:
			return b.add(out, pc, at == placeStart && s.op == opRune && s.r == '.')
		}
		pc, at = pc+1, placeInside
	}
}

// add appends the number of a position, giving it one if it is new.
func (b *builder) add(out []int32, pc int32, variant bool) []int32 {
	known := &b.index[2*pc]
	if variant {
		known = &b.index[2*pc+1]
	}
	i := *known - 1
	if i < 0 {
		i = int32(len(b.pending))
		*known = i + 1
		k := posKey{pc, variant}
		b.pending = append(b.pending, k)
		b.auto.pos = append(b.auto.pos, b.position(k))
		if b.steps[pc].op == opMatch {
			b.auto.final = i
		}
	}
	return append(out, i)
}

func (b *builder) position(k posKey) position {
	s := b.steps[k.pc]
	p := position{op: s.op, r: s.r, set: s.set}
	switch {
	case s.op == opRune:
		p.leading = k.variant
	case s.op == opGlobStar && k.variant:
		p.op = opAll
	case s.op == opGlobStar:
		p.op = opStar
	}
	return p
}
