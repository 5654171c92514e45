package search

import "bytes"

// finder finds the first of a few literals in a buffer.
type finder struct {
	probes []probe
	long   int // the length of the longest literal
}

// probe looks for one literal by its rarest byte, in one of the cases of that.
type probe struct {
	text string
	fold bool
	at   int // of the byte in text
	byte byte
}

func newFinder(set []literal) *finder {
	f := &finder{}
	for _, l := range set {
		p := probe{text: l.text, fold: l.fold, at: rarest(l)}
		p.byte = l.text[p.at]
		f.probes = append(f.probes, p)
		if up := upper(p.byte); l.fold && up != p.byte {
			p.byte = up
			f.probes = append(f.probes, p)
		}
		f.long = max(f.long, len(l.text))
	}
	return f
}

// find returns where the first literal in buf at or behind at begins, or -1.
//
// Each probe goes over the buffer by itself. They take turns on a window that
// grows, so that a literal that is near is not found at the price of looking for
// all others up to the end.
func (f *finder) find(buf []byte, at int) int {
	if len(f.probes) == 1 {
		return f.probes[0].find(buf, at, len(buf))
	}
	for window := 512; at < len(buf); window *= 2 {
		end, best := min(at+window, len(buf)), -1
		for i := range f.probes {
			if n := f.probes[i].find(buf, at, end); n >= 0 {
				best, end = n, n
			}
		}
		if best >= 0 {
			return best
		}
		at = end
	}
	return -1
}

// find returns the first place in buf[from:to] where the literal begins, or -1.
func (p *probe) find(buf []byte, from, to int) int {
	n := len(p.text)
	last := min(to-1, len(buf)-n)
	misses := 0
	for i := from; i <= last; i++ {
		skip := bytes.IndexByte(buf[i+p.at:last+p.at+1], p.byte)
		if skip < 0 {
			return -1
		}
		i += skip
		if p.is(buf[i : i+n]) {
			return i
		}
		if misses++; !p.fold && misses > 8+(i-from)/16 {
			return p.findDense(buf, i+1, last)
		}
	}
	return -1
}

// findDense is for a buffer in which the byte is not rare at all.
func (p *probe) findDense(buf []byte, from, last int) int {
	if from > last {
		return -1
	}
	if i := bytes.Index(buf[from:last+len(p.text)], []byte(p.text)); i >= 0 {
		return from + i
	}
	return -1
}

func (p *probe) is(b []byte) bool {
	if !p.fold {
		return string(b) == p.text
	}
	for i, c := range b {
		if lower[c] != p.text[i] {
			return false
		}
	}
	return true
}
