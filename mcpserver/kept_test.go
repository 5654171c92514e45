package mcpserver_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A link to kept output can be read; nothing else can.
func TestKept(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		b := state.New(nil)
		for name, data := range map[string]string{".hutch/out/1": "all of it", ".hutch/out/2": "\xff", "secret": "s"} {
			if _, err := hutch.WriteFile(t.Context(), b, name, []byte(data), nil); err != nil {
				t.Fatal(err)
			}
		}
		s := server(t, &mcpserver.Options{Backend: b}, fake("run", func(_ context.Context, c tool.Call) (tool.Result, error) {
			return tool.Result{Text: "head", Kept: []tool.Kept{
				{Name: ".hutch/out/1", Path: "/.hutch/out/1", Size: 9, Type: "text/plain"},
				{Name: ".hutch/out/2", Path: "/.hutch/out/2", Size: 1, Type: "text/plain"},
				{Name: "gone", Path: "/gone", Size: 1, Type: "text/plain"},
				{Name: "../up", Path: "/gone", Size: 1, Type: "text/plain"},
			}}, nil
		}))
		cs := dial(t, s, version, nil)
		res := call(t, cs, "run", nil)
		if len(res.Content) != 4 {
			t.Fatalf("%+v", res.Content)
		}
		var links []*mcp.ResourceLink
		for _, c := range res.Content[1:] {
			links = append(links, c.(*mcp.ResourceLink))
		}
		if l := links[0]; l.Name != "/.hutch/out/1" || *l.Size != 9 || l.MIMEType != "text/plain" {
			t.Errorf("%+v", l)
		}
		read := func(uri string) (*mcp.ReadResourceResult, error) {
			return cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
		}
		if got, err := read(links[0].URI); err != nil || got.Contents[0].Text != "all of it" || got.Contents[0].URI != links[0].URI {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := read(links[1].URI); err != nil || string(got.Contents[0].Blob) != "\xff" {
			t.Errorf("%+v, %v", got, err)
		}
		for _, uri := range []string{links[2].URI, "hutch://kept/x/1", "hutch:///secret", "file:///secret", "file:///etc/passwd",
			links[0].URI + "/../../secret", strings.Replace(links[0].URI, "/1", "/2", 1)} {
			if got, err := read(uri); err == nil {
				t.Errorf("%s: %+v", uri, got)
			}
		}
	})
}

// Of links there are no more than can be remembered.
func TestKeptIsBounded(t *testing.T) {
	b := state.New(nil)
	if _, err := hutch.WriteFile(t.Context(), b, "out", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	s := server(t, &mcpserver.Options{Backend: b}, fake("run", func(context.Context, tool.Call) (tool.Result, error) {
		return tool.Result{Kept: slices.Repeat([]tool.Kept{{Name: "out", Path: "/out"}}, 100)}, nil
	}))
	cs := dial(t, s, "", nil)
	first := call(t, cs, "run", nil).Content[0].(*mcp.ResourceLink).URI
	last := ""
	for range 4 {
		res := call(t, cs, "run", nil)
		last = res.Content[len(res.Content)-1].(*mcp.ResourceLink).URI
	}
	if _, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: first}); err == nil {
		t.Error("the first link is still there")
	}
	if _, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: last}); err != nil {
		t.Error(err)
	}
	n := 0
	for _, err := range cs.Resources(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 256 {
		t.Errorf("%d links", n)
	}
}
