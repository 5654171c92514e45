package backendtest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"strings"
	"testing/iotest"

	"github.com/hutch-dev/hutch"
)

func writingChecks() []check {
	return []check{
		{"Write/Bytes", "the bytes are stored exactly", nil, writeBytes},
		{"Write/Large", "8 MiB are stored exactly", nil, writeLarge},
		{"Write/Info", "the Info that Write returns is that of the new version", nil, writeInfo},
		{"Write/Replace", "a shorter content replaces a longer one whole", these("f", strings.Repeat("long ", 50_000)), writeReplace},
		{"Write/Parents", "Write makes missing parents", nil, writeParents},
		{"Write/Readers", "Write takes all that any reader gives", nil, writeReaders},
		{"Write/NoOptions", "opts may be nil, and the zero options are the same", nil, writeNoOptions},
		{"Errors/DirWritten", "a directory where a file is to be changed is ErrIsDir", nodes, func(t *env) {
			wantDirRefused(t, writeOps())
			t.wantUntouched("refused writes")
		}},
		{"Errors/ParentWritten", "a file where a parent should be is ErrNotDir for every method that writes", nodes, func(t *env) {
			wantParentRefused(t, writeOps())
			t.wantUntouched("refused writes")
		}},
		{"Errors/MissingWritten", "a missing name is fs.ErrNotExist for every method that changes a file", nodes, func(t *env) {
			wantMissing(t, writeOps())
			t.wantUntouched("refused writes")
		}},
	}
}

func atomicChecks() []check {
	return []check{
		{"Write/FailingReader", "a reader that fails leaves no trace, and its error comes out", these("old", "old"), writeFailing},
		{"Write/HiddenUntilDone", "until Write returns, readers see what was there before, and lists nothing more", these("old", "old"), writeHidden},
		{"Write/FromItself", "content may be read from the backend that it is written to", these("old", large(mib)), writeFromItself},
	}
}

func writeBytes(t *env) {
	for name, content := range exact() {
		t.write(name, content)
		t.wantContent(name, content)
		if i := t.stat(name); i.Size != int64(len(content)) || !i.Mode.IsRegular() {
			t.Errorf("%s is %+v, want a file of %d bytes", name, i, len(content))
		}
	}
	if got, want := t.contents(t.b), exact(); !maps.Equal(got, want) {
		t.Errorf("all together hold %s, want %s", summary(got), summary(want))
	}
}

func writeLarge(t *env) {
	content := large(8 * mib)
	if i := t.write("large", content); i.Size != 8*mib {
		t.Errorf("Write says %d bytes, want %d", i.Size, 8*mib)
	}
	if t.read("large") != content {
		t.Error("the bytes differ")
	}
}

func writeInfo(t *env) {
	for _, content := range []string{"", "first", "other", "a longer one"} {
		for _, name := range []string{"f", "d/f"} {
			info := t.write(name, content)
			if s := t.stat(name); !sameInfo(info, s) {
				t.Errorf("Write(%s) says %+v, Stat %+v", name, info, s)
			}
			if info.Name != name || info.Size != int64(len(content)) || info.ModTime.IsZero() {
				t.Errorf("Write(%s) of %d bytes says %+v", name, len(content), info)
			}
		}
	}
}

func writeReplace(t *env) {
	for _, content := range []string{"short", "", "again a longer one"} {
		t.write("f", content)
		t.wantContent("f", content)
	}
}

func writeParents(t *env) {
	t.write("a/b/c/d", "deep")
	t.write("a/b/x", "beside")
	for _, dir := range []string{"a", "a/b", "a/b/c"} {
		if i := t.stat(dir); !i.IsDir() || i.Name != dir {
			t.Errorf("Stat(%s) = %+v, want a directory", dir, i)
		}
	}
	if got := names(t.list("a/b")); !equal(got, []string{"a/b/c", "a/b/x"}) {
		t.Errorf("List shows %q", got)
	}
}

