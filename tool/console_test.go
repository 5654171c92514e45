package tool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

var update = flag.Bool("update", false, "write the golden files anew")

// bench is a console with its tools by name.
type bench struct {
	testing.TB
	b     hutch.Backend
	tools map[string]tool.Tool
}

// open makes a console on files in memory.
func open(t testing.TB, files map[string]string, o *tool.Options) *bench {
	t.Helper()
	b := state.New(nil)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		put(t, b, name, files[name])
	}
	return console(t, b, o)
}

func console(t testing.TB, b hutch.Backend, o *tool.Options) *bench {
	t.Helper()
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	c := &bench{TB: t, b: b, tools: map[string]tool.Tool{}}
	for _, tl := range tool.Console(b, o) {
		c.tools[tl.Name] = tl
	}
	return c
}

func put(t testing.TB, b hutch.Backend, name, content string) {
	t.Helper()
	if _, err := hutch.WriteFile(t.Context(), b, name, []byte(content), nil); err != nil {
		t.Fatal(err)
	}
}

type args = map[string]any

// call uses a tool as a framework does, and holds its data to its schema.
func (c *bench) call(name string, in args) tool.Result {
	c.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		c.Fatal(err)
	}
	return c.raw(name, string(raw))
}

func (c *bench) raw(name, in string) tool.Result {
	c.Helper()
	tl, ok := c.tools[name]
	if !ok {
		c.Fatalf("there is no tool %s", name)
	}
	r, err := tl.Call(c.Context(), tool.Call{Input: json.RawMessage(in)})
	if err != nil {
		c.Fatalf("%s %.200s: %v", name, in, err)
	}
	if r.Text == "" {
		c.Errorf("%s %.200s: no text", name, in)
	}
	if r.Data != nil {
		fits(c, tl, r.Data)
	}
	return r
}

// ok calls what must succeed, and returns the text.
func (c *bench) ok(name string, in args) string {
	c.Helper()
	r := c.call(name, in)
	if r.Failed {
		c.Fatalf("%s %v: %s", name, in, r.Text)
	}
	return r.Text
}

// fails calls what must fail with a text that holds all of some parts.
func (c *bench) fails(name string, in args, parts ...string) {
	c.Helper()
	r := c.call(name, in)
	if !r.Failed {
		c.Errorf("%s %v did not fail: %s", name, in, r.Text)
	}
	for _, p := range parts {
		if !strings.Contains(r.Text, p) {
			c.Errorf("%s %v: %q has no %q", name, in, r.Text, p)
		}
	}
}

func (c *bench) read(name string) string {
	c.Helper()
	data, err := hutch.ReadFile(c.Context(), c.b, name)
	if err != nil {
		c.Fatal(err)
	}
	return string(data)
}

// holds checks the content of a file.
func (c *bench) holds(name, want string) {
	c.Helper()
	if got := c.read(name); got != want {
		c.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func (c *bench) absent(name string) {
	c.Helper()
	if _, err := c.b.Stat(c.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		c.Errorf("%s is there: %v", name, err)
	}
}

// data is the data of a result as JSON would carry it.
func data(t testing.TB, r tool.Result) map[string]any {
	t.Helper()
	raw, err := json.Marshal(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func fits(t testing.TB, tl tool.Tool, value any) {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(tl.Output, &s); err != nil {
		t.Fatalf("%s: output schema: %v", tl.Name, err)
	}
	rs, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if err := rs.Validate(v); err != nil {
		t.Errorf("%s: its data does not fit its schema: %v\n%s", tl.Name, err, raw)
	}
}

// everything is a console with every tool that there is.
func everything() *tool.Options {
	return &tool.Options{EditFormat: tool.AllFormats, Images: true, Documents: true}
}

func TestSchemas(t *testing.T) {
	for _, tl := range tool.Console(newBox(nil), everything()) {
		var out bytes.Buffer
		doc, err := json.Marshal(struct {
			Name, Title                                        string
			Op                                                 string
			ReadOnly, Destructive, Idempotent, OpenWorld, Asks bool
			Input, Output                                      json.RawMessage
		}{tl.Name, tl.Title, string(tl.Op), tl.ReadOnly, tl.Destructive, tl.Idempotent, tl.OpenWorld, tl.Asks, tl.Input, tl.Output})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&out, doc, "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "schema", tl.Name+".json"), out.String()+"\n")
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s is not up to date (%v); see the change with -update .\ngot:\n%s", file, err, got)
	}
}

// TestBadArguments: what does not fit the schema is a result that names it.
func TestBadArguments(t *testing.T) {
	c := open(t, nil, nil)
	for in, part := range map[string]string{
		`[]`:                      "must be one JSON object",
		`{`:                       "not valid JSON",
		`{"path":1}`:              "`path` must be a string, not a number 1",
		`{"path":{}}`:             "`path` must be a string, not an object",
		`{"pth":"."}`:             "`pth` is unknown: there is only `path`",
		`{"path":"a","path":"b"}`: "`path` is given twice",
		`{"path":"\ud800x"}`:      "half a surrogate pair",
		`{"path":"\udc00\ud800"}`: "half a surrogate pair",
		"{\"path\":\"\xff\"}":     "not valid UTF-8",
		`{"path":"` + strings.Repeat("x", 5000) + `"}`: "at most",
		`{"path":"../x"}`:     "leaves the workspace",
		`{"path":"a\u0000b"}`: "NUL",
	} {
		r := c.raw("ls", in)
		if !r.Failed || !strings.Contains(r.Text, part) {
			t.Errorf("%.60s: %q, want %q", in, r.Text, part)
		}
	}
	for _, in := range []string{``, ` `, `{}`, `{"path":null}`, `{"path":"\ud83d\ude00/.."}`, `{"path":"\\ud800/.."}`} {
		if r := c.raw("ls", in); r.Failed {
			t.Errorf("%s: %s", in, r.Text)
		}
	}
}

// TestLargeArguments: arguments over the limit are not even copied.
func TestLargeArguments(t *testing.T) {
	c := open(t, nil, nil)
	big := bytes.Repeat([]byte("x"), 100<<20)
	copy(big, `{"path":"`)
	copy(big[len(big)-2:], `"}`)
	var r tool.Result
	used := allocated(func() {
		r, _ = c.tools["ls"].Call(t.Context(), tool.Call{Input: big})
	})
	if !r.Failed || !strings.Contains(r.Text, "at most") {
		t.Error(r.Text)
	}
	if used > 1<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

func TestContextEnded(t *testing.T) {
	c := open(t, map[string]string{"a": "x"}, everything())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tl := range c.tools {
		if _, err := tl.Call(ctx, tool.Call{Input: json.RawMessage(`{}`)}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func input(t testing.TB, in args) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
