package search

import "unicode/utf8"

// charset is a set of characters, as written between brackets.
type charset struct {
	ascii  [2]uint64
	ranges []rune // pairs of first and last
	negate bool
	folds  *charset // if not nil, this set in any case
}

func (s *charset) add(lo, hi rune) {
	for c := lo; c <= hi && c < utf8.RuneSelf; c++ {
		s.ascii[c>>6] |= 1 << (uint(c) & 63)
	}
	if hi >= utf8.RuneSelf {
		s.ranges = append(s.ranges, max(lo, utf8.RuneSelf), hi)
	}
}

func (s *charset) has(c rune) bool {
	if s.folds != nil {
		return s.folds.hasFold(c)
	}
	if c < utf8.RuneSelf {
		return s.ascii[c>>6]>>(uint(c)&63)&1 == 1 != s.negate
	}
	for i := 0; i < len(s.ranges); i += 2 {
		if s.ranges[i] <= c && c <= s.ranges[i+1] {
			return !s.negate
		}
	}
	return s.negate
}
