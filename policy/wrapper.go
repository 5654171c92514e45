package policy

import (
	"path"
	"strings"
)

// wrapper is a program that runs another one, which its arguments name.
type wrapper struct {
	flags  string // options of one letter without a value
	values string // options of one letter with one
	long   string // long options without a value of their own, with blanks around
	longs  string // long options with one
	before int    // operands before the program
	vars   bool   // assignments may come before the program
	// through says that the program does nothing else, so that no rule need allow
	// it besides what it runs.
	through bool
	more    bool // arguments that are not known follow
	text    bool // what it runs is text for a shell, all words joined
}

var wrappers = map[string]wrapper{
	"env":   {flags: "i0v", values: "uC", long: " ignore-environment null debug ", longs: " unset chdir ", vars: true, through: true},
	"nohup": {through: true}, "setsid": {flags: "cfw", long: " ctty fork wait ", through: true},
	"nice":    {values: "n", longs: " adjustment ", through: true},
	"ionice":  {flags: "t", values: "cn", long: " ignore ", longs: " class classdata ", through: true},
	"stdbuf":  {values: "ioe", longs: " input output error ", through: true},
	"timeout": {flags: "fpv", values: "ks", long: " foreground preserve-status verbose ", longs: " kill-after signal ", before: 1, through: true},
	"time":    {flags: "pv", long: " portability verbose ", through: true},
	"command": {flags: "p", through: true}, "exec": {flags: "cl", values: "a", through: true}, "builtin": {through: true},
	"xargs": {flags: "0rtpx", values: "nPLsEd", long: " null no-run-if-empty verbose interactive exit ",
		longs: " max-args max-procs max-lines max-chars eof delimiter ", through: true, more: true},
	"taskset": {flags: "ac", long: " all-tasks cpu-list ", before: 1, through: true},
	"busybox": {}, "toybox": {},
	"sudo": {flags: "AbEHknPS", values: "ugpCcDhrtTRU", long: " preserve-env set-home non-interactive stdin background ",
		longs: " user group prompt chdir host role type ", vars: true},
	"doas": {flags: "nL", values: "uC"}, "pkexec": {longs: " user "}, "chroot": {longs: " userspec groups ", before: 1},
	"flock": {flags: "sxeunoFv", values: "wE", long: " shared exclusive unlock nonblock close no-fork verbose ",
		longs: " timeout wait conflict-exit-code ", before: 1},
	"watch": {flags: "bcdegtpwx", values: "nq", long: " beep color differences errexit chgexit no-title precise exec ", longs: " interval equexit ", text: true},
	"eval":  {through: true, text: true},
}

// shells are the programs that run text of theirs: those that are bash, and those
// that may be any shell.
var shells = map[string]bool{"bash": true, "rbash": true, "sh": false, "dash": false, "ash": false}

// otherShells run text that is not read here.
var otherShells = map[string]bool{"zsh": true, "ksh": true, "mksh": true, "fish": true, "csh": true, "tcsh": true, "su": true, "runuser": true}

// program is a program with its arguments, and what it runs.
func (a *analysis) program(vars, words []word, depth int) {
	if depth > maxUnwrap {
		a.unknown("it is %s", errDeep)
		return
	}
	p := part{vars: vars, words: words}
	if !words[0].known || words[0].text == "" {
		p.unknown = "its program is known only when it runs"
		a.add(p)
		return
	}
	p.danger = a.dangerous(words)
	name := path.Base(words[0].text)
	bash, shell := shells[name]
	w, wraps := wrappers[name]
	switch {
	case shell:
		text, ok := scriptOf(words[1:])
		p.through = ok && isSystem(words[0].text) && len(vars) == 0
		a.add(p)
		if ok {
			a.text(text, bash, depth)
		}
	case wraps && !isLookup(name, words):
		a.wrapper(name, w, p, depth)
	case name == "trap" && len(words) > 2 && words[1].text != "-":
		p.through = len(vars) == 0
		a.add(p)
		a.text(words[1], false, depth)
	case otherShells[name]:
		a.add(p)
		a.unknown("the text that %s runs is not read", name)
	default:
		p.through = a.funcs[words[0].text] && len(vars) == 0
		a.add(p)
		a.special(name, words[1:], depth)
	}
}

// isLookup reports whether "command -v" only says what a name means.
func isLookup(name string, words []word) bool {
	return name == "command" && len(words) > 1 && (words[1].text == "-v" || words[1].text == "-V")
}

