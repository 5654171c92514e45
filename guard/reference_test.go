package guard_test

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// outcome is what an operation gives: a refusal by rules, or what comes of it.
type outcome struct {
	refused bool
	err     error
	got     string
}

// model does what a guard owes on a backend that nobody guards.
type model struct {
	*book
	l *linked
}

func (m model) real(name string) (string, error) { return m.l.resolve(name, true) }

func (m model) place(name string) (string, error) {
	if name == "." {
		return name, nil
	}
	dir, err := m.real(path.Dir(name))
	return path.Join(dir, path.Base(name)), err
}

// step is one operation, on a guarded backend and on the model.
type step struct {
	op         string
	name, more string
}

func (s step) on(b hutch.Backend) outcome {
	var o outcome
	switch s.op {
	case "open":
		var data []byte
		data, o.err = hutch.ReadFile(ctx, b, s.name)
		o.got = string(data)
	case "stat":
		var i hutch.Info
		i, o.err = b.Stat(ctx, s.name)
		if o.err == nil {
			o.got = fmt.Sprint(i.Name, i.Size, i.Mode)
		}
	case "write":
		_, o.err = hutch.WriteFile(ctx, b, s.name, []byte("written "+s.more+"\n"), nil)
	case "edit":
		var res hutch.EditResult
		res, o.err = hutch.UpdateFile(ctx, b, s.name, func(d []byte, _ hutch.Info) ([]byte, error) { return append([]byte("+"), d...), nil })
		o.got = string(res.Before)
	case "remove":
		o.err = b.Remove(ctx, s.name)
	case "move":
		o.err = hutch.Move(ctx, b, s.name, s.more)
	case "list":
		o.got, o.err = shown(b.List(ctx, s.name))
	case "walk":
		o.got, o.err = shown(hutch.Walk(ctx, b, s.name))
	case "glob":
		o.got, o.err = shown(hutch.Glob(ctx, b, "**", &hutch.GlobOptions{Dir: s.name}))
	case "grep":
		var all []hutch.Match
		all, o.err = hutch.Collect(hutch.Grep(ctx, b, hutch.Query{Pattern: "i", Dir: s.name, Max: 4}))
		o.got = fmt.Sprint(all)
	}
	return o
}

func shown(seq func(func(hutch.Info, error) bool)) (string, error) {
	infos, err := hutch.Collect(seq)
	var s strings.Builder
	for _, i := range infos {
		fmt.Fprintln(&s, i.Name, i.Mode, i.Size)
	}
	return s.String(), err
}

// owed is what a guard answers, done on the model.
func (m model) owed(s step) outcome {
	at := m.real
	if s.op == "remove" || s.op == "move" {
		at = m.place
	}
	real, err := at(s.name)
	if err != nil {
		return s.on(m.l) // which says the same
	}
	info, statErr := m.l.Stat(ctx, real)
	allowed := false
	switch s.op {
	case "open":
		allowed = m.allows(guard.Read, real)
	case "stat":
		allowed = real == "." || m.shows(guard.List, real) || m.allows(guard.Read, real)
	case "write", "remove":
		allowed = m.allows(guard.Write, real)
	case "edit":
		isFile := statErr == nil && !info.IsDir() // else there is nothing to edit
		allowed = m.allows(guard.Read, real) && (!isFile || m.allows(guard.Edit, real))
	case "list", "walk":
		allowed = m.allows(guard.List, real)
	case "glob":
		allowed = m.allows(guard.Glob, real)
	case "grep":
		isFile := statErr == nil && !info.IsDir()
		hides := statErr != nil && !m.shows(guard.List, real) // whether it is there
		allowed = m.allows(guard.Grep, real) && (!isFile && !hides || m.allows(guard.Read, real))
	case "move":
		return m.move(s, real)
	}
	if !allowed {
		return outcome{refused: true}
	}
	switch s.op {
	case "list", "walk", "glob":
		return m.filtered(s, real)
	case "grep":
		return m.grep(s, real)
	}
	return s.on(m.l)
}

// rename is a name below dir as it is below real.
func rename(name, dir, real string) string { return path.Join(real, strings.TrimPrefix(name, dir)) }

func (m model) filtered(s step, real string) outcome {
	op := map[string]guard.Op{"list": guard.List, "walk": guard.List, "glob": guard.Glob}[s.op]
	o := s.on(m.l)
	var kept strings.Builder
	for line := range strings.Lines(o.got) {
		name := strings.Fields(line)[0]
		if s.name != "." {
			name = rename(name, s.name, real)
		}
		if m.shows(op, name) {
			kept.WriteString(line)
		}
	}
	o.got = kept.String()
	return o
}

func (m model) grep(s step, real string) outcome {
	all, err := hutch.Collect(hutch.Grep(ctx, m.l, hutch.Query{Pattern: "i", Dir: s.name}))
	info, _ := m.l.Stat(ctx, real)
	all = slices.DeleteFunc(all, func(x hutch.Match) bool {
		name := x.Name
		if s.name != "." {
			name = rename(name, s.name, real)
		}
		return info.IsDir() && !m.shows(guard.Grep, name)
	})
	if all = all[:min(4, len(all))]; len(all) == 0 {
		all = nil
	}
	return outcome{err: err, got: fmt.Sprint(all)}
}

func (m model) move(s step, from string) outcome {
	to, err := m.place(s.more)
	if err != nil {
		return s.on(m.l)
	}
	if !m.allows(guard.Write, from) || !m.allows(guard.Write, to) {
		return outcome{refused: true}
	}
	all := contentsOf(m.l)
	for name, data := range all {
		if name != from && !strings.HasPrefix(name, from+"/") && from != "." {
			continue
		}
		for dir := name; dir != from && dir != "."; dir = path.Dir(dir) { // directories too
			if !m.allows(guard.Write, dir) || !m.allows(guard.Write, rename(dir, strings.TrimSuffix(from, "."), to)) {
				return outcome{refused: true}
			}
		}
		link := strings.HasPrefix(data, mark)
		if link && m.protects || !link && !m.allows(guard.Read, name) {
			return outcome{refused: true}
		}
	}
	return s.on(m.l)
}
