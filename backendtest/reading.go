package backendtest

import (
	"bytes"
	"io"
	"strings"

	"github.com/hutch-dev/hutch"
)

// exact is content that careless code changes.
func exact() map[string]string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string]string{
		"empty":     "",
		"all256":    string(all),
		"crlf":      "one\r\ntwo\r\n",
		"mixed":     "one\r\ntwo\nthree\r",
		"nul":       "a\x00b\x00",
		"bom":       "\ufefftext\n",
		"utf16":     "\xff\xfeh\x00i\x00",
		"not-utf8":  "caf\xe9 \xc3\x28",
		"no-final":  "no final newline",
		"newline":   "\n",
		"blanks":    "  \t  ",
		"ctrl-z":    "a\x1ab",
		"nfd":       "e\u0301",
		"block":     strings.Repeat("0123456789abcdef", 256),
		"block+1":   strings.Repeat("0123456789abcdef", 256) + "+",
		"deep/file": "deep",
	}
}

// large is n bytes without a period that a buffer could hide.
func large(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

const mib = 1 << 20

// nodes is one of everything: files, a directory with something in it.
var nodes = these("source", "source", "f", "a file\n", "dir/inner", "in dir", "dir/sub/x", "x\n")

func readingChecks() []check {
	return []check{
		{"Read/Bytes", "what is read are the bytes of the file, exactly", exact, readBytes},
		{"Read/Large", "a file of 8 MiB is read whole",
			func() map[string]string { return map[string]string{"large": large(8 * mib)} }, readLarge},
		{"Read/Buffers", "a file can be read with buffers of any size, and ends with io.EOF each time", exact, readBuffers},
		{"Read/Apart", "two readers of one file have a position each", these("f", "0123456789"), readApart},
		{"Read/At", "a File that is an io.ReaderAt or io.Seeker agrees with its Read", these("f", "0123456789"), readAt},
		{"Read/Info", "File.Info is what Stat says", exact, readInfo},
		{"Errors/Missing", "a missing name is fs.ErrNotExist for every method that reads", nodes,
			func(t *env) { wantMissing(t, readOps()) }},
		{"Errors/Dir", "a directory where a file is wanted is ErrIsDir", nodes,
			func(t *env) { wantDirRefused(t, readOps()) }},
		{"Errors/File", "a file where a directory is wanted is ErrNotDir", nodes,
			func(t *env) { wantFileRefused(t, readOps()) }},
		{"Errors/Parent", "a file where a parent should be is ErrNotDir for every method that reads", nodes,
			func(t *env) { wantParentRefused(t, readOps()) }},
	}
}

func readBytes(t *env) {
	for name, want := range t.files {
		t.wantContent(name, want)
	}
}

func readLarge(t *env) {
	if got := t.read("large"); got != t.files["large"] {
		t.Errorf("%d bytes differ from the %d of the file", len(got), len(t.files["large"]))
	}
	if i := t.stat("large"); i.Size != 8*mib {
		t.Errorf("size %d, want %d", i.Size, 8*mib)
	}
}

func readBuffers(t *env) {
	for name, want := range t.files {
		for _, size := range []int{1, 7, 4096, 100_000} {
			f, err := t.b.Open(t.ctx, name)
			if err != nil {
				t.Fatalf("Open(%s): %v", name, err)
			}
			var got bytes.Buffer
			_, err = io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{f}, make([]byte, size))
			if err != nil || got.String() != want {
				t.Errorf("%s in pieces of %d: %s, %v; want %s", name, size, short(got.String()), err, short(want))
			}
			if n, err := f.Read(make([]byte, size)); n != 0 || err != io.EOF {
				t.Errorf("%s after its end: %d, %v; want 0, io.EOF", name, n, err)
			}
			if err := f.Close(); err != nil {
				t.Errorf("closing %s: %v", name, err)
			}
		}
	}
}

func readApart(t *env) {
	var files [2]hutch.File
	for i := range files {
		f, err := t.b.Open(t.ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	one := make([]byte, 1)
	for _, want := range "0123456789" {
		for i, f := range files {
			if _, err := io.ReadFull(f, one); err != nil || rune(one[0]) != want {
				t.Fatalf("reader %d: %q, %v; want %q", i, one, err, want)
			}
		}
	}
}

func readAt(t *env) {
	f, err := t.b.Open(t.ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 4)
	if at, ok := f.(io.ReaderAt); ok {
		if n, err := at.ReadAt(buf, 3); n != 4 || err != nil || string(buf) != "3456" {
			t.Errorf("ReadAt(3) = %q, %d, %v", buf, n, err)
		}
		if n, err := at.ReadAt(buf, 8); n != 2 || err != io.EOF || string(buf[:n]) != "89" {
			t.Errorf("ReadAt(8) = %q, %d, %v; want the last two bytes and io.EOF", buf[:n], n, err)
		}
	}
	if s, ok := f.(io.Seeker); ok {
		if n, err := s.Seek(-3, io.SeekEnd); n != 7 || err != nil {
			t.Errorf("Seek(-3, io.SeekEnd) = %d, %v", n, err)
		}
		rest, err := io.ReadAll(f)
		if string(rest) != "789" || err != nil {
			t.Errorf("after Seek: %q, %v", rest, err)
		}
		s.Seek(0, io.SeekStart)
	}
	if all, err := io.ReadAll(f); string(all) != "0123456789" || err != nil {
		t.Errorf("read whole: %q, %v", all, err)
	}
}

func readInfo(t *env) {
	for name, content := range t.files {
		f, err := t.b.Open(t.ctx, name)
		if err != nil {
			t.Fatalf("Open(%s): %v", name, err)
		}
		if got, want := f.Info(), t.stat(name); !sameInfo(got, want) {
			t.Errorf("%s: the open file says %+v, Stat %+v", name, got, want)
		}
		if f.Info().Size != int64(len(content)) {
			t.Errorf("%s: size %d, want %d", name, f.Info().Size, len(content))
		}
		f.Close()
	}
}

// sameInfo compares Infos; times may be in different places.
func sameInfo(a, b hutch.Info) bool {
	if !a.ModTime.Equal(b.ModTime) {
		return false
	}
	a.ModTime = b.ModTime
	return a == b
}

func wantMissing(t *env, ops []op) {
	for _, o := range ops {
		for _, name := range []string{"nothing", "no/such/name", "dir/nothing", "f2", "di"} {
			if o.missing != nil {
				t.wantErr(o.name, o.try(t, t.ctx, name), name, o.missing)
			}
		}
	}
}

func wantDirRefused(t *env, ops []op) {
	for _, o := range ops {
		for _, name := range []string{"dir", "dir/sub", "."} {
			if o.dir != nil {
				t.wantErr(o.name, o.try(t, t.ctx, name), name, o.dir)
			}
		}
	}
}

func wantFileRefused(t *env, ops []op) {
	for _, o := range ops {
		for _, name := range []string{"f", "dir/inner"} {
			if o.file != nil {
				t.wantErr(o.name, o.try(t, t.ctx, name), name, o.file)
			}
		}
	}
}

func wantParentRefused(t *env, ops []op) {
	for _, o := range ops {
		for _, name := range []string{"f/x", "f/x/y", "dir/inner/x"} {
			if o.name != "RemoveAll" { // to it, nothing is no error
				t.wantErr(o.name, o.try(t, t.ctx, name), name, hutch.ErrNotDir)
			}
		}
	}
}
