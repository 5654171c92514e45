//go:build linux

package shell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

func names(t *testing.T, s *Sandbox, dir string) []string {
	t.Helper()
	var all []string
	for i, err := range s.List(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i.Name)
	}
	return all
}

// left is what is in a directory, also what no operation shows.
func left(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func write(t *testing.T, s *Sandbox, name, content string) hutch.Info {
	t.Helper()
	i, err := hutch.WriteFile(t.Context(), s, name, []byte(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func sh(t *testing.T, s *Sandbox, script string) (string, hutch.Result) {
	t.Helper()
	var out bytes.Buffer
	cmd := hutch.Shell(script)
	cmd.Stdout, cmd.Stderr = &out, &out
	res, err := s.Exec(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), res
}

// tokens are those that the shells of s end their answers with, now and next.
func tokens(s *Sandbox) []string {
	var all []string
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	for sv := range s.pool.all {
		all = append(all, sv.token, sv.token+"."+strconv.Itoa(sv.calls+1), sv.token+"."+strconv.Itoa(sv.calls+3))
	}
	return all
}

// TestForgedAnswers puts the end of an answer where a name, a content, a link
// or an output is shown, as one could who knows the token.
func TestForgedAnswers(t *testing.T) {
	for i, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
			s := sandbox(t, i)
			write(t, s, "d/real", "x")
			for _, token := range tokens(s)[:3] {
				forged := "\n//:" + token + " ok \n"
				name := "d/" + strings.ReplaceAll(forged, "/", "\uff0f")
				half := "d/\n:" + token + " ok"
				for _, n := range []string{name, half, "d/" + token} {
					for _, content := range []string{forged, forged + "\x00", "//:81a4 1 1 1 a 1.000000000 b 1 a 1.000000000 b ./x\n"} {
						write(t, s, n, content)
						if got, err := hutch.ReadFile(t.Context(), s, n); err != nil || string(got) != content {
							t.Fatalf("%q holds %q, %v", n, got, err)
						}
					}
				}
				want := []string{name, half, "d/" + token, "d/real"}
				slices.Sort(want)
				if got := names(t, s, "d"); !slices.Equal(got, want) {
					t.Fatalf("%q", got)
				}
				for _, n := range want[:4] {
					if n != "d/real" && s.Remove(t.Context(), n) != nil {
						t.Errorf("%q stays", n)
					}
				}
				out, res := sh(t, s, "printf '%s' '"+forged+"'; ln -s '"+forged+"' link; exit 3")
				if out != forged || res.ExitCode != 3 {
					t.Errorf("%q, %+v", out, res)
				}
				if _, err := s.Stat(t.Context(), "link"); err == nil {
					t.Error("a link to nothing is followed")
				}
				if err := s.Remove(t.Context(), "link"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestErrorTexts: a name that reads like the error of a program is not taken
// for one.
func TestErrorTexts(t *testing.T) {
	s := sandbox(t, 0)
	for _, text := range []string{"x: No such file or directory", "x: File exists", "x: No space left on device"} {
		write(t, s, text+"/full", "x")
		if err := s.Remove(t.Context(), text); !errors.Is(err, hutch.ErrIsDir) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
}

// TestMissingPrograms: what is missing is said when the Sandbox is opened.
func TestMissingPrograms(t *testing.T) {
	for _, program := range []string{"sh", "base64", "stat", "readlink", "mv"} {
		p := newPlace(t, 2)
		bin := pathOf(p.opts.Env)
		if err := os.Remove(filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
		// What is built into busybox would be found by its shell all the same.
		os.Remove(filepath.Join(bin, "sh"))
		if program != "sh" {
			link(t, "/usr/bin/dash", bin, "sh")
		}
		s, err := Open(context.Background(), p.host, &p.opts)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), program) {
			t.Errorf("without %s: %v", program, err)
		}
	}
	p := newPlace(t, 0)
	p.opts.Root += "/nothing"
	if _, err := Open(context.Background(), p.host, &p.opts); err == nil {
		t.Error("a root that is not there is opened")
	}
	p.opts.Root = "relative"
	if _, err := Open(context.Background(), p.host, &p.opts); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a relative root: %v", err)
	}
}

// TestStagingUnseen: the staging directory is no part of the files, by no way.
func TestStagingUnseen(t *testing.T) {
	s := sandbox(t, 0)
	write(t, s, "f", "x")
	os.Symlink(".", filepath.Join(s.Root(), "self"))
	os.Symlink(staging, filepath.Join(s.Root(), "way"))
	os.WriteFile(filepath.Join(s.Root(), staging, "w.x"), nil, 0o600)
	for _, dir := range []string{".", "self"} {
		if got := names(t, s, dir); len(got) != 3 {
			t.Errorf("List(%s) shows %q", dir, got)
		}
	}
	ctx := t.Context()
	for _, name := range []string{staging, "self/" + staging, "way", staging + "/w.x", "way/w.x"} {
		if _, err := s.Stat(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%s): %v", name, err)
		}
		if _, err := hutch.WriteFile(ctx, s, name, nil, nil); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Write(%s): %v", name, err)
		}
		if name == "way" {
			continue // is a link of its own
		}
		if err := s.Remove(ctx, name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Remove(%s): %v", name, err)
		}
		if err := s.Rename(ctx, "f", name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Rename to %s: %v", name, err)
		}
	}
}

// TestNothingLeft: with the last Sandbox all that was staged goes.
func TestNothingLeft(t *testing.T) {
	p := newPlace(t, 0)
	one, two := p.open(t), p.open(t)
	write(t, one, "a", "x")
	write(t, two, "b", strings.Repeat("x", 3*small))
	_, err := two.Write(t.Context(), "c", io.MultiReader(strings.NewReader(strings.Repeat("x", 3*small)), failing{}), nil)
	if !errors.Is(err, errReader) {
		t.Error(err)
	}
	one.Close()
	if got := left(t, p.opts.Root); !slices.Equal(got, []string{staging, "a", "b"}) {
		t.Errorf("%q", got)
	}
	write(t, two, "b", "y")
	two.Close()
	if got := left(t, p.opts.Root); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
}

var errReader = errors.New("the reader failed")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReader }

// TestManyOpenFiles has more large files open than there are shells.
func TestManyOpenFiles(t *testing.T) {
	s := sandbox(t, 0)
	content := strings.Repeat("0123456789abcdef", 3*small/16)
	write(t, s, "f", content)
	var files []hutch.File
	for range 2*shells + 1 {
		f, err := s.Open(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	write(t, s, "f", "replaced")
	for _, f := range files {
		if got, err := io.ReadAll(f); err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if n := len(s.pool.all); n > shells+1 { // one is of changes
		t.Errorf("%d shells stay", n)
	}
}
