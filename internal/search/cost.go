package search

import "strings"

// better returns the set that is cheaper to look for; nil is none.
func better(a, b []literal) []literal {
	if a == nil || b != nil && cost(b) < cost(a) {
		return b
	}
	return a
}

// cost estimates, in nanoseconds per byte, what it takes to look for all of set
// and to check the lines found.
func cost(set []literal) float64 {
	sum := 0.0
	for _, l := range set {
		if l.text == "" {
			return 1000
		}
		at := rarest(l)
		chance := 0.5 * commonness(l.text[at]) // half of them share their line with another
		for i := range len(l.text) {
			if i != at {
				chance *= max(commonness(l.text[i]), 0.15) // neighbours depend on each other
			}
		}
		sum += 0.1 + 5*commonness(l.text[at]) + 100*chance
		if l.fold {
			sum += 0.1 + 5*commonness(upper(l.text[at]))
		}
	}
	return sum
}

// worthwhile is the cost below which literals beat the automaton alone.
const worthwhile = 0.8

// common lists bytes from the most to the least common, in code and in prose.
const common = " etaoinsr\tldc\nupmfg.,()h\"b=0y1_/:vwx2SkTE{}34CAPRIM5-D6NFOL8B9*[]7;j&GUVHq!+<>W'zXK|%Y#`\\QJZ@$^?~"

// commonness estimates how often a byte occurs, as a part of all bytes.
func commonness(c byte) float64 {
	if rank := strings.IndexByte(common, c); rank >= 0 {
		return 0.14 / (1 + 0.45*float64(rank))
	}
	return 0.0003
}

// rarest returns where the least common byte of a text is.
func rarest(l literal) int {
	at := 0
	for i := range len(l.text) {
		if rarity(l, i) < rarity(l, at) {
			at = i
		}
	}
	return at
}

func rarity(l literal, i int) float64 {
	f := commonness(l.text[i])
	if up := upper(l.text[i]); l.fold && up != l.text[i] {
		f += commonness(up) + 0.001 // two to look for
	}
	return f
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// lower maps ASCII letters to lower case and other bytes to themselves.
var lower = func() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()
