package search

// A look-up has to wait for the one before it, which leaves most of a processor
// idle. Lines do not depend on each other, so several places of a buffer can be
// scanned side by side.

const (
	block    = 16 << 10
	minBlock = 1 << 10
	maxPause = 64
)

// lanes goes over four pieces of buf of about the given size; the first begins at
// a line. If no line of them matches, and all transitions are known, it returns
// where the next line begins; otherwise they have to be scanned again, and lanes
// pauses.
func (m *machine) lanes(buf []byte, at, size int) (end int, clean bool) {
	var cut [5]int
	cut[0] = at
	for i := 1; i < len(cut); i++ {
		cut[i] = lineAfter(buf, max(cut[i-1]+1, at+i*size))
	}
	n := len(buf)
	for i := range 4 {
		n = min(n, cut[i+1]-cut[i])
	}
	n &^= 7
	if m.abreast(buf[cut[0]:][:n], buf[cut[1]:][:n], buf[cut[2]:][:n], buf[cut[3]:][:n], &m.ahead) {
		clean = true
		for i := 0; i < 4 && clean; i++ {
			to := cut[i+1]
			at, s := m.run(buf[:to], cut[i]+n, m.ahead[i])
			clean = at == to && (buf[to-1] == '\n' || !m.ends(s))
		}
	}
	if clean {
		m.penalty = 0
		return cut[4], true
	}
	m.penalty = min(2*m.penalty+1, maxPause)
	m.pause = m.penalty
	return 0, false
}

// abreast scans four pieces of the same length, a multiple of 8, each from the
// start of a line. It returns false if one of them came to a match, an unknown
// transition or a state that lanes are no good for; else last holds their states.
func (m *machine) abreast(a, b, c, d []byte, last *[4]uint32) bool {
	table, class := m.table, &m.abc.class
	special := uint32(stateFirst)<<m.abc.shift - 1
	s0, s1, s2, s3 := m.start, m.start, m.start, m.start
	for ; len(a) >= 8 && len(b) >= 8 && len(c) >= 8 && len(d) >= 8; a, b, c, d = a[8:], b[8:], c[8:], d[8:] {
		for i := range 8 {
			s0 = table[s0+uint32(class[a[i]])]
			s1 = table[s1+uint32(class[b[i]])]
			s2 = table[s2+uint32(class[c[i]])]
			s3 = table[s3+uint32(class[d[i]])]
		}
		if min(s0, s1, s2, s3) <= special {
			return false
		}
	}
	*last = [4]uint32{s0, s1, s2, s3}
	return true
}
