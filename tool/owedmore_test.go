package tool_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/hutch-dev/hutch/guard"
)

// patch is a patch of one file: it adds, updates, deletes or renames it.
func (m *model) patch() *step {
	name := strings.TrimRight(m.name(), " ") // as a patch is read
	typed := m.typed(name)
	s, real := m.on("apply_patch", name, args{})
	text, isFile := m.w.files[real]
	const head = "*** Begin Patch\n"
	s.in["patch"] = head + "*** Delete File: " + typed + "\n*** End Patch\n"
	if s.stuck() {
		return s
	}
	s.want(guard.Read, real)
	place := m.w.place(name)
	after := m.w.clone()
	made := fmt.Sprintf("tail %d\n", m.n)
	hunk := "@@\n-" + last(text) + "+" + made
	switch kind := m.IntN(4); {
	case !isFile:
		s.in["patch"] = head + "*** Add File: " + typed + "\n+" + made + "*** End Patch\n"
		if m.w.isDir(real) || m.w.belowFile(real) {
			s.fails, s.any = true, true
			return s
		}
		s.want(guard.Write, real)
		after.files[real] = made
	case kind == 0:
		s.want(guard.Write, place)
		after.remove(place)
	case kind == 1:
		to := fmt.Sprintf("moved/%s%d", path.Base(name), m.n)
		s.in["patch"] = head + "*** Update File: " + typed + "\n*** Move to: " + m.typed(to) + "\n" + hunk + "*** End Patch\n"
		s.want(guard.Read, to)
		s.want(guard.Write, to)
		s.want(guard.Write, place)
		after.remove(place)
		after.files[to] = strings.TrimSuffix(text, last(text)) + made
	default:
		s.in["patch"] = head + "*** Update File: " + typed + "\n" + hunk + "*** End Patch\n"
		s.want(guard.Edit, real)
		after.files[real] = strings.TrimSuffix(text, last(text)) + made
	}
	s.after = after
	return s
}

func (w *world) remove(name string) {
	delete(w.files, name)
	delete(w.links, name)
}

// patchTwo is a patch of two files, as a unified diff: both of them or none.
func (m *model) patchTwo() *step {
	var files []string
	for _, n := range m.w.names() {
		if _, ok := m.w.files[n]; ok && !strings.ContainsAny(n, " []{},") {
			files = append(files, n)
		}
	}
	i := m.IntN(len(files) - 1)
	two := []string{files[i], files[i+1+m.IntN(len(files)-i-1)]}
	s := &step{tool: "apply_patch", after: m.w.clone(), told: two}
	var p strings.Builder
	for _, n := range two {
		text, made := m.w.files[n], fmt.Sprintf("tail %d\n", m.n)
		line := strings.Count(text, "\n")
		fmt.Fprintf(&p, "--- a/%s\n+++ b/%s\n@@ -%d +%d @@\n-%s+%s", n, n, line, line, last(text), made)
		s.after.files[n] = strings.TrimSuffix(text, last(text)) + made
		s.want(guard.Read, n)
	}
	s.want(guard.Edit, two[0]) // files come in order
	s.want(guard.Edit, two[1])
	s.in = args{"patch": p.String()}
	return s
}

// globs are patterns, taken apart where their wildcards begin.
var globs = [][2]string{
	{"", "**"}, {"", "**/*.go"}, {"", "*"}, {"", ".env*"}, {"src", "*"}, {"config", "**"}, {"", "**/*[sS]ecret*"}, {"", "{.env,README.md,l-*}"},
	{"l-dir", "*"}, {".ssh", "*"}, {"src/l-up", "**"}, {"nothing", "*"}, {"l-up", "**"}, {"deep", "**/*.json"}, {"", "**/c*"}, {".env", "*"},
	{"", "main.go"}, {"", "*.json"},
}

func (m *model) glob() *step {
	g := pick(m.Rand, globs)
	start := orDot(g[0])
	s, real := m.on("glob", start, args{"pattern": path.Join(g[0], g[1]), "include_ignored": true})
	if s.stuck() {
		return s
	}
	s.want(guard.Glob, real)
	re := regexp.MustCompile(`(?s)^` + globRegexp(g[1]) + `$`)
	s.found = func() []string {
		found := []string{}
		for _, n := range m.w.below(real) {
			if re.MatchString(n) && m.l.shows(guard.Glob, path.Join(real, n)) {
				found = append(found, path.Join(start, n))
			}
		}
		return found
	}
	return s
}

func orDot(s string) string {
	if s == "" {
		return "."
	}
	return s
}

func (m *model) grep() *step {
	name := pick(m.Rand, []string{".", "src", "config", "l-dir", ".ssh", "src/l-up", m.name(), m.name()})
	s, real := m.on("grep", name, args{"path": m.typed(name), "pattern": pick(m.Rand, []string{"canary", "tail", "first", ""}),
		"output_mode": pick(m.Rand, []string{"content", "count", "files_with_matches"}), "ignore_hidden": false, "include_ignored": true, "context": m.IntN(2)})
	if s.in["output_mode"] != "content" {
		delete(s.in, "context")
	}
	if s.stuck() {
		return s
	}
	s.want(guard.Grep, real)
	text, isFile := m.w.files[real]
	has := func(text string) bool { return strings.Contains(text, s.in["pattern"].(string)) }
	switch {
	case isFile:
		s.want(guard.Read, real)
		s.found = func() []string {
			if has(text) {
				return []string{name}
			}
			return []string{}
		}
	case !m.w.isDir(real):
		s.fails = true
		if !m.l.shows(guard.List, real) {
			s.want(guard.Read, real)
		}
	default:
		s.found = func() []string {
			found := []string{}
			for _, n := range m.w.below(real) {
				inside := path.Join(real, n)
				if t, ok := m.w.files[inside]; ok && has(t) && m.l.shows(guard.Grep, inside) {
					found = append(found, path.Join(name, n))
				}
			}
			return found
		}
	}
	return s
}
