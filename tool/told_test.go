package tool_test

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

// answers looks whether an answer holds all that it should and nothing that it
// must not.
func (x *trial) answers(s *step, r tool.Result, asked []wish, refused, failed bool, say func(string, ...any)) {
	x.Helper()
	data, _ := json.Marshal(r.Data)
	if s.found != nil && !failed {
		want := s.found()
		got := namesIn(data)
		for i, n := range got {
			got[i] = strings.TrimPrefix(strings.TrimPrefix(n, "/workspace"), "/")
		}
		slices.Sort(want)
		slices.Sort(got)
		if strings.Contains(string(data), `"more":true`) {
			want = want[:min(len(want), len(got))]
		}
		if !slices.Equal(got, want) {
			say("found %q, want %q", got, want)
		}
	}
	x.linksTold(s, r.Text, failed, say)
	var out strings.Builder
	out.WriteString(r.Text + "\n" + printed(r.Data))
	for _, m := range r.Media {
		out.Write(m.Data)
	}
	given := fmt.Sprint(s.in) + strings.Join(s.told, "\n") + strings.Join(worldDirs, "\n")
	for name, text := range newWorld(true).files {
		canary := strings.Split(text, "\n")[1]
		if strings.Contains(x.record.String(), canary[:12]) {
			say("the record holds what is in %s", name)
		}
		if strings.Contains(out.String(), canary[:12]) && !strings.Contains(given, canary[:12]) && !x.mayRead(canary, asked, refused) {
			say("it tells what is in %s", name)
		}
	}
	x.namesTold(s, out.String(), given, say)
	if refused && !strings.Contains(x.record.String(), `"result":"refused"`) && !s.any {
		say("the record does not say that it was refused: %s", x.record.String())
	}
}

var worldDirs = []string{"workspace", "src", "config", "Config", "deploy", "notes", ".ssh", "home", ".aws", "data", "deep"}

// linksTold looks whether a list tells where links lead that must look empty.
func (x *trial) linksTold(s *step, text string, failed bool, say func(string, ...any)) {
	x.Helper()
	for _, n := range s.hollow {
		if !failed && !strings.Contains(text, "  "+n+" (link that leads nowhere)") {
			say("it tells where %s leads", n)
		}
	}
}

// mayRead reports whether some file that may be read now holds a text.
func (x *trial) mayRead(text string, asked []wish, refused bool) bool {
	for name, has := range x.w.files {
		w := wish{guard.Read, name}
		if strings.Contains(has, text) && (x.l.decides(w) == policy.Allow || slices.Contains(asked, w) && !refused) {
			return true
		}
	}
	return false
}

// namesTold looks whether an answer names files that it must not name.
func (x *trial) namesTold(s *step, out, given string, say func(string, ...any)) {
	x.Helper()
	op := map[string]guard.Op{"glob": guard.Glob, "grep": guard.Grep}[s.tool]
	var known []string
	for _, n := range x.w.names() {
		if x.l.shows(guard.List, n) || op != "" && x.l.shows(op, n) {
			known = append(known, path.Base(n))
		}
	}
	known = append(known, given)
	for _, n := range x.w.names() {
		base := path.Base(n)
		if len(base) > 3 && strings.Contains(out, base) && !slices.ContainsFunc(known, func(k string) bool { return strings.Contains(k, base) }) {
			say("it names %s", n)
		}
	}
}

// printed is a value as text, strings without their quotes.
func printed(v any) string {
	raw, _ := json.Marshal(v)
	var any any
	_ = json.Unmarshal(raw, &any)
	return fmt.Sprint(any)
}

// namesIn are the names of entries, paths or files in the data of a search.
func namesIn(data []byte) []string {
	var d struct {
		Paths   []string
		Entries []struct{ Name string }
		Files   []struct{ Path string }
	}
	_ = json.Unmarshal(data, &d)
	all := append([]string{}, d.Paths...)
	for _, e := range d.Entries {
		all = append(all, e.Name)
	}
	for _, f := range d.Files {
		all = append(all, f.Path)
	}
	return all
}
