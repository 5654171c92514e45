package eino

import "unicode/utf8"

// complete is how many bytes of p are without a character that has only begun at
// its end.
func complete(p []byte) int {
	for i := 1; i <= min(utf8.UTFMax, len(p)); i++ {
		if b := p[len(p)-i]; utf8.RuneStart(b) {
			if utf8.FullRune(p[len(p)-i:]) {
				break
			}
			return len(p) - i
		}
	}
	return len(p)
}
