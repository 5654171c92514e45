package search

import "strings"

// Nothing is what [NameList.Enter] is told about a directory that no pattern
// covers, the root for instance.
const Nothing = int(^uint(0) >> 1)

// Enter is [NameList.Has] for who walks from the root down: name is in the list
// if in is true. above is what Enter returned for the directory of name, or
// Nothing; below is what is to be said for what name holds. folded is the
// FoldName of name.
func (l *NameList) Enter(name, folded string, above int) (in bool, below int) {
	decided := false
	for i, r := range l.rules {
		switch {
		case i >= above:
			return in || !decided, above
		case r.except:
			decided = decided || r.g.Match(name, true)
		case r.g.pattern == "." || r.g.match(folded, true):
			return !decided, i
		}
	}
	return false, Nothing
}

// Varies reports whether names below dir may be in the list where dir, for which
// Enter returned below, says that they are not, or the other way round. false is
// certain, true promises nothing.
func (l *NameList) Varies(dir string, below int) bool {
	covered := below != Nothing
	for i, r := range l.rules {
		if i >= below {
			break
		}
		if r.except == covered && r.g.Below(dir, true) {
			return true
		}
	}
	return false
}

// Literals are the names that patterns without wildcards put on the list, as
// they are written.
func (l *NameList) Literals() []string {
	var names []string
	for _, r := range l.rules {
		g, err := CompileGlob(r.g.pattern)
		if err == nil && g.exact && !r.except && l.Has(g.prefix) {
			names = append(names, g.prefix)
		}
	}
	return names
}

// Loose is how many of the directories that name, which is in the list, begins
// with can get other names, or be others, without taking it off the list.
func (l *NameList) Loose(name string) int {
	for _, r := range l.rules {
		switch {
		case r.except && !(r.g.anyDir && r.g.root == ""):
			return 0
		case r.except || !r.g.Covers(name):
			continue
		case r.g.pattern != "**" && !strings.HasPrefix(r.g.pattern, "**/"):
			return 0
		}
		n := 0
		for rest := name; ; n++ {
			_, next, more := strings.Cut(rest, "/")
			if !more || !r.g.Covers(next) {
				return n
			}
			rest = next
		}
	}
	return 0
}

// Roots are, for each pattern that puts names on the list, the name that all of
// these are or lie below.
func (l *NameList) Roots() []string {
	var names []string
	for _, r := range l.rules {
		g, err := CompileGlob(r.g.pattern)
		switch {
		case err != nil || r.except:
		case g.exact:
			names = append(names, g.prefix)
		default:
			names = append(names, g.base)
		}
	}
	return names
}
