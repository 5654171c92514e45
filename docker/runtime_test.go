package docker

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "runtimes", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")), []byte(got)) {
		t.Errorf("%s has changed; it is\n%s", file, got)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	for _, r := range Runtimes() {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		if r.Description == "" {
			t.Errorf("%s has no description", r.Name)
		}
		fmt.Fprintf(&b, "%s\n  image %q base %q in %s\n", r.Name, r.Image, r.Base, r.workDir())
		if r.Base != "" {
			fmt.Fprintf(&b, "  %s %s\n", r.manager(), strings.Join(r.Packages, " "))
		}
		for _, s := range r.Setup {
			fmt.Fprintf(&b, "  $ %s\n", s)
		}
		fmt.Fprintf(&b, "  memory %d MiB, %g processors, network %q\n", r.Memory>>20, r.CPUs, r.Network)
	}
	golden(t, "table", b.String())
}

func TestTableIsACopy(t *testing.T) {
	at := func() *Runtime {
		all := Runtimes()
		return &all[slices.IndexFunc(all, func(r Runtime) bool { return r.Name == "coding" })]
	}
	at().Packages[0], at().Setup[0] = "changed", "changed"
	if r := at(); r.Packages[0] == "changed" || r.Setup[0] == "changed" {
		t.Error("the table can be changed through what Runtimes returned")
	}
}

func TestCatalog(t *testing.T) {
	own := Runtime{Name: "mine", Base: "debian:12", Manager: "apt", Packages: []string{"jq"}}
	over := Runtime{Name: "go", Image: "golang:1.26"}
	c, err := NewCatalog(own, over)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Find("mine"); err != nil || r.Base != own.Base {
		t.Errorf("mine: %+v, %v", r, err)
	}
	if r, err := c.Find("go"); err != nil || r.Image != over.Image || r.WorkDir != "" {
		t.Errorf("go: %+v, %v", r, err)
	}
	if n := len(c.All()); n != len(Runtimes())+1 {
		t.Errorf("%d runtimes", n)
	}
	if _, err := NewCatalog(own, own); err == nil {
		t.Error("a name that is there twice is no error")
	}
	if _, err := NewCatalog(Runtime{Name: "x"}); err == nil {
		t.Error("a runtime of nothing is no error")
	}
}

