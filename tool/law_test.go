package tool_test

import (
	"regexp"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// law is a set of rules in the plainest reading of their documentation: the first
// rule that matches decides. It uses nothing of what package policy does with
// them. granted is what somebody has approved for good.
type law struct {
	set     policy.Set
	root    string // where commands see the workspace, "" without commands
	granted map[wish]bool
	globs   map[policy.Rule]*regexp.Regexp
}

// wish is one operation, for which somebody may be asked.
type wish struct {
	op   guard.Op
	name string // real, or the command
}

func newLaw(s policy.Set, root string) *law {
	return &law{set: s, root: root, granted: map[wish]bool{}, globs: map[policy.Rule]*regexp.Regexp{}}
}

// says is what the rules say, and which of them; -1 is a default.
func (l *law) says(op guard.Op, name string) (policy.Action, int) {
	rules := l.set.For(op)
	for i, r := range rules.Rules {
		if l.matches(r, name) {
			return r.Action, i
		}
	}
	return l.byDefault(op), -1
}

func (l *law) byDefault(op guard.Op) policy.Action {
	for _, a := range []policy.Action{l.set.For(op).Default, l.set.Default} {
		if a != "" {
			return a
		}
	}
	return policy.Deny
}

// grant is what a yes until the end is good for.
func (l *law) grant(w wish) wish {
	if _, i := l.says(w.op, w.name); w.op != guard.Execute && i >= 0 {
		return wish{w.op, l.set.For(w.op).Rules[i].Pattern + "\x00" + string(rune(i))}
	}
	return w
}

// decides is what says says, where what was approved is allowed.
func (l *law) decides(w wish) policy.Action {
	a, _ := l.says(w.op, w.name)
	if a == policy.Ask && l.granted[l.grant(w)] {
		return policy.Allow
	}
	return a
}

// shows is whether a name is among the results of a search.
func (l *law) shows(op guard.Op, name string) bool {
	own, _ := l.says(op, name)
	read := l.decides(wish{guard.Read, name})
	if op == guard.Grep {
		return own != policy.Deny && read == policy.Allow
	}
	return own != policy.Deny && read != policy.Deny
}

// keeps is whether commands must not read a name: a rule says so, or the default
// denies it.
func (l *law) keeps(op guard.Op, name string) bool {
	a, i := l.says(op, name)
	return a == policy.Deny || a == policy.Ask && i >= 0
}

// matches holds a name against the pattern of a rule about files.
func (l *law) matches(r policy.Rule, name string) bool {
	if strings.HasPrefix(r.Pattern, "//") {
		return false // the system, not the workspace
	}
	p := r.Pattern
	if l.root != "" && strings.HasPrefix(p, l.root+"/") {
		p = p[len(l.root):]
	}
	p = strings.TrimPrefix(p, "/")
	if p == "**" || name == "." {
		return p == "**"
	}
	re := l.globs[r]
	if re == nil {
		text := `(?s)^(?:` + globRegexp(p) + `)$`
		if r.Action != policy.Allow {
			text = `(?si)^(?:` + globRegexp(p) + `)(?:/.*)?$`
		}
		re = regexp.MustCompile(text)
		l.globs[r] = re
	}
	return re.MatchString(name)
}

// globRegexp is a glob as a regular expression.
func globRegexp(p string) string {
	var s strings.Builder
	for len(p) > 0 {
		n := 1
		switch {
		case strings.HasPrefix(p, "**/"):
			s.WriteString(`(?:[^/]+/)*`)
			n = 3
		case p == "**":
			s.WriteString(`.+`)
			n = 2
		case p[0] == '*':
			s.WriteString(`[^/]*`)
		case p[0] == '?':
			s.WriteString(`[^/]`)
		case p[0] == '{':
			s.WriteString(`(?:`)
		case p[0] == ',':
			s.WriteString(`|`)
		case p[0] == '}':
			s.WriteString(`)`)
		case p[0] == '[':
			n = strings.IndexByte(p, ']') + 1
			s.WriteString(strings.Replace(p[:n], "[!", "[^", 1))
		default:
			s.WriteString(regexp.QuoteMeta(p[:1]))
		}
		p = p[n:]
	}
	return s.String()
}
