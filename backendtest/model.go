package backendtest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

func is(err, target error) bool { return errors.Is(err, target) }

// model is what a backend should hold.
type model struct {
	files map[string]modelFile
	dirs  map[string]bool // directories without a file, which some backends keep
	stale string          // a revision that no file has
}

type modelFile struct {
	data string
	mode fs.FileMode
}

type modelStep struct {
	kind, arg   int
	name, other string
}

// settle asks the backend which of the directories without files it keeps: the
// law leaves that open.
func (m *model) settle(t *env) {
	m.dirs = map[string]bool{}
	for _, name := range fuzzNames {
		for ; name != "." && fs.ValidPath(name); name = path.Dir(name) {
			if i, err := t.b.Stat(t.ctx, name); err == nil && i.IsDir() && !m.implied(name) {
				m.dirs[name] = true
			}
		}
	}
}

// implied reports whether a file makes name a directory.
func (m *model) implied(name string) bool {
	for f := range m.files {
		if name == "." || strings.HasPrefix(f, name+"/") {
			return true
		}
	}
	return name == "."
}

func (m *model) isDir(name string) bool { return m.dirs[name] || m.implied(name) }

// lookup is the error that a name leads to before anything is done with it.
func (m *model) lookup(name string) error {
	if err := hutch.CheckName("", name); err != nil {
		return fs.ErrInvalid
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := m.files[dir]; ok {
			return hutch.ErrNotDir
		}
	}
	if _, ok := m.files[name]; !ok && !m.isDir(name) {
		return fs.ErrNotExist
	}
	return nil
}

// asFile is the error of reading name, asTarget that of writing it.
func (m *model) asFile(name string) error {
	if err := m.lookup(name); err != nil {
		return err
	}
	if m.isDir(name) {
		return hutch.ErrIsDir
	}
	return nil
}

func (m *model) asTarget(name string) error {
	if err := m.asFile(name); err != fs.ErrNotExist {
		return err
	}
	return nil
}

// do does one step on both and returns what the error of the backend may be, and
// what it is.
func (m *model) do(t *env, s modelStep) (what string, want []error, got error) {
	switch s.kind % 8 {
	case 0, 1:
		return m.write(t, s)
	case 2:
		return "Remove " + s.name, m.remove(s.name), t.b.Remove(t.ctx, s.name)
	case 3:
		return "RemoveAll " + s.name, m.removeAll(s.name), hutch.RemoveAll(t.ctx, t.b, s.name)
	case 4:
		return "Move " + s.name + " to " + s.other, m.transfer(s, true), hutch.Move(t.ctx, t.b, s.name, s.other)
	case 5:
		return "Copy " + s.name + " to " + s.other, m.transfer(s, false), hutch.Copy(t.ctx, t.b, s.other, t.b, s.name)
	case 6:
		return m.edit(t, s)
	}
	_, err := hutch.ReadFile(t.ctx, t.b, s.name)
	return "ReadFile " + s.name, []error{m.asFile(s.name)}, err
}

func (m *model) write(t *env, s modelStep) (what string, want []error, got error) {
	opts := &hutch.WriteOptions{Mode: []fs.FileMode{0, 0o600, 0o755, 0}[s.arg%4]}
	old, exists := m.files[s.name]
	err := m.asTarget(s.name)
	info, _ := t.b.Stat(t.ctx, s.name)
	switch s.arg / 4 % 4 {
	case 1:
		opts.IfRev = hutch.Absent
		if exists {
			err = hutch.ErrConflict
		}
	case 2:
		if exists {
			opts.IfRev = info.Rev
		}
	case 3:
		if m.stale != "" && m.stale != info.Rev {
			opts.IfRev = m.stale
			if err == nil {
				err = hutch.ErrConflict
			}
		}
	}
	want = []error{err}
	if err != nil && opts.IfRev != "" { // which of two reasons is told is open
		want = append(want, hutch.ErrConflict)
	}
	data := strings.Repeat(string(rune('a'+s.arg%26)), s.arg*s.arg%700)
	if exists {
		m.stale = info.Rev
	}
	_, got = t.b.Write(t.ctx, s.name, strings.NewReader(data), opts)
	if got == nil {
		m.files[s.name] = modelFile{data, newMode(opts.Mode, old, exists)}
	}
	return fmt.Sprintf("Write %s %+v", s.name, *opts), want, got
}

func newMode(given fs.FileMode, old modelFile, exists bool) fs.FileMode {
	switch {
	case given != 0:
		return given
	case exists:
		return old.mode
	}
	return hutch.DefaultMode
}

func (m *model) remove(name string) []error {
	err := m.lookup(name)
	if err == nil && m.implied(name) {
		err = hutch.ErrIsDir
	}
	for dir := range m.dirs {
		if strings.HasPrefix(dir, name+"/") && m.dirs[name] {
			err = hutch.ErrIsDir
		}
	}
	if err == nil {
		delete(m.files, name)
	}
	return []error{err}
}

func (m *model) removeAll(name string) []error {
	switch err := m.lookup(name); err {
	case nil:
		maps.DeleteFunc(m.files, func(f string, _ modelFile) bool { return within(name, f) })
		return []error{nil}
	case hutch.ErrNotDir: // nothing under that name, and not a directory either
		return []error{nil, err}
	case fs.ErrNotExist:
		return []error{nil}
	default:
		return []error{err}
	}
}

func within(dir, name string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// transfer is Move or Copy. Where several things are wrong the law leaves open
// which of them is told.
func (m *model) transfer(s modelStep, move bool) []error {
	from, to := s.name, s.other
	var wrong []error
	for _, err := range []error{m.lookup(from), m.asTarget(to)} {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	fromDir := m.lookup(from) == nil && m.isDir(from)
	switch {
	case slices.Contains(wrong, fs.ErrInvalid):
	case from == to && (move || !fromDir) && m.lookup(from) == nil:
		if !move || from != "." {
			wrong = wrong[:0]
		}
		if !move && fromDir {
			wrong = append(wrong, fs.ErrInvalid)
		}
	case m.lookup(from) == nil && within(from, to):
		wrong = append(wrong, fs.ErrInvalid)
	case fromDir && m.lookup(to) == nil:
		wrong = append(wrong, fs.ErrExist, hutch.ErrIsDir, hutch.ErrNotDir)
	}
	if move && (from == "." || to == ".") {
		wrong = append(wrong, fs.ErrInvalid, hutch.ErrIsDir, fs.ErrExist)
	}
	if len(wrong) > 0 {
		if move && from == "." && to == "." || !move && fromDir && to == "." && !m.implied(to) {
			wrong = append(wrong, nil)
		}
		return wrong
	}
	if from != to {
		m.carry(from, to, move)
	}
	return []error{nil}
}

func (m *model) carry(from, to string, move bool) {
	for name, f := range maps.Clone(m.files) {
		if !within(from, name) {
			continue
		}
		if move {
			delete(m.files, name)
		}
		m.files[to+strings.TrimPrefix(name, from)] = f
	}
}

func (m *model) edit(t *env, s modelStep) (what string, want []error, got error) {
	_, got = hutch.EditFile(t.ctx, t.b, s.name, []hutch.Edit{{Old: "a", New: "bb", All: true}})
	err := m.asFile(s.name)
	if f := m.files[s.name]; err == nil {
		if !strings.Contains(f.data, "a") {
			err = fs.ErrInvalid
		} else {
			f.data = strings.ReplaceAll(f.data, "a", "bb")
			m.files[s.name] = f
		}
	}
	return "EditFile " + s.name, []error{err}, got
}
