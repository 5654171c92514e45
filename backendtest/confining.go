package backendtest

import (
	"errors"
	"io/fs"

	"github.com/hutch-dev/hutch"
)

// confineChecks are about what sandboxes keep commands from. One that keeps them
// from nothing says so, and then nothing has changed.
func confineChecks() []check {
	files := these("a/.env", "secret", "a/.env.example", "example", "a/key", "text", "free", "text", "keys/k", "secret")
	return []check{
		{"Confine/Hide", "commands cannot read what is hidden, and go on reading the rest", files, confineHide},
		{"Confine/Protect", "commands cannot write, remove or rename what is protected, and go on with the rest", files, confineProtect},
		{"Confine/Absent", "a name without wildcards is protected before it exists", nil, confineAbsent},
		{"Confine/Adds", "what is asked for adds to what was asked for before", files, confineAdds},
		{"Confine/Files", "file operations are as free as before", files, confineFiles},
		{"Confine/Pattern", "a pattern that cannot be read is fs.ErrInvalid, and nothing changes", files, confinePattern},
	}
}

// confine reports whether the sandbox keeps commands from what c says.
func (t *env) confine(c hutch.Confinement) bool {
	t.Helper()
	f, ok := hutch.As[hutch.Confiner](t.b)
	if !ok {
		return false
	}
	err := f.Confine(t.ctx, c)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Confine: %v", err)
	}
	return err == nil
}

func (t *env) script(script string) outcome {
	t.Helper()
	return t.run(&hutch.Cmd{Args: []string{"sh", "-c", script}})
}

// wantScript runs a script and checks whether it works.
func (t *env) wantScript(script string, works bool) {
	t.Helper()
	if o := t.script(script); (o.ExitCode == 0) != works {
		t.Errorf("%s: worked %v, want %v: %+v", script, !works, works, o)
	}
}

func confineHide(t *env) {
	holds := t.confine(hutch.Confinement{Hide: []string{"!**/.env.example", "**/.env*", "KEYS"}})
	for _, script := range []string{
		"cat a/.env", "cat < a/.env", "cp a/.env b && cat b", "ln a/.env b && cat b", "ln -s a/.env b && cat b", "mv a/.env b && cat b",
		"mv a b && cat b/.env", "chmod 777 a/.env && cat a/.env", "cat keys/k", "cd keys && cat k",
	} {
		if o := t.script(script); holds && (o.out == "secret" || o.ExitCode == 0) || !holds && o.out != "secret" {
			t.Errorf("%s: hidden %v: %+v", script, holds, o)
		}
		t.script("rm -f b; mv b a")
		if !holds {
			t.write("a/.env", "secret")
		}
	}
	t.wantScript("cat a/.env.example a/key free && printf x > a/new && rm a/key", true)
}

func confineProtect(t *env) {
	holds := t.confine(hutch.Confinement{Protect: []string{"a/KEY", "keys/**"}})
	for _, script := range []string{
		"printf x > a/key", "printf x >> a/key", "rm a/key", "mv a/key b", "mv free a/key", "mv a b && mkdir a && printf x > a/key",
		"ln a/key b && printf x > b", "printf x > keys/k", "rm keys/k", "mv keys b && mkdir keys && printf x > keys/k",
	} {
		if holds {
			t.wantScript(script, false)
			t.wantContent("a/key", "text")
			t.wantContent("keys/k", "secret")
		}
	}
	if !holds {
		t.wantScript("printf x > a/key && rm keys/k", true)
	}
	t.wantScript("cat a/.env && printf x > a/new && rm a/.env", true)
}

func confineAbsent(t *env) {
	holds := t.confine(hutch.Confinement{Protect: []string{"d/new", "top"}})
	t.wantScript("printf x > top", !holds)
	t.wantScript("mkdir -p d && printf x > d/new", !holds)
	t.wantScript("printf x > free", true)
	t.write("d/new", "of files")
	t.wantContent("d/new", "of files")
	if holds {
		t.wantScript("printf x > d/new", false)
	}
}

func confineAdds(t *env) {
	first := t.confine(hutch.Confinement{Hide: []string{"a/.env"}, Protect: []string{"free"}})
	second := t.confine(hutch.Confinement{Hide: []string{"!a/.env", "keys/k"}, Protect: []string{"!free", "a/key"}})
	t.confine(hutch.Confinement{})
	t.wantScript("cat a/.env", !first)
	t.wantScript("printf x > free", !first)
	t.wantScript("cat keys/k", !second)
	t.wantScript("printf x > a/key", !second)
}

func confineFiles(t *env) {
	t.confine(hutch.Confinement{Hide: []string{"**/.env"}, Protect: []string{"**"}})
	t.wantContent("a/.env", "secret")
	t.write("a/.env", "other")
	t.write("new/file", "x")
	t.wantContent("a/.env", "other")
	t.remove("a/key")
	t.wantAbsent("a/key")
}

func confinePattern(t *env) {
	f, ok := hutch.As[hutch.Confiner](t.b)
	if !ok {
		return
	}
	for _, bad := range []string{"[", "", "!", "a//b", "/a"} {
		for _, c := range []hutch.Confinement{{Hide: []string{"free", bad}}, {Hide: []string{"free"}, Protect: []string{bad}}} {
			if err := f.Confine(t.ctx, c); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%+v: %v, want fs.ErrInvalid", c, err)
			}
		}
	}
	t.wantScript("cat free", true)
}
