package tool

import (
	"crypto/sha256"
	"strings"
)

// The hash of a line vouches for its text and for that of the lines before and
// after it: the first 30 bits of the SHA-256 of the three sums, in base 32. So
// equal lines in different surroundings have different hashes, and a change
// makes the hashes of the lines beside it new ones.
//
// A line is named by its number and its hash together. What can go wrong is that
// something else has come to stand at that number. Then the hash differs but for
// one time in 10^9, or the line and both its neighbours are equal to what was
// meant. This can only be when numbers have shifted. A shift by somebody else is
// refused by the revision of the file; after one by this console a hash that the
// file has more than once is refused until the lines were read again. The hash
// of everything above a line would tell all places apart without that, but every
// edit would make all that was read below it worthless.
const hashSize = 6

const hashDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// hashOf is the hash of a line; the sum of a line that is not there is zero.
func hashOf(before, line, after sum) string {
	var all [3 * len(sum{})]byte
	copy(all[:], before[:])
	copy(all[len(sum{}):], line[:])
	copy(all[2*len(sum{}):], after[:])
	h := sha256.Sum256(all[:])
	bits := uint64(h[0])<<32 | uint64(h[1])<<24 | uint64(h[2])<<16 | uint64(h[3])<<8 | uint64(h[4])
	var s strings.Builder
	for i := range hashSize {
		s.WriteByte(hashDigits[bits>>(35-5*i)&31])
	}
	return s.String()
}

// sumText is the sum of a line's text.
func sumText(text string) sum {
	h := sha256.Sum256([]byte(text))
	return sum(h[:len(sum{})])
}

// hashesOf are the hashes of all lines.
func hashesOf(lines []fileLine) []string {
	sums := make([]sum, len(lines)+2) // with one that is not there on either side
	for i, l := range lines {
		sums[i+1] = sumText(l.text)
	}
	hashes := make([]string, len(lines))
	for i := range lines {
		hashes[i] = hashOf(sums[i], sums[i+1], sums[i+2])
	}
	return hashes
}
