package deepagent

import (
	"strings"
	"unicode"
)

// readSkill reads the beginning of a SKILL.md. What it does not say comes from the
// name of the directory and the first words of the text.
func readSkill(dir, text string) skill {
	head, body, _ := frontMatter(text)
	s := skill{name: head["name"], description: head["description"]}
	if !isToolName(s.name) {
		s.name = strings.ReplaceAll(line(dir), " ", "-")
	}
	for l := range strings.Lines(body) {
		l = strings.TrimSpace(l)
		if s.description == "" && l != "" && !strings.HasPrefix(l, "#") {
			s.description = l
		}
	}
	s.description = clip(line(s.description), maxSkillLine)
	return s
}

// line is s as one line without control characters, whatever kinds of space it has:
// in the list of skills nothing may look like the beginning of something else.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, s)
}

// frontMatter parts the lines between two lines "---" at the beginning of a text
// from the rest, and reads them as "key: value". A value may be quoted, go on in
// lines that are indented, or begin with ">" or "|" and be all of those. What is
// neither is passed over. ok is false where there are no such lines.
func frontMatter(text string) (head map[string]string, body string, ok bool) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	rest, found := strings.CutPrefix(text, "---\n")
	if !found {
		return nil, text, false
	}
	block, body, found := strings.Cut("\n"+rest, "\n---")
	if !found {
		return nil, text, false
	}
	_, body, _ = strings.Cut(body, "\n")
	head = map[string]string{}
	key := ""
	for line := range strings.SplitSeq(block, "\n") {
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		line = strings.TrimSpace(line)
		name, value, pair := strings.Cut(line, ":")
		switch {
		case line == "" || strings.HasPrefix(line, "#") && !indented:
		case indented && key != "":
			head[key] = strings.TrimSpace(head[key] + " " + line)
		case !indented && pair:
			key = strings.ToLower(strings.TrimSpace(name))
			head[key] = scalar(strings.TrimSpace(value))
		}
	}
	for k, v := range head {
		head[k] = unquote(v)
	}
	return head, body, true
}

// scalar is a value without the mark of a block of lines.
func scalar(v string) string {
	if strings.Trim(v, ">|+-0123456789") == "" && (strings.HasPrefix(v, ">") || strings.HasPrefix(v, "|")) {
		return ""
	}
	return v
}

func unquote(v string) string {
	if n := len(v); n >= 2 && v[0] == v[n-1] && (v[0] == '"' || v[0] == '\'') {
		return strings.ReplaceAll(v[1:n-1], `\"`, `"`)
	}
	return v
}
