package tool_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

// step is a call of a tool, with what a plain reading of the rules owes for it.
type step struct {
	tool string
	in   args
	// wants are the operations that must all be allowed, in the order in which they
	// come; a link that leaves is refused without any.
	wants  []wish
	leaves bool
	fails  bool // also when all is allowed
	any    bool // how many of wants are asked about before it fails is open
	after  *world
	// found are the names that must be in the data, nil where they are not compared.
	found func() []string
	// hollow are links of which it must not be told what they lead to.
	hollow []string
	// told are names that the answer may hold: what a name that was given leads to.
	told []string
}

// model makes steps for a world under a law.
type model struct {
	*rand.Rand
	w      *world
	l      *law
	rooted bool // paths begin with /workspace
	plain  *bench
	n      int
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// outlandish are paths that are no names, or those of nothing in the workspace.
var outlandish = []string{
	"..", "../../etc/passwd", "src/../../x", "src/../../../proc/self/environ", strings.Repeat("n", 300), strings.Repeat("d/", 2100) + "x",
	"a\x00b", ".env\x00.txt", "//etc/passwd/../../..", "src/\x00/../../.env\x00",
}

// outside are paths that lie elsewhere where commands see the workspace at a path.
var outside = []string{"/workspace-other/x", "/workspace/../etc/passwd", "/etc/passwd", "/proc/self/environ", "/workspace/./../workspacex/.env", "/"}

// near are names that are not there, and almost are.
var near = []string{
	"src/mian.go", "src/main.goo", ".env2", ".Env.local", "config/app.keyy", "config/app.KEY", "deploy/secrets.yaml", ".ssh/id_rs", "READM.md",
	"nothing", "README.md/x", ".env/x", "src/new/deep.go", "new.pem", ".env%00", ".env ", ".env.", "\uff0eenv", "\uff0eenv/\uff0f",
	"l-dir/app.key", "l-dir/new.txt", "src/l-up/SECRETS.yaml", "src/l-up", "l-dir", "src", "config", ".ssh", ".", "deep/1", "data", ".hidden",
}

// name is some name that is there, is not, or leads somewhere.
func (m *model) name() string {
	if m.IntN(3) == 0 {
		return pick(m.Rand, near)
	}
	return pick(m.Rand, m.w.names())
}

// typed is a name as a model may write it.
func (m *model) typed(name string) string {
	root := "/"
	if m.rooted {
		root = "/workspace/"
	}
	switch m.IntN(6) {
	case 0:
		return root + name
	case 1:
		return "./" + name
	case 2:
		return "src/.././" + name
	case 3:
		return root + "no//such/../../" + name
	}
	return name
}

// on begins a step of a tool on a name.
func (m *model) on(tl, name string, in args) (s *step, real string) {
	s = &step{tool: tl, in: in}
	real, err := m.w.real(name)
	switch {
	case err == errLeaves:
		s.leaves = true
	case err != nil:
		s.fails = true
	}
	s.told = []string{name, real}
	return s, real
}

func (s *step) want(op guard.Op, name string) { s.wants = append(s.wants, wish{op, name}) }

// stuck reports whether nothing more is to be said of a step.
func (s *step) stuck() bool { return s.leaves || s.fails }

func (m *model) any() *step {
	m.n++
	return pick(m.Rand, []func() *step{
		m.bad, m.ls, m.read, m.write, m.edit, m.edit, m.patch, m.patch, m.patchTwo, m.glob, m.grep,
	})()
}

// bad is a call with what is no name.
func (m *model) bad() *step {
	p := pick(m.Rand, outlandish)
	if m.rooted && m.IntN(2) == 0 {
		p = pick(m.Rand, outside)
	}
	return &step{fails: true, tool: pick(m.Rand, []string{"ls", "read_file", "write_file", "edit_file", "grep", "glob"}),
		in: args{"path": p, "content": "x", "old_string": "x", "new_string": "y", "pattern": "x"}}
}

// fit takes the arguments away that a tool does not have.
func (s *step) fit(t tool.Tool) json.RawMessage {
	var schema struct{ Properties map[string]any }
	_ = json.Unmarshal(t.Input, &schema)
	in := args{}
	for k, v := range s.in {
		if _, ok := schema.Properties[k]; ok {
			in[k] = v
		}
	}
	raw, _ := json.Marshal(in)
	return raw
}

func (m *model) ls() *step {
	name := m.name()
	if m.IntN(3) == 0 {
		name = "."
	}
	s, real := m.on("ls", name, args{"path": m.typed(name)})
	if s.stuck() {
		return s
	}
	s.want(guard.List, real)
	_, isFile := m.w.files[real]
	isDir := m.w.isDir(real)
	s.fails = !isFile && !isDir
	switch {
	case !isDir && !m.l.shows(guard.List, real): // whether it is there is not told
		s.want(guard.Read, real)
	case !isDir:
	default:
		s.hollow = m.hollow(real)
		s.found = func() []string {
			return slices.DeleteFunc(m.w.children(real), func(n string) bool { return !m.l.shows(guard.List, path.Join(real, n)) })
		}
	}
	return s
}

// hollow are the links in a directory that lead to what cannot be seen.
func (m *model) hollow(dir string) (all []string) {
	for _, n := range m.w.children(dir) {
		at := path.Join(dir, n)
		_, link := m.w.links[at]
		to, err := m.w.real(at)
		if link && m.l.shows(guard.List, at) && (err != nil || !m.l.shows(guard.List, to) && m.l.decides(wish{guard.Read, to}) != policy.Allow) {
			all = append(all, n)
		}
	}
	return all
}

func (m *model) read() *step {
	name := m.name()
	s, real := m.on("read_file", name, args{"path": m.typed(name)})
	if !s.stuck() {
		s.want(guard.Read, real)
		_, ok := m.w.files[real]
		s.fails = !ok
	}
	return s
}

func (m *model) write() *step {
	name := m.name()
	text := fmt.Sprintf("written\ntail %d\n", m.n)
	s, real := m.on("write_file", name, args{"path": m.typed(name), "content": text})
	if s.stuck() {
		return s
	}
	s.want(guard.Write, real)
	if m.w.isDir(real) || m.w.belowFile(real) {
		s.fails, s.any = true, true
		return s
	}
	s.after = m.w.clone()
	s.after.files[real] = text
	return s
}

// last is the last line of a text, in which it is the only one of its kind.
func last(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return lines[max(0, len(lines)-2)]
}

// edit is an edit in one of the three ways that name a file.
func (m *model) edit() *step {
	name := m.name()
	typed := m.typed(name)
	s, real := m.on("", name, args{"path": typed})
	text := m.w.files[real]
	old, tail := last(text), fmt.Sprintf("tail %d\n", m.n)
	nearMiss := m.IntN(4) == 0
	if nearMiss || text == "" {
		old = "canary-00-0 of IT\ntail\n"
	}
	one := args{"old_string": old, "new_string": tail}
	switch m.IntN(3) {
	case 0:
		s.tool, s.in["old_string"], s.in["new_string"] = "edit_file", old, tail
	case 1:
		s.tool, s.in["edits"] = "multi_edit", []args{one}
	default:
		s.tool, s.in["start_line"], s.in["new_content"] = "hashline_edit", strings.Count(text, "\n"), tail
		s.in["start_hash"] = m.hash(real)
		if nearMiss || text == "" {
			s.in["start_line"], s.in["start_hash"] = 2, "zz"
		}
	}
	if s.stuck() {
		return s
	}
	s.want(guard.Read, real)
	if text == "" || nearMiss {
		s.fails = true
		return s
	}
	s.want(guard.Edit, real)
	s.after = m.w.clone()
	s.after.files[real] = strings.TrimSuffix(text, old) + tail
	return s
}

var hashOfLine = regexp.MustCompile(`(\d+):(\w+)\|[^\n]*$`)

// hash is that of the last line, which a console without rules knows.
func (m *model) hash(real string) string {
	r, _ := m.plain.try(m.plain.Context(), "read_file", args{"path": real, "hashes": true})
	if all := hashOfLine.FindStringSubmatch(r.Text); all != nil && !r.Failed {
		return all[2]
	}
	return "zz"
}

// verdict is what becomes of a step: whom it asks and whether it is refused.
func (s *step) verdict(l *law, yes bool) (asked []wish, refused bool) {
	for _, w := range s.wants {
		switch l.decides(w) {
		case policy.Deny:
			return asked, true
		case policy.Ask:
			if !slices.Contains(asked, w) {
				asked = append(asked, w)
			}
			if !yes {
				return asked, true
			}
		}
	}
	return asked, s.leaves
}
