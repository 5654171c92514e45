package docker

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// examples is a runtime for each manager, with what is hard to quote.
func examples() map[string]Runtime {
	env := map[string]string{"A": `back\slash "quoted" $HOME ${x:-y} 'single' #`, "B": ""}
	setup := []string{`echo "$HOME" 'a' \`, "cat <<E", `: --mount=type=cache,target=/x [ "a", "b" ]`}
	return map[string]Runtime{
		"pip":   {Name: "p", Base: "python:3.12-slim", Packages: []string{"pandas>=2.0", "a[b] >= 1, <2"}, Env: env, Setup: setup},
		"npm":   {Name: "n", Base: "node:20-slim", Manager: "npm", Packages: []string{"@types/react", "a@>=1 <2"}, WorkDir: "/app"},
		"apt":   {Name: "a", Base: "debian:12-slim", Manager: "apt", Packages: []string{"jq", "g++=4:12.2.0-3"}},
		"cargo": {Name: "c", Base: "rust:1-slim", Manager: "cargo", Packages: []string{"ripgrep@^14"}, WorkDir: "/src"},
		"none":  {Name: "x", Base: "debian:12-slim", Setup: setup[:1]},
	}
}

func TestDockerfile(t *testing.T) {
	for name, r := range examples() {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		golden(t, name+".dockerfile", r.Dockerfile())
		golden(t, name+".cached.dockerfile", dockerfile(r.instructions(true)))
		r.Description, r.Memory, r.Network = "other", 1<<30, "bridge"
		if r.Dockerfile() != examples()[name].Dockerfile() {
			t.Errorf("%s: what does not reach the image changes it", name)
		}
	}
	if text := (Runtime{Name: "x", Image: "debian"}).Dockerfile(); text != "" {
		t.Errorf("a ready image is built from %q", text)
	}
}

func TestHash(t *testing.T) {
	r := examples()["pip"]
	seen := map[string]string{r.hash("1"): "as it is"}
	add := func(what, hash string) {
		if old := seen[hash]; old != "" {
			t.Errorf("%s has the hash of %s", what, old)
		}
		seen[hash] = what
	}
	add("another base", r.hash("2"))
	add("no base", r.hash(""))
	for what, change := range map[string]func(*Runtime){
		"name":     func(r *Runtime) { r.Name += "x" },
		"base":     func(r *Runtime) { r.Base += "x" },
		"manager":  func(r *Runtime) { r.Manager = "apt" },
		"packages": func(r *Runtime) { r.Packages = r.Packages[:1] },
		"order":    func(r *Runtime) { slices.Reverse(r.Packages) },
		"set-up":   func(r *Runtime) { r.Setup = r.Setup[:2] },
		"env":      func(r *Runtime) { r.Env = map[string]string{"A": ""} },
		"work dir": func(r *Runtime) { r.WorkDir = "/w" },
	} {
		c := r.clone()
		change(&c)
		add(what, c.hash("1"))
	}
	if r.clone().hash("1") != examples()["pip"].hash("1") {
		t.Error("the same data have two hashes")
	}
}

// TestQuoting runs the commands that were written with a real shell, whose
// programs say what they were called with.
func TestQuoting(t *testing.T) {
	for name, r := range examples() {
		for _, cached := range []bool{false, true} {
			checkArrives(t, r, cached, name)
		}
	}
}

func FuzzQuoting(f *testing.F) {
	for _, r := range examples() {
		for _, p := range append(r.Packages, "a", "-x", "a'b", "a;b", "$(id)", "a>=1\n", "a @ https://x/$(id)&y;z") {
			f.Add(r.manager(), p, "echo a", "b")
		}
	}
	f.Add("pip", "a", `echo "\`, `\"$`)
	f.Add("pip", "a", "a\u2028b\ufeff", "\ufeff$\t\u0085")
	f.Fuzz(func(t *testing.T, manager, spec, setup, value string) {
		r := Runtime{Name: "x", Base: "debian", Manager: manager, Packages: []string{"first", spec, "last"},
			Setup: []string{setup}, Env: map[string]string{"A": value}}
		if r.Check() != nil {
			return
		}
		checkArrives(t, r, false, "fuzz")
	})
}

// checkArrives checks that packages, set-up commands and the environment come
// out of the Dockerfile of r as they went in.
func checkArrives(t *testing.T, r Runtime, cached bool, what string) {
	t.Helper()
	var scripts, env []string
	for line := range strings.Lines(dockerfile(r.instructions(cached))) {
		keyword, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch keyword {
		case "RUN":
			var words []string
			if err := json.Unmarshal([]byte(rest[strings.Index(rest, `["/bin/sh"`):]), &words); err != nil || len(words) != 3 {
				t.Fatalf("%s: %q: %v", what, line, err)
			}
			scripts = append(scripts, words[2])
		case "ENV":
			env = append(env, unquoteEnv(t, rest)...)
		}
	}
	for key, v := range r.Env {
		if !slices.Contains(env, key+"="+v) {
			t.Errorf("%s: %s=%q is not among %q", what, key, v, env)
		}
	}
	if !slices.Equal(scripts[1:][:len(r.Setup)], r.Setup) {
		t.Errorf("%s: set-up %q is %q", what, r.Setup, scripts[1:])
	}
	if len(r.Packages) > 0 {
		checkCalled(t, r, scripts[len(scripts)-1], what)
	}
}

// unquoteEnv reads KEY="value" KEY="value" as the reference of Dockerfiles has it.
func unquoteEnv(t *testing.T, rest string) (pairs []string) {
	t.Helper()
	for in := rest; in != ""; {
		key, quoted, ok := strings.Cut(in, `="`)
		value, end := "", 0
		for ; end < len(quoted) && quoted[end] != '"'; end++ {
			switch c := quoted[end]; {
			case c == '\\' && end+1 < len(quoted) && strings.IndexByte(`\"$`, quoted[end+1]) >= 0:
				end++
			case c == '\\', c == '$' && key != "PATH":
				t.Fatalf("%q: %q is not literal", rest, c)
			}
			value += quoted[end : end+1]
		}
		if !ok || end == len(quoted) {
			t.Fatalf("%q is not quoted", rest)
		}
		pairs = append(pairs, key+"="+value)
		in = strings.TrimPrefix(quoted[end+1:], " ")
	}
	return pairs
}

// checkCalled runs a script where every program that it can find writes down
// its arguments.
func checkCalled(t *testing.T, r Runtime, script, what string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no sh")
	}
	bin, work := t.TempDir(), t.TempDir()
	for _, name := range []string{"pip", "npm", "apt-get", "cargo", "rm", "mkdir", "chown"} {
		record := "#!/bin/sh\nprintf '%s\\0' \"$@\" >>\"$BIN/" + name + ".args\"\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(record), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-ec", script)
	cmd.Dir, cmd.Env = work, []string{"PATH=" + bin, "BIN=" + bin, "HOME=/nowhere"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %s: %v\n%s", what, script, err, out)
	}
	if made, _ := os.ReadDir(work); len(made) > 0 {
		t.Errorf("%s: the installation has made a file %q", what, made[0].Name())
	}
	program := r.manager()
	if program == "apt" {
		program = "apt-get"
	}
	args, err := os.ReadFile(filepath.Join(bin, program+".args"))
	if err != nil {
		t.Fatal(err)
	}
	want := "--\x00" + strings.Join(r.Packages, "\x00") + "\x00"
	if !strings.HasSuffix(string(args), want) && !strings.Contains(string(args), want+"clean\x00") {
		t.Errorf("%s: %s was called with %q, not with %q", what, program, args, want)
	}
}

func TestManagersRefuseOptions(t *testing.T) {
	for name, m := range managers {
		for _, s := range []string{"-", "--", "-x", "--x=y", "'", "a'", "a\\", "a\x00", "a\nb", "a$(b)", "a`b`", "a&b", "a|b;c", strings.Repeat("a", 501)} {
			if m.accepts(s) {
				t.Errorf("%s accepts %q", name, s)
			}
		}
	}
}
