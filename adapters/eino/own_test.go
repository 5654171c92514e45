package eino_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/cloudwego/eino/adk/middlewares/plantask"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
)

// What Eino's backend in memory does not do, or does otherwise than documented.
func TestOwn(t *testing.T) {
	files := state.New(nil)
	b := eino.NewBackend(files, nil)
	testroom.Put(t, files, "a.txt", "one\ntwo\n")
	testroom.Put(t, files, "bin", "a\x00TODO\n")
	testroom.Put(t, files, "latin1.txt", "caf\xe9\n")
	testroom.Put(t, files, ".env", "TODO=1\n")
	is := func(what string, err, want error, parts ...string) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
			return
		}
		wantText(t, what, err.Error(), parts...)
	}
	_, err := b.Read(t.Context(), &filesystem.ReadRequest{FilePath: "/none/x"})
	is("missing", err, fs.ErrNotExist, "/none/x")
	_, err = b.Read(t.Context(), &filesystem.ReadRequest{FilePath: "/latin1.txt"})
	is("no text", err, fs.ErrInvalid, "/latin1.txt", "UTF-8")
	_, err = b.Read(t.Context(), &filesystem.ReadRequest{FilePath: "/../x"})
	is("outside", err, fs.ErrInvalid, "/../x")
	err = b.Edit(t.Context(), &filesystem.EditRequest{FilePath: "/a.txt", OldString: "one", NewString: "one"})
	is("unchanged", err, fs.ErrInvalid, "the same")
	err = b.Write(t.Context(), &filesystem.WriteRequest{FilePath: "/a.txt/b", Content: ""})
	is("below a file", err, hutch.ErrNotDir, "/a.txt/b")
	_, err = eino.NewBackend(files, &eino.BackendOptions{MaxRead: 4}).Read(t.Context(), &filesystem.ReadRequest{FilePath: "a.txt"})
	is("large", err, hutch.ErrTooLarge, "a.txt", "fewer lines")
	if got := read(t, eino.NewBackend(files, &eino.BackendOptions{MaxRead: 4}), "a.txt", 2, 1); got != "two" {
		t.Errorf("%q", got)
	}
	_, err = b.GrepRaw(t.Context(), &filesystem.GrepRequest{Pattern: "x", FileType: "*"})
	is("file type", err, fs.ErrInvalid, "extension")
	for _, multi := range []bool{false, true} {
		found, err := b.GrepRaw(t.Context(), &filesystem.GrepRequest{Pattern: "TODO", EnableMultiline: multi})
		if err != nil || len(found) > 0 {
			t.Errorf("hidden or binary: %v, %v", found, err)
		}
		hidden := eino.NewBackend(files, &eino.BackendOptions{SearchHidden: true})
		found, err = hidden.GrepRaw(t.Context(), &filesystem.GrepRequest{Pattern: "TODO", EnableMultiline: multi})
		if err != nil || len(found) != 1 || found[0].Path != "/.env" {
			t.Errorf("hidden: %v, %v", found, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.GrepRaw(ctx, &filesystem.GrepRequest{Pattern: "one"})
	is("ended", err, context.Canceled)
	if err := b.Delete(t.Context(), &plantask.DeleteRequest{FilePath: "/a.txt"}); err != nil {
		t.Error(err)
	}
	is("deleted", b.Delete(t.Context(), &plantask.DeleteRequest{FilePath: "/a.txt"}), fs.ErrNotExist, "/a.txt")
}

func TestMultiModalRead(t *testing.T) {
	files := state.New(nil)
	testroom.Put(t, files, "p.txt", string(png))
	testroom.Put(t, files, "d", "%PDF-1.7\n")
	testroom.Put(t, files, "a.png", "text\n")
	b := eino.NewBackend(files, nil)
	get := func(b *eino.Backend, name, pages string) (*filesystem.MultiFileContent, error) {
		return b.MultiModalRead(t.Context(), &filesystem.MultiModalReadRequest{ReadRequest: filesystem.ReadRequest{FilePath: name}, Pages: pages})
	}
	if c, err := get(b, "/p.txt", ""); err != nil || len(c.Parts) != 1 || string(c.Parts[0].Data) != string(png) || c.Parts[0].Type != filesystem.FileContentPartTypeImage {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := get(b, "/d", ""); err != nil || len(c.Parts) != 1 || c.Parts[0].Type != filesystem.FileContentPartTypePDF || c.Parts[0].MIMEType != "application/pdf" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := get(b, "/a.png", ""); err != nil || len(c.Parts) != 0 || c.Content != "text\n" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := get(b, "/d", "1-2"); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := get(b, "/none", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := get(eino.NewBackend(files, &eino.BackendOptions{MaxMedia: 10}), "/p.txt", ""); !errors.Is(err, hutch.ErrTooLarge) {
		t.Error(err)
	}
}
