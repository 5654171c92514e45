package policy

import (
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
)

// String is a part as it is shown.
func (p *part) String() string {
	if p.redirect {
		return map[bool]string{true: "> ", false: "< "}[p.write] + shownWord(p.file)
	}
	if len(p.words) == 0 {
		return "what cannot be known"
	}
	var all []string
	for _, w := range append(append([]word(nil), p.vars...), p.words...) {
		all = append(all, shownWord(w))
	}
	return shorten(strings.Join(all, " "))
}

func shownWord(w word) string {
	text := strings.ReplaceAll(w.text, hole, "…")
	if text == "" || strings.ContainsAny(text, " \t\n;&|<>()'\"`\\$") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// commandLine is a command as it is shown.
func commandLine(cmd *hutch.Cmd) string { return shorten(wholeCommand(cmd)) }

// wholeCommand is the script, if the command is one for sh, else its words.
func wholeCommand(cmd *hutch.Cmd) string {
	if len(cmd.Args) == 3 && cmd.Args[0] == "sh" && cmd.Args[1] == "-c" {
		return cmd.Args[2]
	}
	var all []string
	for _, arg := range cmd.Args {
		all = append(all, shownWord(word{arg, true}))
	}
	return strings.Join(all, " ")
}

// maxShown is how many bytes of a command are shown.
const maxShown = 400

func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:maxShown], ""), len(s))
}
