package shell

import "strings"

// quote makes one word of a shell of s, whatever s holds but a NUL byte. Inside
// single quotes nothing has a meaning but the single quote itself.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// line is the call of a function with arguments. The braces make it whole or
// nothing: a shell whose input breaks off in the middle finds no closing one
// and runs nothing.
func line(function string, args []string) string {
	n := len(function) + 32
	for _, a := range args {
		n += len(a) + 8
	}
	var b strings.Builder
	b.Grow(n)
	b.WriteString("{ ")
	b.WriteString(function)
	for _, a := range args {
		b.WriteByte(' ')
		b.WriteString(quote(a))
	}
	b.WriteString("; } </dev/null")
	return b.String()
}
