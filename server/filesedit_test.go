package server

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func TestListsAndSearches(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	for _, name := range []string{"a.go", "src/b.go", "src/c.txt", ".hid/d.go"} {
		f.want(200, "", "PUT", path+"/files/"+name, token, "package x\n// needle "+name+"\nend\n")
	}
	paths := func(at string) (out listOut, all string) {
		r := f.want(200, "", "GET", path+at, token, nil)
		r.into(t, &out)
		if out.Entries == nil {
			var g globOut
			r.into(t, &g)
			out.Entries, out.More = g.Files, g.More
		}
		for _, e := range out.Entries {
			all += e.Path + " "
		}
		return out, all
	}
	for at, want := range map[string]string{
		"/list": ".hid a.go src ", "/list?path=src": "src/b.go src/c.txt ", "/list?recursive=true": ".hid/d.go a.go src/b.go src/c.txt ",
		"/list?limit=1": ".hid ", "/glob?pattern=*.go": "a.go src/b.go ", "/glob?pattern=*.go&hidden=true": ".hid/d.go a.go src/b.go ",
		"/glob?pattern=src/**": "src/b.go src/c.txt ", "/glob?pattern=*&path=src&limit=1": "src/b.go ",
	} {
		if out, got := paths(at); got != want || out.More != strings.Contains(at, "limit") {
			t.Errorf("%s: %q, more %v; want %q", at, got, out.More, want)
		}
	}
	var i fileOut
	f.want(200, "", "GET", path+"/stat?path=src/b.go", token, nil).into(t, &i)
	if i.Dir || i.Rev == "" || i.Mode != "0644" || i.Modified.IsZero() || i.Size == 0 {
		t.Errorf("%+v", i)
	}
	f.want(200, "", "GET", path+"/stat", token, nil).into(t, &i)
	for body, want := range map[string]string{
		`{"pattern":"need.e"}`:                                    "a.go:2 src/b.go:2 src/c.txt:2 ",
		`{"pattern":"need.e","literal":true}`:                     "",
		`{"pattern":"NEEDLE","ignore_case":true,"path":"src"}`:    "src/b.go:2 src/c.txt:2 ",
		`{"pattern":"needle","include":["*.go"],"hidden":true}`:   ".hid/d.go:2 a.go:2 src/b.go:2 ",
		`{"pattern":"needle","exclude":["src"]}`:                  "a.go:2 ",
		`{"pattern":"needle","path":"a.go","before":1,"after":1}`: "a.go:1c a.go:2 a.go:3c ",
		`{"pattern":"needle","limit":2}`:                          "a.go:2 src/b.go:2 +",
	} {
		var out grepOut
		f.want(200, "", "POST", path+"/grep", token, body).into(t, &out)
		got := ""
		for _, m := range out.Matches {
			got += fmt.Sprintf("%s:%d", m.Path, m.Line) + map[bool]string{true: "c "}[m.Context]
			if !m.Context {
				got += " "
			}
		}
		if out.More {
			got += "+"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	f.want(204, "", "POST", path+"/move", token, `{"from":"src","to":"lib"}`)
	f.want(204, "", "POST", path+"/copy", token, `{"from":"lib/b.go","to":"a.go"}`)
	if _, got := paths("/list?recursive=true"); got != ".hid/d.go a.go lib/b.go lib/c.txt " {
		t.Errorf("moved: %q", got)
	}
	f.want(204, "", "DELETE", path+"/files/?recursive=true", token, nil)
	if out, got := paths("/list"); got != "" || out.Entries == nil {
		t.Errorf("emptied: %q", got)
	}
}

func TestEdits(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	rev := func() string {
		var i fileOut
		f.want(200, "", "GET", path+"/stat?path=a", token, nil).into(t, &i)
		return i.Rev
	}
	f.want(200, "", "PUT", path+"/files/a", token, "one\ntwo\ntwo\n")
	before := rev()
	var out editOut
	f.want(200, "", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": before, "edits": []edit{{Old: "one", New: "1"}, {Old: "two", New: "2", All: true}}}).into(t, &out)
	if fmt.Sprint(out.Replaced) != "[1 2]" || out.File.Rev == before || !strings.Contains(out.Diff, "-one\n") || !strings.Contains(out.Diff, "+1\n") {
		t.Errorf("%+v", out)
	}
	f.want(412, "conflict", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": before, "edits": []edit{{Old: "1", New: "x"}}})
	f.want(412, "conflict", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": "", "edits": []edit{{Old: "1", New: "x"}}})
	f.want(422, "edit_ambiguous", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"2","new":"x"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"","new":"x"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"1"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"1","new":"2","what":3}]}`)
	f.want(404, "not_found", "POST", path+"/edit", token, `{"path":"b","edits":[{"old":"2","new":"x"}]}`)
	f.want(200, "", "PUT", path+"/files/near", token, "func  f() {\n")
	if r := f.want(422, "edit_not_found", "POST", path+"/edit", token, `{"path":"near","edits":[{"old":"func f() {","new":"x"}]}`); !strings.Contains(string(r.body), "line 1") {
		t.Errorf("no near miss: %s", r.body)
	}
	f.want(200, "", "PUT", path+"/files/bin", token, "\xff\xfe1")
	f.want(422, "unsupported", "POST", path+"/edit", token, `{"path":"bin","edits":[{"old":"1","new":"x"}]}`)
	if r := f.do("GET", path+"/files/a", token, nil); string(r.body) != "1\n2\n2\n" {
		t.Errorf("%q", r.body)
	}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			f.want(200, "", "POST", path+"/edit", token, map[string]any{"path": "a", "edits": []edit{{Old: "2\n2\n", New: fmt.Sprintf("2\n2\n+%d\n", i)}}})
		})
	}
	all.Wait()
	if r := f.do("GET", path+"/files/a", token, nil); strings.Count(string(r.body), "+") != 10 {
		t.Errorf("edits side by side are lost: %q", r.body)
	}
}

// TestDenied wants a refusal told as one, and counted.
func TestDenied(t *testing.T) {
	f, path, token := one(t, denying{state.New(nil)}, nil)
	f.want(403, "denied", "PUT", path+"/files/a", token, "x")
	var u usageOut
	f.want(200, "", "GET", path+"/usage", token, nil).into(t, &u)
	var e eventsOut
	f.want(200, "", "GET", path+"/events", token, nil).into(t, &e)
	if u.Refused != 1 || u.Requests != 1 || len(e.Events) != 1 || e.Events[0].Decision != "denied" || e.Events[0].Error != "permission" {
		t.Errorf("%+v, %+v", u, e)
	}
}

type denying struct{ hutch.Backend }

func (denying) As(any) bool { return false }

func (denying) Write(_ context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
}
