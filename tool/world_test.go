package tool_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// world is what a workspace holds, as a model keeps it.
type world struct {
	files map[string]string
	links map[string]string // to where
	dirs  map[string]bool   // where there can be empty ones: all
}

var worldFiles = []string{
	"README.md", "src/main.go", "src/util.go", ".env", ".env.example", ".ENV.prod", "src/.env.local",
	"config/app.key", "config/app.kez", "Config/Upper.PEM", "deploy/SECRETS.yaml", "notes/my-Passwords.txt", "notes/plain.txt",
	".ssh/id_rsa", ".ssh/known", "home/.aws/config", "a..b/[x] {y}.txt", "sp ace/t,w o.txt", ".hidden/note.txt",
	"u\u0308m/\u017fecret\u212aey.txt", "data/" + strings.Repeat("long", 60) + ".txt", "deep/1/2/3/4/credentials.json", "deep/1/2/free.txt",
}

var worldLinks = map[string]string{
	"l-main": "src/main.go", "l-env": ".env", "l-dir": "config", "src/l-up": "../deploy", "l-out": "/etc/hostname",
	"l-up": "../..", "l-none": "nothing/here", "l-loop": "l-loop", "l-l": "l-env", "l-abs": "/workspace/config/app.key", ".ssh/l-free": "../notes/plain.txt",
}

// newWorld has a text of its own in each file, which nothing else has.
func newWorld(linked bool) *world {
	w := emptyWorld()
	for i, name := range worldFiles {
		w.files[name] = fmt.Sprintf("first line\ncanary-%02d-%x of it\ntail 0\n", i, i*7919)
	}
	if linked {
		w.links = maps.Clone(worldLinks)
	}
	return w
}

func emptyWorld() *world { return &world{map[string]string{}, map[string]string{}, map[string]bool{}} }

func (w *world) clone() *world {
	return &world{maps.Clone(w.files), maps.Clone(w.links), maps.Clone(w.dirs)}
}

func (w *world) equal(o *world) bool {
	return maps.Equal(w.files, o.files) && maps.Equal(w.links, o.links)
}

// names are those of files and links, sorted.
func (w *world) names() []string {
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for n := range w.files {
			yield(n, true)
		}
		for n := range w.links {
			yield(n, true)
		}
	})))
}

func (w *world) isDir(name string) bool {
	return name == "." || w.dirs[name] || slices.ContainsFunc(w.names(), func(n string) bool { return strings.HasPrefix(n, name+"/") })
}

// belowFile reports whether a part of name is a file.
func (w *world) belowFile(name string) bool {
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if _, ok := w.files[d]; ok {
			return true
		}
	}
	return false
}

var errLeaves, errLoops = errors.New("leaves"), errors.New("loops")

// real is where a name leads.
func (w *world) real(name string) (string, error) {
	todo, done := strings.Split(name, "/"), "."
	for links := 0; len(todo) > 0; {
		seg := todo[0]
		todo = todo[1:]
		if seg == ".." && done == "." {
			return "", errLeaves
		}
		done = path.Join(done, seg)
		to, is := w.links[done]
		if !is {
			continue
		}
		if links++; links > 40 {
			return "", errLoops
		}
		done = path.Dir(done)
		if rest, ok := strings.CutPrefix(to, "/workspace/"); ok {
			done, to = ".", rest
		} else if path.IsAbs(to) {
			return "", errLeaves
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return done, nil
}

// place is where a name is, be it that of a link.
func (w *world) place(name string) string {
	dir, _ := w.real(path.Dir(name))
	return path.Join(dir, path.Base(name))
}

// below are the names of files and links in a real directory, as seen from there.
func (w *world) below(dir string) (all []string) {
	for _, n := range w.names() {
		if rest, ok := strings.CutPrefix(n, dir+"/"); ok {
			all = append(all, rest)
		} else if dir == "." {
			all = append(all, n)
		}
	}
	return all
}

// children are the names of what is directly in a real directory.
func (w *world) children(dir string) []string {
	all := map[string]bool{}
	for _, n := range w.below(dir) {
		first, _, _ := strings.Cut(n, "/")
		all[first] = true
	}
	for d := range w.dirs {
		if d != "." && path.Dir(d) == dir {
			all[path.Base(d)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// fill makes the world in a backend that has no links.
func (w *world) fill(t testing.TB, b hutch.Backend) {
	t.Helper()
	for name, text := range w.files {
		put(t, b, name, text)
	}
}

// fillDir makes the world in a directory of this machine.
func (w *world) fillDir(t testing.TB, dir string) {
	t.Helper()
	for name, text := range w.files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range w.links {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
}

// looked is the world that is in a backend.
func looked(t testing.TB, b hutch.Backend) *world {
	t.Helper()
	w := emptyWorld()
	for i, err := range hutch.Walk(t.Context(), b, ".") {
		data, err2 := hutch.ReadFile(t.Context(), b, i.Name)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		w.files[i.Name] = string(data)
	}
	return w
}

// lookedDir is the world that is in a directory, without what hutch keeps there.
func lookedDir(t testing.TB, dir string) *world {
	t.Helper()
	w := emptyWorld()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, file)
		name := filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(name, ".hutch"):
			return filepath.SkipDir
		case d.IsDir():
			w.dirs[name] = name != "."
		case d.Type()&fs.ModeSymlink != 0:
			w.links[name], err = os.Readlink(file)
		case d.Type().IsRegular():
			var data []byte
			data, err = os.ReadFile(file)
			w.files[name] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
