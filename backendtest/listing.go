package backendtest

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/hutch-dev/hutch"
)

// trap are names whose order as entries is not their order as whole names.
var trap = these("a/x", "1", "a-b", "2", "a.b", "3", "ab", "4", "a/b/c", "5", "a/b-", "6", "a/b.c", "7",
	"A", "8", "\u00e9", "9", "z", "10", ".dot", "11", "a!/q", "12", "a/B/z", "13", "0", "14")

func statChecks() []check {
	return []check{
		{"Stat/Root", "\".\" is always there and is a directory", nil, statRoot},
		{"Stat/File", "Stat of a file says its name, size, type and revision", exact, statFile},
		{"Stat/Dir", "a directory has size 0 and no revision", nodes, statDir},
		{"Rev/Form", "a revision is printable, and neither empty nor Absent", exact, revForm},
		{"Rev/Stable", "while nothing changes Stat, List, Walk and Open show the same revision", trap, revStable},
	}
}

func listChecks() []check {
	return []check{
		{"List/Empty", "an empty backend lists nothing, without an error", nil, listEmpty},
		{"List/Order", "List is sorted by name in byte order", trap, listOrder},
		{"List/Entries", "List shows what is directly in a directory, implied directories included, as Stat does", trap, listEntries},
		{"List/Many", "a directory of 2500 files is listed whole", manyFiles(2500), listMany},
	}
}

func walkChecks() []check {
	return []check{
		{"Walk/Order", "Walk is in the byte order of whole names and shows files only", trap, walkOrder},
		{"Walk/Entries", "Walk shows what Stat shows", trap, walkEntries},
		{"Walk/Dir", "Walk of a directory shows what is below it and nothing beside it", trap, walkDir},
		{"Walk/Empty", "Walk of an empty backend shows nothing, without an error", nil, walkEmpty},
	}
}

func statRoot(t *env) {
	if i := t.stat("."); i.Name != "." || !i.IsDir() || i.Rev != "" || i.Size != 0 {
		t.Errorf("Stat(.) = %+v", i)
	}
}

func statFile(t *env) {
	for name, content := range t.files {
		i := t.stat(name)
		if i.Name != name || i.Size != int64(len(content)) || !i.Mode.IsRegular() || i.Mode.Perm()&0o400 == 0 {
			t.Errorf("Stat(%s) = %+v, want a regular file of %d bytes", name, i, len(content))
		}
	}
}

func statDir(t *env) {
	for _, name := range []string{"dir", "dir/sub"} {
		i := t.stat(name)
		if i.Name != name || !i.IsDir() || i.Size != 0 || i.Rev != "" {
			t.Errorf("Stat(%s) = %+v, want a directory of size 0 without a revision", name, i)
		}
	}
}

func revForm(t *env) {
	for name := range t.files {
		rev := t.stat(name).Rev
		if rev == "" || rev == hutch.Absent {
			t.Errorf("%s has the revision %q", name, rev)
		}
		if strings.ContainsFunc(rev, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
			t.Errorf("%s has the revision %q, which cannot be printed", name, rev)
		}
	}
}

func revStable(t *env) {
	for range 3 {
		for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) {
			if s := t.stat(i.Name); s.Rev != i.Rev {
				t.Errorf("%s: Walk says revision %q, Stat %q", i.Name, i.Rev, s.Rev)
			}
			f, err := t.b.Open(t.ctx, i.Name)
			if err != nil {
				t.Fatal(err)
			}
			if f.Info().Rev != i.Rev {
				t.Errorf("%s: Walk says revision %q, Open %q", i.Name, i.Rev, f.Info().Rev)
			}
			f.Close()
			if s := t.stat(i.Name); s.Rev != i.Rev {
				t.Errorf("%s: reading changed the revision from %q to %q", i.Name, i.Rev, s.Rev)
			}
		}
		for _, i := range t.list("a") {
			if s := t.stat(i.Name); s.Rev != i.Rev {
				t.Errorf("%s: List says revision %q, Stat %q", i.Name, i.Rev, s.Rev)
			}
		}
	}
}

func listEmpty(t *env) {
	if got := t.list("."); len(got) != 0 {
		t.Errorf("List shows %q", names(got))
	}
}

func listOrder(t *env) {
	for _, dir := range []string{".", "a", "a/b"} {
		got := names(t.list(dir))
		if !slices.IsSorted(got) || len(got) == 0 {
			t.Errorf("List(%s) shows %q", dir, got)
		}
	}
}

// children is what a list of dir must show.
func children(files map[string]string, dir string) []string {
	set := map[string]bool{}
	for name := range files {
		if dir != "." {
			if !strings.HasPrefix(name, dir+"/") {
				continue
			}
			name = name[len(dir)+1:]
		}
		first, _, _ := strings.Cut(name, "/")
		set[path.Join(dir, first)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func listEntries(t *env) {
	for _, dir := range []string{".", "a", "a/b", "a!", "a/B"} {
		got := t.list(dir)
		if want := children(t.files, dir); !slices.Equal(names(got), want) {
			t.Errorf("List(%s) shows %q, want %q", dir, names(got), want)
		}
		for _, i := range got {
			s := t.stat(i.Name)
			if i.IsDir() { // whose times are not promised
				s.ModTime = i.ModTime
			}
			if !sameInfo(i, s) {
				t.Errorf("List(%s) shows %+v, Stat %+v", dir, i, s)
			}
			if _, isFile := t.files[i.Name]; isFile == i.IsDir() {
				t.Errorf("List(%s) shows %s with the mode %v", dir, i.Name, i.Mode)
			}
		}
	}
}

// manyFiles makes n files in one directory.
func manyFiles(n int) func() map[string]string {
	return func() map[string]string {
		files := map[string]string{}
		for i := range n {
			files["many/"+padded(i)] = "x\n"
		}
		return files
	}
}

func listMany(t *env) {
	if got, want := names(t.list("many")), slices.Sorted(maps.Keys(t.files)); !slices.Equal(got, want) {
		t.Errorf("List shows %d names, want %d", len(got), len(want))
	}
}

func walkOrder(t *env) {
	want := slices.Sorted(maps.Keys(t.files))
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))); !slices.Equal(got, want) {
		t.Errorf("Walk shows %q\nwant %q", got, want)
	}
}

func walkEntries(t *env) {
	for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) {
		if s := t.stat(i.Name); !sameInfo(i, s) || i.Mode.Type() != fs.FileMode(0) {
			t.Errorf("Walk shows %+v, Stat %+v", i, s)
		}
	}
}

func walkDir(t *env) {
	for _, dir := range []string{"a", "a/b", "a!"} {
		var want []string
		for name := range t.files {
			if strings.HasPrefix(name, dir+"/") {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, dir))); !slices.Equal(got, want) {
			t.Errorf("Walk(%s) shows %q, want %q", dir, got, want)
		}
	}
}

func walkEmpty(t *env) {
	if got := collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")); len(got) != 0 {
		t.Errorf("Walk shows %q", names(got))
	}
}
