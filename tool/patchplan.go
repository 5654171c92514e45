package tool

import (
	"context"
	"errors"
	"io/fs"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// plan is what a patch makes of the files that it names. All of it is worked out
// before anything is written.
type plan struct {
	c     *console
	files map[string]*staged
}

// staged is a file as it was read, and as it is to be.
type staged struct {
	name    string
	existed bool
	inWay   error // a directory of that name, or a file where a parent should be
	rev     string
	mode    fs.FileMode // of the version that was read
	before  []byte

	exists  bool
	after   []byte
	newMode fs.FileMode // 0: as before, or that of a new file
	newRev  string      // once it is written
}

func (s *staged) changed() bool {
	return s.existed != s.exists || string(s.before) != string(s.after) ||
		s.exists && s.newMode != 0 && s.newMode != s.mode
}

// names are those of all files that a patch is about.
func (p *plan) names(files []filePatch) ([]string, error) {
	var all []string
	for _, f := range files {
		for _, path := range []string{f.path, f.to} {
			if path == "" {
				continue
			}
			name, err := p.c.resolve(path)
			if err != nil {
				return nil, err
			}
			all = append(all, name)
		}
	}
	return all, nil
}

// load is a file as the parts of the patch before have left it.
func (p *plan) load(ctx context.Context, path string) (*staged, error) {
	name, err := p.c.resolve(path)
	if err != nil {
		return nil, err
	}
	if s := p.files[name]; s != nil {
		return s, nil
	}
	s := &staged{name: name}
	f, err := p.c.b.Open(ctx, name)
	switch {
	case errors.Is(err, hutch.ErrIsDir), errors.Is(err, hutch.ErrNotDir):
		s.inWay = err // which another part of the patch may remove
		fallthrough
	case errors.Is(err, fs.ErrNotExist):
		p.files[name] = s
		return s, nil
	case err != nil:
		return nil, err
	}
	defer f.Close()
	info := f.Info()
	if err := p.c.fresh(name, info); err != nil {
		return nil, err
	}
	if info.Size > hutch.MaxEdit {
		return nil, mistakef("'%s' has %d bytes, at most %d can be edited.", p.c.path(name), info.Size, hutch.MaxEdit)
	}
	s.before, err = readAll(ctx, f, info.Size)
	if err != nil {
		return nil, err
	}
	s.existed, s.rev, s.mode = true, info.Rev, info.Mode.Perm()
	s.exists, s.after = true, s.before
	p.files[name] = s
	return s, nil
}

// apply works out what one part of the patch does.
func (p *plan) apply(ctx context.Context, f *filePatch) (patchedFile, error) {
	s, err := p.load(ctx, f.path)
	if err != nil {
		return patchedFile{}, err
	}
	switch {
	case f.change == added && s.exists:
		return patchedFile{}, mistakef("'%s' exists already, so it cannot be added (line %d of the patch). Update it instead. Nothing was changed.", p.c.path(s.name), f.line)
	case f.change != added && s.inWay != nil && !s.exists:
		return patchedFile{}, s.inWay
	case f.change != added && !s.exists:
		return patchedFile{}, p.c.missing(ctx, "Nothing was changed: file", s.name)
	case !utf8.Valid(s.after):
		return patchedFile{}, mistakef("'%s' is not valid UTF-8 text and cannot be edited. Nothing was changed.", p.c.path(s.name))
	}
	path := hutch.PathOf(p.c.b, s.name)
	text, places, err := applyHunks(path, string(s.after), f.hunks)
	if err != nil {
		return patchedFile{}, err
	}
	done := patchedFile{Path: path, Change: f.change, delta: deltaOf(path, s.after, []byte(text))}
	switch f.change {
	case added:
		s.exists, s.after, s.newMode = true, []byte(text), f.mode
		return done, nil
	case deleted:
		return p.remove(done, s, f, text)
	}
	done.Places = places
	if f.change == renamed {
		return p.rename(ctx, done, s, f, text)
	}
	s.after = []byte(text)
	s.newMode = orElse(f.mode, s.newMode)
	if len(s.after) > hutch.MaxEdit {
		return done, mistakef("'%s' would have %d bytes, at most %d can be edited. Nothing was changed.", p.c.path(s.name), len(s.after), hutch.MaxEdit)
	}
	return done, nil
}

func (p *plan) remove(done patchedFile, s *staged, f *filePatch, left string) (patchedFile, error) {
	if len(f.hunks) > 0 && left != "" {
		return done, mistakef("'%s' has lines that the patch does not have, so it is not deleted (line %d of the patch). Nothing was changed.", p.c.path(s.name), f.line)
	}
	done.delta = deltaOf(done.Path, s.after, nil)
	s.exists, s.after = false, nil
	return done, nil
}

func (p *plan) rename(ctx context.Context, done patchedFile, s *staged, f *filePatch, text string) (patchedFile, error) {
	to, err := p.load(ctx, f.to)
	if err != nil {
		return done, err
	}
	if to.exists {
		return done, mistakef("'%s' exists already, so '%s' cannot be renamed to it (line %d of the patch). Nothing was changed.", p.c.path(to.name), p.c.path(s.name), f.line)
	}
	to.exists, to.after, to.newMode = true, []byte(text), orElse(f.mode, s.mode)
	s.exists, s.after = false, nil
	done.From, done.Path = done.Path, hutch.PathOf(p.c.b, to.name)
	return done, nil
}
