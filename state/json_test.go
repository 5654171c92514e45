package state_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func TestDocument(t *testing.T) {
	var b state.Backend
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, text := range map[string]string{
		"all": string(all), "crlf": "\ufeffa\r\nb", "empty": "", "nul": "a\x00b", "html": "<&>\u2028",
		"a/b": "1", "a-b": "2", "odd \"\n\\ \u00e9": "\ufffd",
	} {
		write(t, &b, name, text)
	}
	if _, err := hutch.WriteFile(ctx, &b, "run", []byte("#!/bin/sh\n"), &hutch.WriteOptions{Mode: 0o750}); err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	var c, again state.Backend
	if err := json.Unmarshal(doc, &c); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, &c), content(t, &b); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for info := range hutch.Walk(ctx, &b, ".") {
		got, err := c.Stat(ctx, info.Name)
		if err != nil || got.Mode != info.Mode || !got.ModTime.Equal(info.ModTime) || got.Size != info.Size {
			t.Errorf("%+v, %v, want %+v", got, err, info)
		}
	}
	if second, err := json.Marshal(&c); err != nil || !bytes.Equal(second, doc) {
		t.Errorf("%v: another document for the same files\n%s\n%s", err, doc, second)
	}
	if err := again.UnmarshalJSON(doc); err != nil {
		t.Fatal(err)
	}
	i, _ := c.Stat(ctx, "a/b")
	j, _ := again.Stat(ctx, "a/b")
	if i.Rev != j.Rev || i.Rev == "" {
		t.Errorf("revisions %q and %q of one document", i.Rev, j.Rev)
	}
	if strings.Contains(string(doc), `\u0000`) {
		t.Error("a NUL, which databases refuse")
	}
}

