package deepagent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/deepagent"
)

func TestMemory(t *testing.T) {
	b := memory()
	finished(t, nil, &deepagent.Deps{Backend: b},
		use("read_memory", "{}"),
		step{Expect: []string{"The memory is empty."}, Calls: []call{{Name: "write_memory", Input: `{"text": "Tests: make test"}`}}},
		use("write_memory", `{"text": "The user likes hay."}`),
		use("update_memory", `{"old": "make test", "new": "go test"}`),
		use("update_memory", `{"old": "no such text", "new": "x"}`),
		step{Expect: []string{"Error: "}, Calls: []call{{Name: "read_memory", Input: "{}"}}},
		step{Expect: []string{"Tests: go test\nThe user likes hay.\n"}, Text: "done"})
	if got := get(t, b, ".deep/memory/main/MEMORY.md"); got != "Tests: go test\nThe user likes hay.\n" {
		t.Errorf("%q", got)
	}
	a, m := made(t, nil, say("done"))
	if _, err := a.Run(t.Context(), "Again.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	has(t, m.Requests()[0].System, "The user likes hay.")
	a, m = made(t, &deepagent.Options{Name: "other"}, say("done"))
	if _, err := a.Run(t.Context(), "Again.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.Requests()[0].System, "hay") {
		t.Error("it is another agent's memory")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	b := memory(".deep/memory/main/MEMORY.md", manyLines(1000), "AGENTS.md", manyLines(2000))
	a, m := made(t, nil, say("done"))
	if _, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	sys := m.Requests()[0].System
	if strings.Contains(sys, "line 800 of") || len(sys) > 40_000 {
		t.Errorf("%d bytes", len(sys))
	}
	has(t, sys, "line 801 of", "line 1000 of", "line 1 of", "(more is in the file)")
}

// On a backend that cannot be written there are no tools that write.
func TestMemoryReadOnly(t *testing.T) {
	b := composite.ReadOnly(memory(".deep/memory/main/MEMORY.md", "hay\n"))
	out := finished(t, nil, &deepagent.Deps{Backend: b}, use("write_memory", `{"text": "x"}`), use("read_memory", "{}"), step{Expect: []string{"hay"}, Text: "done"})
	if got := out.done(t, 0); !got.Failed {
		t.Errorf("%+v", got)
	}
}

func TestSkillFiles(t *testing.T) {
	for i, c := range []struct{ file, name, description string }{
		{"---\nname: a-skill\ndescription: Does this.\n---\nBody", "a-skill", "Does this."},
		{"---\r\nname: \"a-skill\"\r\ndescription: 'Does: this.'\r\n---\r\nBody", "a-skill", "Does: this."},
		{"\ufeff---\nname: a-skill\ndescription: |\n  Does\n  this.\n---\nBody", "a-skill", "Does this."},
		{"---\nname: a-skill\ndescription: Does\n  this.\nmetadata:\n  version: 1\n---\nBody", "a-skill", "Does this."},
		{"---\nname: a skill, not a name\n---\n# Title\n\nFirst words.\n", "dir", "First words."},
		{"---\nname: never ends\ndescription: x\n", "dir", "---"},
		{"", "dir", ""},
		{"\xff\xfe\n", "dir", "\ufffd"},
		{"---\n: : :\n- a\n# b\n---\nBody", "dir", "Body"},
		{"---\ndescription: " + strings.Repeat("x", 2000) + "\n---\n", "dir", strings.Repeat("x", 500) + "..."},
	} {
		a, m := made(t, nil, say("done"))
		if _, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Backend: memory("skills/dir/SKILL.md", c.file)}); err != nil {
			t.Fatal(err)
		}
		has(t, m.Requests()[0].System+"\n", fmt.Sprintf("\n- %s: %s\n", c.name, c.description))
		if t.Failed() {
			t.Fatalf("case %d: %q", i, c.file)
		}
	}
}

// The directory that is named first wins, an empty list is none.
func TestSkillDirectories(t *testing.T) {
	b := memory("skills/x/SKILL.md", "---\nname: same\n---\nfirst", "more/y/SKILL.md", "---\nname: same\n---\nsecond")
	out := finished(t, &deepagent.Options{Skills: []string{"more", "missing", "skills"}}, &deepagent.Deps{Backend: b},
		use("load_skill", `{"name": "same"}`), use("load_skill", `{"name": "none"}`), say("done"))
	has(t, out.done(t, 0).Text, "second")
	a, m := made(t, nil, say("done"))
	put(t, b, "skills/z/SKILL.md", "---\nname: same\n---\nthird")
	if _, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Backend: b}); err != nil || strings.Count(m.Requests()[0].System, "- same:") != 1 {
		t.Errorf("%v:\n%s", err, m.Requests()[0].System)
	}
	has(t, out.done(t, 1).Text, `there is no skill "none"`)
	out = finished(t, &deepagent.Options{Skills: []string{}}, &deepagent.Deps{Backend: b}, use("load_skill", `{"name": "same"}`), say("done"))
	has(t, out.done(t, 0).Text, "There is no tool")
}

// What a rule hides is neither listed nor quoted.
func TestHiddenFiles(t *testing.T) {
	b := ruled(t, memory("AGENTS.md", "visible\n", ".env", "KEY=secret\n"))
	a, m := made(t, &deepagent.Options{ContextFiles: []string{"AGENTS.md", ".env", "missing.md"}}, say("done"))
	if _, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	if has(t, m.Requests()[0].System, "visible"); strings.Contains(m.Requests()[0].System, "secret") {
		t.Error("a secret is in the prompt")
	}
}