// isSystem reports whether a program is the system's: looked up, or in one of its
// directories.
func isSystem(text string) bool {
	switch path.Dir(text) {
	case ".", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin":
		return !strings.HasPrefix(text, ".")
	}
	return false
}

// text is a script in an argument.
func (a *analysis) text(w word, bash bool, depth int) {
	if !w.known {
		a.unknown("the text that a shell runs is known only when it runs")
		return
	}
	a.script(w.text, bash, depth+1)
}

// special are programs of which only some uses run others.
func (a *analysis) special(name string, args []word, depth int) {
	switch name {
	case "find", "fd", "fdfind":
		a.find(args, depth)
	case "cd", "pushd":
		a.changeDir(args)
	}
}

// changeDir remembers where names of files may start from now on.
func (a *analysis) changeDir(args []word) {
	for _, w := range args {
		if !w.known || strings.HasPrefix(w.text, "-") || len(a.dirs) > 16 {
			continue
		}
		if t, ok := a.resolve(w.text, a.dirs[len(a.dirs)-1]); ok && !t.outside {
			a.dirs = append(a.dirs, t.name)
		}
	}
}

// find runs what -exec and its kind say.
func (a *analysis) find(args []word, depth int) {
	for i := 0; i < len(args); i++ {
		switch args[i].text {
		case "-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch":
		default:
			continue
		}
		var words []word
		for i++; i < len(args) && args[i].text != ";" && (args[i].text != "+" || len(words) == 0); i++ {
			w := args[i]
			if strings.Contains(w.text, "{") {
				w.known = false
			}
			words = append(words, w)
		}
		if len(words) == 0 {
			a.unknown("find runs something that cannot be read")
			continue
		}
		a.program(nil, words, depth+1)
	}
}

// scriptOf is the text that a shell is given with -c. Without one it runs a file,
// or what it reads.
func scriptOf(args []word) (word, bool) {
	found := false
	for i := 0; i < len(args); i++ {
		t := args[i].text
		switch {
		case !args[i].known && !found:
			return word{}, true // may be anything, -c included
		case t == "--" || t == "-":
			if found && i+1 < len(args) {
				return args[i+1], true
			}
			return word{}, found
		case len(t) < 2 || t[0] != '-' && t[0] != '+':
			return args[i], found
		case strings.HasPrefix(t, "--"):
			if t != "--norc" && t != "--noprofile" && t != "--posix" && t != "--login" {
				return word{}, true // not one of those that take no file
			}
		default:
			found = found || t[0] == '-' && strings.Contains(t, "c")
			i += strings.Count(t, "o") + strings.Count(t, "O") // each takes the name of an option
		}
	}
	return word{}, found
}

// wrapper is a wrapper, p, and what it runs.
func (a *analysis) wrapper(name string, w wrapper, p part, depth int) {
	rest, replaced, ok := w.operands(name, p.words[1:])
	vars := append([]word(nil), p.vars...)
	for w.vars && len(rest) > 0 && isAssignment(rest[0].text) {
		vars, rest = append(vars, rest[0]), rest[1:]
	}
	text := w.text || name == "flock" && len(rest) == 2 && (rest[0].text == "-c" || rest[0].text == "--command")
	p.through = w.through && isSystem(p.words[0].text) && len(rest) > 0 && (!text || len(vars) == 0)
	a.add(p)
	switch {
	case !ok || len(rest) > 0 && strings.HasPrefix(rest[0].text, "-") && !text:
		a.unknown("what %s runs cannot be read from its arguments", name)
	case len(rest) == 0:
	case text && !w.text:
		a.text(rest[1], false, depth)
	case text:
		a.text(joined(rest), false, depth)
	case w.more:
		a.program(vars, insert(rest, replaced), depth+1)
	default:
		a.program(vars, rest, depth+1)
	}
}

// insert adds what xargs adds to a command.
func insert(words []word, replaced string) []word {
	out := append([]word(nil), words...)
	if replaced == "" {
		return append(out, word{hole, false})
	}
	for i := range out {
		if strings.Contains(out[i].text, replaced) {
			out[i].known = false
		}
	}
	return out
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return false
	}
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// joined is the text that words are when a shell reads them again.
func joined(words []word) word {
	var b strings.Builder
	all := word{known: true}
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
		all.known = all.known && w.known
	}
	all.text = b.String()
	return all
}