// The form is a promise to databases and other programs.
func TestDocumentForm(t *testing.T) {
	var b state.Backend
	const doc = `{"version":1,"files":{` +
		`"a-b":{"content":"<x>\n","mode":"755","modified_at":"2026-01-02T03:04:05.678Z"},` +
		`"a/b":{"content":"/wA=","encoding":"base64"}}}`
	if err := b.Load(strings.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.Save(&out); err != nil || out.String() != doc {
		t.Errorf("%v\n%s\n%s", err, out.String(), doc)
	}
	// A database may give the keys back in another order.
	files, _ := strings.CutPrefix(doc, `{"version":1,`)
	if err := b.Load(strings.NewReader("{" + strings.TrimSuffix(files, "}") + `,"version":1}`)); err != nil {
		t.Error(err)
	}
	if err := b.Load(strings.NewReader(`{"version":1,"files":{"\ud83d\ude00":{"content":"\uD83D\uDE00\ud83d\ude00 \\ud800 \\\\ud800"}}}`)); err != nil {
		t.Error(err)
	}
	if got := content(t, &b)["😀"]; got != `😀😀 \ud800 \\ud800` {
		t.Errorf("%q", got)
	}
	out.Reset()
	if err := new(state.Backend).Save(&out); err != nil || out.String() != `{"version":1,"files":{}}` {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestOriginalDocument(t *testing.T) {
	var b state.Backend
	err := b.Load(strings.NewReader(`{
		"/src/app.py": {"content": ["print('hello')", ""], "created_at": "2026-01-02T03:04:05.678901+00:00", "modified_at": "2026-01-02T04:04:05+01:00"},
		"/empty": {"content": [""], "created_at": "2026-01-02T03:04:05", "modified_at": "2026-01-02T03:04:05.5"},
		"/none": {"content": []},
		"/bin": {"content": ["/wA="], "encoding": "base64"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"src/app.py": "print('hello')\n", "empty": "", "none": "", "bin": "\xff\x00"}
	if got := content(t, &b); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]time.Time{
		"src/app.py": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"empty":      time.Date(2026, 1, 2, 3, 4, 5, 5e8, time.UTC),
	} {
		if i, err := b.Stat(ctx, name); err != nil || !i.ModTime.Equal(want) {
			t.Errorf("%s: %v, %v", name, i.ModTime, err)
		}
	}
}

var hostile = []string{
	``, ` `, `null`, `[]`, `1`, `"x"`, `{`, `{}}`, `{}x`, `{} {}`, `{"version":1}`,
	`{"version":2,"files":{}}`, `{"version":"1","files":{}}`, `{"version":1.0,"files":{}}`, `{"version":1,"version":1,"files":{}}`,
	`{"files":{}}`, `{"files":{},"version":2}`, `{"files":{},"/a":{"content":["x"]}}`, `{"version":1,"files":{},"files":{}}`, `{"version":1,"files":{},"more":1}`, `{"version":1,"files":[]}`,
	`{"version":1,"files":null}`, `{"version":1,"files":{"a":null}}`, `{"version":1,"files":{"a":{}}}`, `{"version":1,"files":{"a":[]}}`,
	`{"version":1,"files":{"a":{"content":null}}}`, `{"version":1,"files":{"a":{"content":1}}}`, `{"version":1,"files":{"a":{"content":["a"]}}}`,
	`{"version":1,"files":{"a":{"content":"","content":""}}}`, `{"version":1,"files":{"a":{"CONTENT":""}}}`,
	`{"version":1,"files":{"a":{"content":"","size":1}}}`, `{"version":1,"files":{"a":{"content":"","encoding":"hex"}}}`,
	`{"version":1,"files":{"a":{"content":"?","encoding":"base64"}}}`, `{"version":1,"files":{"a":{"content":"","mode":493}}}`,
	`{"version":1,"files":{"a":{"content":"","mode":"4755"}}}`, `{"version":1,"files":{"a":{"content":"","mode":"9"}}}`,
	`{"version":1,"files":{"a":{"content":"","modified_at":"yesterday"}}}`, `{"version":1,"files":{"a":{"content":"","modified_at":null}}}`,
	`{"version":1,"files":{"a":{"content":""},"a":{"content":""}}}`, `{"version":1,"files":{"a":{"content":""},"\u0061":{"content":""}}}`,
	`{"version":1,"files":{"a":{"content":""},"a/b":{"content":""}}}`, `{"version":1,"files":{"a/b":{"content":""},"a":{"content":""}}}`,
	`{"version":1,"files":{"":{"content":""}}}`, `{"version":1,"files":{".":{"content":""}}}`, `{"version":1,"files":{"/a":{"content":""}}}`,
	`{"version":1,"files":{"a/../b":{"content":""}}}`, `{"version":1,"files":{"a//b":{"content":""}}}`, `{"version":1,"files":{"a\u0000":{"content":""}}}`,
	`{"version":1,"files":{"` + strings.Repeat("a", 256) + `":{"content":""}}}`,
	`{"version":1,"files":{"` + strings.Repeat("a/", 2100) + `a":{"content":""}}}`,
	`{"version":1,"files":{"a":{"content":"\ud800"}}}`, `{"version":1,"files":{"a":{"content":"\udc00\ud800"}}}`, `{"version":1,"files":{"\ud800":{"content":""}}}`,
	"{\"version\":1,\"files\":{\"a\":{\"content\":\"\xff\"}}}",
	`{"version":1,"files":{"a":{"content":` + strings.Repeat("[", 100_000) + `}}}`, strings.Repeat(`{"a":`, 100_000),
	`{"/a":{"content":"x"}}`, `{"/a":{"content":[1]}}`, `{"/a":{"content":[null]}}`, `{"/a":{"content":["x"]},"a":{"content":["x"]}}`,
	`{"/a":{"content":["x"]},"version":1}`, `{"/a":{"content":["x"]},"files":{}}`, `{"/../a":{"content":["x"]}}`, `{"//a":{"content":["x"]}}`, `{"/":{"content":["x"]}}`,
}

func TestHostileDocuments(t *testing.T) {
	for _, doc := range hostile {
		var b state.Backend
		kept := write(t, &b, "kept", "x")
		err := b.Load(strings.NewReader(doc))
		short := doc[:min(len(doc), 80)]
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", short, err)
		}
		if i, err := b.Stat(ctx, "kept"); err != nil || i != kept {
			t.Errorf("%s: changed the backend", short)
		}
	}
	small := state.New(&state.Options{MaxFiles: 1, MaxBytes: 3})
	for _, doc := range []string{
		`{"/a":{"content":["x"]},"/b":{"content":["x"]}}`,
		`{"version":1,"files":{"a":{"content":"1234"}}}`,
	} {
		if err := small.Load(strings.NewReader(doc)); !errors.Is(err, hutch.ErrTooLarge) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, doc := range hostile {
		if len(doc) < 1000 {
			f.Add([]byte(doc))
		}
	}
	f.Add([]byte(`{"version":1,"files":{"a":{"content":"\ud83d\ude00 \\ud800","mode":"755"}}}`))
	f.Add([]byte(`{"/a":{"content":["x","y"],"modified_at":"2026-01-02T03:04:05.5"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var b, c state.Backend
		write(t, &b, "kept", "x")
		before := b.Snapshot()
		if err := b.Load(bytes.NewReader(doc)); err != nil {
			if b.Snapshot() != before {
				t.Fatal("an error, and the backend is another")
			}
			return
		}
		for _, name := range names(t, &b, ".") {
			if err := hutch.CheckName("", name); err != nil {
				t.Fatal(err)
			}
		}
		first, err := json.Marshal(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(first, &c); err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if got, want := content(t, &c), content(t, &b); !maps.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
