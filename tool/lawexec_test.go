package tool_test

import (
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// part is a program that a command line runs, or a file that it opens.
type part struct {
	vars, words []string
	wrapper     bool // runs what is a part of its own
	danger      bool
	opens       wish // of a redirection
}

// unknownWord is a word that is known only when the command runs.
const unknownWord = "\x01"

// wordsRegexp is a pattern of commands as a regular expression on words that end
// in a NUL each.
func wordsRegexp(p string) string {
	var s strings.Builder
	for w := range strings.FieldsSeq(p) {
		if w == "*" {
			s.WriteString(`(?:[^\x00]*\x00)*`)
			continue
		}
		s.WriteString(strings.ReplaceAll(regexp.QuoteMeta(w), `\*`, `[^\x00\x01]*`) + `\x00`)
	}
	return s.String()
}

func joined(words ...[]string) string {
	all := slices.Concat(words...)
	return strings.Join(all, "\x00") + "\x00"
}

// about reports whether a rule is about a part.
func (p *part) about(r policy.Rule) bool {
	switch {
	case r.Pattern == "*":
		return !p.wrapper
	case r.Pattern == "@dangerous":
		return p.danger
	case r.Action == policy.Allow:
		return regexp.MustCompile(`(?s)^` + wordsRegexp(r.Pattern) + `$`).MatchString(joined(p.vars, p.words))
	}
	re := regexp.MustCompile(`(?si)^` + wordsRegexp(r.Pattern))
	base := append([]string{path.Base(p.words[0])}, p.words[1:]...)
	return re.MatchString(joined(p.vars, p.words)) || re.MatchString(joined(p.words)) || re.MatchString(joined(base))
}

// saysOf is what becomes of one part.
func (l *law) saysOf(p *part) policy.Action {
	if p.opens.op != "" {
		a, _ := l.says(p.opens.op, p.opens.name)
		return a
	}
	action := l.byDefault(guard.Execute)
	if p.wrapper {
		action = policy.Allow
	}
	if i := slices.IndexFunc(l.set.Execute.Rules, p.about); i >= 0 {
		action = l.set.Execute.Rules[i].Action
	}
	if !p.wrapper && slices.ContainsFunc(slices.Concat(p.vars, p.words[1:]), func(w string) bool { return l.forbids(p.words[0], w) }) {
		return policy.Deny
	}
	return action
}

// forbids reports whether a word of a program names a file that a rule denies.
func (l *law) forbids(program, w string) bool {
	if !strings.ContainsAny(w, "/.") {
		return false
	}
	ops := []guard.Op{guard.Read, guard.Write}
	if program == "cat" || program == "ls" {
		ops = ops[:1]
	}
	_, value, _ := strings.Cut(w, "=")
	for _, text := range []string{value, w} {
		name := path.Clean(strings.TrimPrefix(path.Join("/workspace", text), "/workspace/"))
		if rest, ok := strings.CutPrefix(text, "/workspace/"); ok {
			name = path.Clean(rest)
		}
		for _, op := range ops {
			if a, i := l.says(op, name); text != "" && a == policy.Deny && i >= 0 && l.set.For(op).Rules[i].Pattern != "**" {
				return true
			}
		}
	}
	return false
}

// strictest is what becomes of a command: the strictest of what becomes of its parts.
func (l *law) strictest(parts []part) policy.Action {
	action := policy.Allow
	for i := range parts {
		switch a := l.saysOf(&parts[i]); {
		case a == policy.Deny:
			return policy.Deny
		case a == policy.Ask:
			action = policy.Ask
		}
	}
	return action
}

var plainName = regexp.MustCompile(`^[\w./]+$`)

// file is a name as a word of a command.
func (m *model) file() (name, word string) {
	for name = m.name(); !plainName.MatchString(name); name = m.name() {
		continue
	}
	return name, pick(m.Rand, []string{"", "./", "/workspace/", "src/../"}) + name
}

// program is one program with its arguments.
func (m *model) program() (string, part) {
	_, f := m.file()
	p := part{words: strings.Fields(pick(m.Rand, []string{
		"git status", "git push origin", "/usr/bin/git status -v", "GIT push", "make", "make --force all", "cat " + f, "cat -n " + f, "rm " + f,
		"rm -r " + f, "ls " + f, "tool --file=" + f, "./run.sh", "go vet " + f,
	}))}
	if m.IntN(6) == 0 {
		p.vars = []string{"X=" + f}
	}
	if m.IntN(40) == 0 {
		p = part{words: strings.Fields(pick(m.Rand, []string{"rm -rf /", "/bin/rm -r -f /*", "rm --recursive --force /"})), danger: true}
	}
	return strings.Join(slices.Concat(p.vars, p.words), " "), p
}

// command is a command line, and what it runs.
func (m *model) command() (string, []part) {
	m.n++
	text, p := m.program()
	parts := []part{p}
	for range m.IntN(3) {
		more, q := m.program()
		switch m.IntN(7) {
		case 0:
			text, parts = text+pick(m.Rand, []string{" && ", " || ", "; ", " | ", "\n", " & "})+more, append(parts, q)
		case 1:
			text, parts = "("+text+"); { "+more+"; }", append(parts, q)
		case 2:
			text, parts = "if "+text+"; then "+more+"; fi", append(parts, q)
		case 3:
			inner := text
			text = "sh -c '" + inner + "'"
			if strings.Contains(inner, "'") {
				text = inner
				continue
			}
			parts = append(parts, part{words: []string{"sh", "-c", inner}, wrapper: true})
		case 4:
			text, parts = text+"; env "+more, append(parts, part{words: append([]string{"env"}, strings.Fields(more)...), wrapper: true}, q)
		case 5:
			text, parts = "echo $( "+text+" )", append(parts, part{words: []string{"echo", unknownWord}})
		default:
			name, f := m.file()
			op, arrow := guard.Write, pick(m.Rand, []string{" > ", " >> ", " 2> "})
			if m.IntN(3) == 0 {
				op, arrow = guard.Read, " < "
			}
			text, parts = "{ "+text+"; }"+arrow+f, append(parts, part{opens: wish{op, path.Clean(name)}})
		}
	}
	return text, parts
}

// someCommandRules are rules of commands.
func someCommandRules(r *rand.Rand) []policy.Rule {
	patterns := []string{"*", "git *", "git status", "git push *", "make", "make *", "cat *", "rm *", "ls *", "sh *", "env *", "X=* *", "tool --file=*", "./run.sh",
		"go vet *", "echo *", "@dangerous", "* --force *", "/usr/bin/git *"}
	var all []policy.Rule
	for range r.IntN(7) {
		all = append(all, policy.Rule{Pattern: pick(r, patterns), Action: pick(r, []policy.Action{policy.Allow, policy.Allow, policy.Deny, policy.Ask})})
	}
	return all
}
