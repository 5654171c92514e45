package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/search"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
)

// Confine implements [hutch.Confiner] as far as a container that stands can: it
// returns nil where [Options.Hide] and [Options.Protect] keep everybody from all
// that c names already, and else an error that matches errors.ErrUnsupported.
// A pattern with wildcards is covered if the directory before its first one is.
// Exceptions in c take nothing away from what the options hide. A name that is
// there in another case as well is not covered.
func (s *Sandbox) Confine(ctx context.Context, c hutch.Confinement) error {
	b, err := s.to(ctx, "confine", ".")
	if err != nil {
		return err
	}
	var asked [2]*search.NameList
	for i, l := range [][]string{c.Hide, c.Protect} {
		if asked[i], err = search.CompileNameList(l); err != nil {
			return fail("confine", ".", fmt.Errorf("%w: %w", fs.ErrInvalid, err))
		}
	}
	hide, protect := namesOf(s.ident.hide), namesOf(s.ident.protect)
	for i, given := range [][]string{hide, append(protect, hide...)} {
		for _, name := range asked[i].Roots() {
			if err := covered(ctx, b, name, given); err != nil {
				return fail("confine", ".", err)
			}
		}
	}
	return nil
}

// covered says why name is not covered by what was given, or nil.
func covered(ctx context.Context, b hutch.Backend, name string, given []string) error {
	if !slices.ContainsFunc(given, func(g string) bool { return atOrBelow(g, name) }) {
		return fmt.Errorf("%w: a container keeps commands only from the names it was made with, and %q is not among them", errors.ErrUnsupported, name)
	}
	for part := name; part != "."; part = path.Dir(part) {
		for i, err := range b.List(ctx, path.Dir(part)) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				break // nobody can look into what is hidden
			}
			if i.Name != part && strings.EqualFold(i.Name, part) {
				return fmt.Errorf("%w: %q is there in another case, as %q", errors.ErrUnsupported, part, i.Name)
			}
		}
	}
	return nil
}

// atOrBelow reports whether name is dir or below it.
func atOrBelow(dir, name string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// namesText is a list of names in a label.
func namesText(names []string) string {
	if len(names) == 0 {
		return ""
	}
	b, err := json.Marshal(names)
	if err != nil {
		panic("docker: names are plain data: " + err.Error())
	}
	return string(b)
}

// namesOf reads it back; what cannot be read is no promise.
func namesOf(text string) (names []string) {
	if json.Unmarshal([]byte(text), &names) != nil {
		return nil
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, "/")
	}
	return names
}

// checkVeil refuses names that cannot be hidden or protected by mounts.
func (o *Options) checkVeil() error {
	var seen []string
	for _, l := range []struct {
		what  string
		names []string
	}{{"hide", o.Hide}, {"protect", o.Protect}} {
		for _, given := range l.names {
			name := given
			if l.what == "hide" {
				name = strings.TrimSuffix(name, "/")
			}
			target := path.Join(o.WorkDir, name)
			switch {
			case hutch.CheckName("open", name) != nil || name == "." || checkPlace(l.what, target) != nil:
				return bad("%s %q is not a name in the workspace", l.what, given)
			case strings.ContainsAny(name, `*?[]{}\!`):
				return bad("%s %q: a container cannot have wildcards", l.what, given)
			case slices.ContainsFunc(seen, func(s string) bool { return atOrBelow(s, name) || atOrBelow(name, s) }):
				return bad("%s %q overlaps with another one", l.what, given)
			case slices.ContainsFunc(o.Volumes, func(v Volume) bool { return v.Target != o.WorkDir && atOrBelow(target, v.Target) }):
				return bad("%s %q holds a volume", l.what, given)
			}
			seen = append(seen, name)
			if err := o.checkSource(l.what, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSource refuses what would need a part of a volume of the engine.
func (o *Options) checkSource(what, name string) error {
	v := o.volumeOf(name)
	switch {
	case v != nil && path.IsAbs(v.Source):
		return nil
	case what == "hide" && (v == nil || path.Dir(path.Join(o.WorkDir, name)) == v.Target):
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w: to %s it takes a directory of the engine's machine as a volume", errors.ErrUnsupported, what)}
}

// volumeOf is the volume that a name of the workspace is in; nil is the
// workspace of the container alone.
func (o *Options) volumeOf(name string) (in *Volume) {
	for i := range o.Volumes {
		v := &o.Volumes[i]
		if atOrBelow(v.Target, path.Join(o.WorkDir, name)) && (in == nil || len(v.Target) > len(in.Target)) {
			in = v
		}
	}
	return in
}

// veil are the mounts that hide and protect. Directories on the way to them in a
// directory of the engine's machine become mounts too: those cannot be renamed.
func (o *Options) veil() []mount.Mount {
	var all []mount.Mount
	add := func(name, source string, readOnly bool) {
		target := path.Join(o.WorkDir, name)
		if !slices.ContainsFunc(all, func(m mount.Mount) bool { return m.Target == target }) {
			all = append(all, mount.Mount{Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly})
		}
	}
	pin := func(name string) *Volume {
		v := o.volumeOf(name)
		if v == nil || !path.IsAbs(v.Source) {
			return nil
		}
		for dir := path.Dir(name); dir != "." && atOrBelow(v.Target, path.Join(o.WorkDir, dir)) && path.Join(o.WorkDir, dir) != v.Target; dir = path.Dir(dir) {
			add(dir, o.sourceOf(v, dir), !v.Writable)
		}
		return v
	}
	for _, name := range o.Protect {
		add(name, o.sourceOf(pin(name), name), true)
	}
	for _, name := range o.Hide {
		dir, isDir := strings.CutSuffix(name, "/")
		pin(dir)
		if !isDir {
			add(name, "/dev/null", true)
		}
	}
	return all
}

// sourceOf is where a name of the workspace is on the engine's machine.
func (o *Options) sourceOf(v *Volume, name string) string {
	return path.Join(v.Source, strings.TrimPrefix(path.Join(o.WorkDir, name), v.Target))
}

// veiled reports whether the mounts that the engine says it has made are those.
func (o *Options) veiled(got []container.MountPoint) bool {
	for _, want := range o.veil() {
		if !slices.ContainsFunc(got, func(m container.MountPoint) bool {
			return m.Destination == want.Target && m.RW == !want.ReadOnly && m.Source == want.Source
		}) {
			return false
		}
	}
	return true
}

// sameVeil compares mounts one by one, whatever their order.
func sameVeil(got, want []mount.Mount) bool {
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g mount.Mount) bool {
			return g.Type == w.Type && g.Target == w.Target && g.Source == w.Source && g.ReadOnly == w.ReadOnly
		}) {
			return false
		}
	}
	return true
}
