package tool

import (
	"slices"
	"strings"
)

// hints say when to use which tool; the first part of each names the tools that
// it is about, all of which must be there.
var hints = []struct {
	about []string
	text  string
}{
	{[]string{"read_file"}, "Read a file before you change it."},
	{[]string{"edit_file"}, "Change files with edit_file, by exact text."},
	{[]string{"multi_edit"}, "Change several places of one file at once with multi_edit."},
	{[]string{"hashline_edit"}, "Change lines with hashline_edit, by the number and hash that read_file shows; work from the bottom of a file upwards."},
	{[]string{"apply_patch"}, "Change several files at once with apply_patch."},
	{[]string{"glob", "grep"}, "Find files by name with glob and by content with grep, rather than with commands."},
	{[]string{"execute"}, "Run commands with execute. A path means the same file to commands and to the other tools."},
	{[]string{"run_in_background"}, "Start what keeps running with run_in_background, look at it with read_output and end it with kill_shell."},
}

// SystemPrompt says in a few lines, for the beginning of a conversation, which of
// these tools there are and when to use which. It names no others.
func SystemPrompt(tools []Tool) string {
	var names, asks []string
	for _, t := range tools {
		names = append(names, t.Name)
		if t.Asks {
			asks = append(asks, t.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	lines := []string{"You work on files in a workspace, with these tools: " + strings.Join(names, ", ") + "."}
	for _, h := range hints {
		if !slices.ContainsFunc(h.about, func(n string) bool { return !slices.Contains(names, n) }) {
			lines = append(lines, "- "+h.text)
		}
	}
	if len(asks) > 0 {
		lines = append(lines, "- Some calls wait for a person's approval: "+strings.Join(asks, ", ")+". If one is refused, do not try it again in another way.")
	}
	return strings.Join(lines, "\n")
}