func writeReaders(t *env) {
	content := large(100_000)
	for name, r := range map[string]io.Reader{
		"one byte":        iotest.OneByteReader(strings.NewReader(content)),
		"half":            iotest.HalfReader(strings.NewReader(content)),
		"data with EOF":   iotest.DataErrReader(strings.NewReader(content)),
		"with idle reads": idleReader(strings.NewReader(content)),
		"only a reader":   struct{ io.Reader }{strings.NewReader(content)},
		"buffer":          bytes.NewBufferString(content),
		"limited":         io.LimitReader(strings.NewReader(content+"more"), int64(len(content))),
		"half read":       halfRead("gone already" + content),
	} {
		if _, err := t.b.Write(t.ctx, "f", r, nil); err != nil {
			t.Errorf("reader %s: %v", name, err)
		} else if got := t.read("f"); got != content {
			t.Errorf("reader %s: %d bytes stored, want %d", name, len(got), len(content))
		}
	}
}

// idleReader is a reader that gives nothing every third time.
func idleReader(r io.Reader) io.Reader {
	n := 0
	return readerFunc(func(p []byte) (int, error) {
		if n++; n%3 == 0 {
			return 0, nil
		}
		return r.Read(p[:min(len(p), 5000)])
	})
}

// halfRead is a reader whose first bytes are gone already.
func halfRead(s string) io.Reader {
	r := strings.NewReader(s)
	io.CopyN(io.Discard, r, int64(len("gone already")))
	return r
}

func writeNoOptions(t *env) {
	for _, opts := range []*hutch.WriteOptions{nil, {}} {
		for _, content := range []string{"new", "replaced"} {
			i, err := t.b.Write(t.ctx, "f", strings.NewReader(content), opts)
			if err != nil || i.Mode != hutch.DefaultMode {
				t.Errorf("Write with %+v: %+v, %v", opts, i, err)
			}
			t.wantContent("f", content)
		}
		t.remove("f")
	}
}

var errReader = errors.New("the reader failed")

func writeFailing(t *env) {
	for _, at := range []int{0, 1, 4096, mib} {
		for _, name := range []string{"old", "new", "new/parents/file"} {
			for _, opts := range []*hutch.WriteOptions{nil, {Mode: 0o600}, {IfRev: hutch.Absent}} {
				if name == "old" && opts != nil && opts.IfRev != "" {
					continue
				}
				r := io.MultiReader(strings.NewReader(large(at)), iotest.ErrReader(errReader))
				_, err := t.b.Write(t.ctx, name, r, opts)
				if !errors.Is(err, errReader) {
					t.Errorf("Write(%s) of a reader that fails after %d bytes: %v, want its error", name, at, err)
				}
				t.wantUntouched("a Write that failed")
			}
		}
	}
	mode := t.stat("old").Mode
	t.b.Write(t.ctx, "old", iotest.ErrReader(io.ErrUnexpectedEOF), &hutch.WriteOptions{Mode: 0o700})
	if now := t.stat("old").Mode; now != mode {
		t.Errorf("a Write that failed changes the mode from %v to %v", mode, now)
	}
	t.wantUntouched("a Write that failed")
}

func writeHidden(t *env) {
	for _, name := range []string{"old", "new", "d/new"} {
		rest := strings.NewReader(large(mib))
		looked := false
		r := readerFunc(func(p []byte) (int, error) {
			if rest.Len() < mib/2 && !looked {
				looked = true
				t.wantUntouched("half of a Write")
				if name != "old" {
					t.wantErr("Open", doOpen(t, t.ctx, t.b, name), name, fs.ErrNotExist)
				}
			}
			return rest.Read(p)
		})
		t.within("reading during a Write", func() {
			if _, err := t.b.Write(t.ctx, name, r, nil); err != nil {
				t.Errorf("Write(%s): %v", name, err)
			}
		})
		t.wantContent(name, large(mib))
		if err := hutch.RemoveAll(t.ctx, t.b, "."); err != nil {
			t.Fatal(err)
		}
		t.write("old", "old")
	}
}

func writeFromItself(t *env) {
	t.within("writing what is read from the same backend", func() {
		f, err := t.b.Open(t.ctx, "old")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := t.b.Write(t.ctx, "old", f, nil); err != nil {
			t.Errorf("writing a file onto itself: %v", err)
		}
		r := readerFunc(func(p []byte) (int, error) { t.write("beside", "written meanwhile"); return 0, io.EOF })
		if _, err := t.b.Write(t.ctx, "outer", r, nil); err != nil {
			t.Errorf("a Write during a Write: %v", err)
		}
	})
	t.wantContent("old", t.files["old"])
	t.wantContent("beside", "written meanwhile")
}