func TestCatalogNear(t *testing.T) {
	c, err := NewCatalog()
	if err != nil {
		t.Fatal(err)
	}
	for name, near := range map[string]string{
		"python-datasience": "python-datascience",
		"Python-Web":        "python-web",
		"pyhton-web":        "python-web",
		"cod":               "coding",
		"poly":              "polyglot",
		"python":            "",
		"zzz":               "",
		"":                  "",
	} {
		_, err := c.Find(name)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "bun, coding, deno") {
			t.Errorf("%q: %v", name, err)
		}
		if got := nearest(name, []string{"bun", "coding", "polyglot", "python-datascience", "python-documents", "python-web"}); got != near {
			t.Errorf("near %q is %q, not %q", name, got, near)
		}
		if near != "" && !strings.Contains(err.Error(), fmt.Sprintf("did you mean %q?", near)) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Runtime{Name: "mine", Base: "debian:12-slim"}
	for what, change := range map[string]func(*Runtime){
		"no name":             func(r *Runtime) { r.Name = "" },
		"a name with a slash": func(r *Runtime) { r.Name = "a/b" },
		"a name of a dash":    func(r *Runtime) { r.Name = "-a" },
		"a long name":         func(r *Runtime) { r.Name = strings.Repeat("a", 65) },
		"no image":            func(r *Runtime) { r.Base = "" },
		"image and base":      func(r *Runtime) { r.Image = "debian" },
		"image with packages": func(r *Runtime) { r.Image, r.Base, r.Packages = "debian", "", []string{"a"} },
		"image with set-up":   func(r *Runtime) { r.Image, r.Base, r.Setup = "debian", "", []string{"a"} },
		"base with a line":    func(r *Runtime) { r.Base = "debian\nRUN x" },
		"base with a stage":   func(r *Runtime) { r.Base = "debian AS x" },
		"base of a variable":  func(r *Runtime) { r.Base = "$x" },
		"base of a dash":      func(r *Runtime) { r.Base = "--platform=x" },
		"base scratch":        func(r *Runtime) { r.Base = "scratch" },
		"image of a space":    func(r *Runtime) { r.Image, r.Base = "a b", "" },
		"another manager":     func(r *Runtime) { r.Manager = "brew" },
		"empty set-up":        func(r *Runtime) { r.Setup = []string{" "} },
		"set-up of options":   func(r *Runtime) { r.Setup = []string{"-x; a"} },
		"set-up of two lines": func(r *Runtime) { r.Setup = []string{"a\nb"} },
		"set-up with a NUL":   func(r *Runtime) { r.Setup = []string{"a\x00b"} },
		"set-up of no UTF-8":  func(r *Runtime) { r.Setup = []string{"a\xff"} },
		"variable of a digit": func(r *Runtime) { r.Env = map[string]string{"1a": ""} },
		"variable with =":     func(r *Runtime) { r.Env = map[string]string{"a=b": ""} },
		"no variable":         func(r *Runtime) { r.Env = map[string]string{"": ""} },
		"value of two lines":  func(r *Runtime) { r.Env = map[string]string{"a": "b\nc"} },
		"value with a CR":     func(r *Runtime) { r.Env = map[string]string{"a": "b\r"} },
		"relative directory":  func(r *Runtime) { r.WorkDir = "app" },
		"the root":            func(r *Runtime) { r.WorkDir = "/" },
		"directory upwards":   func(r *Runtime) { r.WorkDir = "/app/../etc" },
		"directory of a tail": func(r *Runtime) { r.WorkDir = "/app/" },
		"directory quoted":    func(r *Runtime) { r.WorkDir = "/a'b" },
		"directory of a name": func(r *Runtime) { r.WorkDir = "/a$b" },
		"directory of system": func(r *Runtime) { r.WorkDir = "/etc/app" },
		"directory usr":       func(r *Runtime) { r.WorkDir = "/usr" },
		"directory tmp":       func(r *Runtime) { r.WorkDir = "/tmp" },
		"no number":           func(r *Runtime) { r.CPUs = math.NaN() },
		"network of a space":  func(r *Runtime) { r.Network = "a b" },
		"network host":        func(r *Runtime) { r.Network = "host" },
	} {
		r := good.clone()
		change(&r)
		if err := r.Check(); err == nil {
			t.Errorf("%s is accepted: %+v", what, r)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: an error of two lines: %q", what, err)
		}
	}
	for what, change := range map[string]func(*Runtime){
		"as it is":     func(*Runtime) {},
		"long name":    func(r *Runtime) { r.Name = "A.b_c-" + strings.Repeat("a", 58) },
		"registry":     func(r *Runtime) { r.Base = "registry.example:5000/a/b:1@sha256:" + strings.Repeat("0a", 32) },
		"id":           func(r *Runtime) { r.Image, r.Base = "sha256:"+strings.Repeat("0a", 32), "" },
		"directory":    func(r *Runtime) { r.WorkDir = "/usr/src/app-1.0" },
		"hidden":       func(r *Runtime) { r.WorkDir = "/home/user/.work" },
		"any value":    func(r *Runtime) { r.Env = map[string]string{"_a": `\ "$x" 'ü'` + "\t"} },
		"empty value":  func(r *Runtime) { r.Env = map[string]string{"a": ""} },
		"any set-up":   func(r *Runtime) { r.Setup = []string{`echo "$x" '\' <<E # \`} },
		"with network": func(r *Runtime) { r.Network, r.CPUs, r.Memory = "bridge", 0.5, 1 },
	} {
		r := good.clone()
		change(&r)
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSpecifiers(t *testing.T) {
	for manager, specs := range map[string]struct{ good, bad []string }{
		"pip": {
			good: []string{"pandas", "pandas>=2.0", "pandas>=2.0,<3", "pandas >= 2.0, != 2.1.*", "a[b,c]==1.0", "zope.interface", "a~=1.4", "a===1!2+x",
				"a @ https://example.org/a-1.whl#sha256=0a", "a@git+https://example.org/a.git@v1"},
			bad: []string{"", "-r", "--index-url=x", "-e .", ".", "./a", "/a", "a b", "a;b", "a>=2.0;x", "a\n", "a'", `a"`, "a`b`", "$a", "a>=", "a>2|b",
				"a.whl", "a.tar.gz", "A.ZIP[x]", "a @ file:///etc/passwd", "a @ http://example.org", "a @ https://x y", "=2.0", "a=2", "ä", "http://x"},
		},
		"npm": {
			good: []string{"react", "@types/react", "typescript@^5.4", "a@>=1 <2", "a@1.x || 2.x", "@a/b@latest", "JSONStream", "a.js"},
			bad: []string{"", "-g", "--global", ".", "..", "./a", "/a", "a/b", "a b", "@a", "@a/", "@/b", "a@", "a@npm:b", "a@file:b", "a@git+ssh://x", "a'b",
				"a@1;b", "a@$x", "a\n", "a.tgz", "a@b.tar.gz", "github:a/b", "_a", "~a", "a@ 1"},
		},
		"apt": {
			good: []string{"jq", "jq=1.6-2.1+deb12u1", "g++", "libc6:amd64", "python3/bookworm-backports", "a0", "xz=1:2.3~rc1"},
			bad:  []string{"", "-y", "jq-", "j", "JQ", "jq=", "jq=1-", "jq=1+", "jq/", "./a.deb", "/a.deb", "a b", "a*", "a^", "a?", "jq;id", "jq\n", "jq:", "~nfoo"},
		},
		"cargo": {
			good: []string{"ripgrep", "ripgrep@14.1.0", "a_b-c@^1.2", "a@>=1, <2"},
			bad:  []string{"", "-f", "--git=x", "1a", "a@", "a b", "a/b", ".", "a@1;b", "a'", "a\n", "a@$x"},
		},
	} {
		r := Runtime{Name: "x", Base: "debian", Manager: manager}
		for _, s := range specs.good {
			r.Packages = []string{s}
			if err := r.Check(); err != nil {
				t.Error(err)
			}
		}
		for _, s := range specs.bad {
			r.Packages = []string{"good", s}
			if err := r.Check(); err == nil {
				t.Errorf("%s accepts %q", manager, s)
			}
		}
	}
}
