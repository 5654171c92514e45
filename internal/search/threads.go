package search

import (
	"regexp/syntax"
	"slices"
)

// threads is the scratch space of the simulation that builds states.
type threads struct {
	list    []uint32 // instructions that match a rune
	next    []uint32
	seen    []uint32
	round   uint32
	stack   []uint32
	matched bool // the program's end was reached
}

func newThreads(n int) threads { return threads{seen: make([]uint32, n)} }

// close follows everything that takes no character, where the assertions in
// holds are true, and leaves in list what does take one.
func (t *threads) close(prog *syntax.Prog, from []uint32, holds syntax.EmptyOp) {
	t.list, t.matched = t.list[:0], false
	t.round++
	for _, pc := range from {
		t.list = t.visit(prog, pc, holds, true, t.list)
	}
}

// advance matches r in list and returns the instructions after it, sorted, up to
// what takes a character or is an assertion.
func (t *threads) advance(prog *syntax.Prog, r rune, restart bool) []uint32 {
	t.next, t.matched = t.next[:0], false
	t.round++
	for _, pc := range t.list {
		if in := &prog.Inst[pc]; matchRune(in, r) {
			t.next = t.visit(prog, in.Out, 0, false, t.next)
		}
	}
	if restart {
		t.next = t.visit(prog, uint32(prog.Start), 0, false, t.next)
	}
	slices.Sort(t.next)
	return t.next
}

func (t *threads) visit(prog *syntax.Prog, pc uint32, holds syntax.EmptyOp, assert bool, out []uint32) []uint32 {
	t.stack = append(t.stack[:0], pc)
	for len(t.stack) > 0 {
		pc = t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		if t.seen[pc] == t.round {
			continue
		}
		t.seen[pc] = t.round
		switch in := &prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			t.stack = append(t.stack, in.Arg, in.Out)
		case syntax.InstCapture, syntax.InstNop:
			t.stack = append(t.stack, in.Out)
		case syntax.InstEmptyWidth:
			if !assert {
				out = append(out, pc)
			} else if syntax.EmptyOp(in.Arg)&^holds == 0 {
				t.stack = append(t.stack, in.Out)
			}
		case syntax.InstMatch:
			t.matched = true
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	return out
}

func matchRune(in *syntax.Inst, r rune) bool {
	switch in.Op {
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	case syntax.InstRune1:
		return r == in.Rune[0]
	}
	return in.MatchRune(r)
}
