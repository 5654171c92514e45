package policy

import "strings"

// operands is what follows the options of a wrapper and the operands that come
// before the program, and for xargs the text that it replaces. It is not ok where
// an option is not one of those that are known, because then it cannot be said
// where the program is.
func (w wrapper) operands(name string, args []word) (rest []word, replaced string, ok bool) {
	before := w.before
	for len(args) > 0 {
		arg := args[0]
		t := arg.text
		switch {
		case !arg.known:
			return w.afterUnknown(args, before)
		case t == "--":
			args = args[1:]
			return skip(args, before, replaced)
		case name == "env" && t == "-":
			args = args[1:]
		case name == "env" && (strings.HasPrefix(t, "-S") || strings.HasPrefix(t, "--split-string")):
			return nil, "", false
		case name == "nice" && len(t) > 1 && strings.Trim(t[1:], "0123456789-+") == "" && t[0] == '-':
			args = args[1:]
		case name == "xargs" && (strings.HasPrefix(t, "-I") || strings.HasPrefix(t, "-i") || strings.HasPrefix(t, "--replace")):
			if replaced, args, ok = replaces(t, args[1:]); !ok {
				return nil, "", false
			}
		case len(t) < 2 || t[0] != '-':
			return skip(args, before, replaced)
		default:
			n := w.option(t)
			if n == 0 || n > len(args) || n == 2 && !args[1].known {
				return nil, "", false
			}
			args = args[n:]
		}
	}
	return nil, replaced, before == 0 || name == "flock"
}

// afterUnknown is the rest behind a word that is not known, which may be any
// number of words: only a wrapper without a program in its arguments is left.
func (w wrapper) afterUnknown(args []word, before int) ([]word, string, bool) {
	if before == 0 {
		return args, "", true // the program is not known
	}
	return nil, "", false
}

func skip(args []word, n int, replaced string) ([]word, string, bool) {
	if len(args) < n {
		return nil, replaced, false
	}
	for _, a := range args[:n] {
		if !a.known {
			return nil, replaced, false
		}
	}
	return args[n:], replaced, true
}

// replaces reads the options of xargs that name the text to replace.
func replaces(t string, rest []word) (string, []word, bool) {
	long, value, hasValue := strings.Cut(t, "=")
	switch {
	case long == "--replace":
		if !hasValue {
			value = "{}"
		}
		return value, rest, value != ""
	case strings.HasPrefix(t, "--"):
		return "", nil, false
	case t == "-i":
		return "{}", rest, true
	case len(t) > 2:
		return t[2:], rest, true
	case len(rest) > 0 && rest[0].known && rest[0].text != "":
		return rest[0].text, rest[1:], true
	}
	return "", nil, false
}

// option is how many words an option takes, 0 if it is not known.
func (w wrapper) option(t string) int {
	if long, ok := strings.CutPrefix(t, "--"); ok {
		long, _, valued := strings.Cut(long, "=")
		key := " " + long + " "
		switch {
		case strings.Contains(w.long, key):
			return 1
		case strings.Contains(w.longs, key) && valued:
			return 1
		case strings.Contains(w.longs, key):
			return 2
		}
		return 0
	}
	for i := 1; i < len(t); i++ {
		switch {
		case strings.IndexByte(w.values, t[i]) >= 0 && i+1 < len(t):
			return 1
		case strings.IndexByte(w.values, t[i]) >= 0:
			return 2
		case strings.IndexByte(w.flags, t[i]) < 0:
			return 0
		}
	}
	return 1
}
