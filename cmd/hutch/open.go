package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/remote"
)

// workspace is the backend of one run.
type workspace struct {
	b       hutch.Backend
	cfg     *config
	url     string         // as the user wrote it
	id      string         // names the files as they are named from everywhere
	sandbox *local.Sandbox // where commands run, if that is local

	locals []*local.Sandbox // all that were opened
	dirs   []string         // theirs, on the host
	states []*stateFile
	fars   []*remote.Backend
	docks  []*docker.Sandbox // left running for the next run
}

// commit stores what was changed. A verb that changes something calls it before
// it says so.
func (w *workspace) commit() error {
	for _, s := range w.states {
		if err := s.commit(); err != nil {
			return err
		}
	}
	return nil
}

// lasting is the Info of a version that was just written, with the revision that
// the next process will see.
func (w *workspace) lasting(i hutch.Info) hutch.Info {
	for _, s := range w.states {
		if rev, ok := s.stored[i.Rev]; ok {
			i.Rev = rev
		}
	}
	return i
}

// close closes what was opened, and forgets what was not committed.
func (w *workspace) close() error {
	if w == nil {
		return nil
	}
	var all error
	for _, l := range w.locals {
		all = errors.Join(all, l.Close())
	}
	for _, s := range w.states {
		s.close()
	}
	for _, f := range w.fars {
		all = errors.Join(all, f.Close())
	}
	for _, d := range w.docks {
		all = errors.Join(all, leave(d))
	}
	return all
}

// open opens the backend that the flags name, behind the policy that they name.
// adjust may be nil; it changes the options of every local backend.
func (c *cli) open(adjust func(*local.Options)) (*workspace, error) {
	w, err := c.openPlain(adjust)
	if err != nil {
		return nil, err
	}
	w.b, err = c.guarded(c.ctx, w, w.b, c.asker())
	return w, err
}

// openPlain is open without a policy.
func (c *cli) openPlain(adjust func(*local.Options)) (*workspace, error) {
	cfg, err := loadConfig(c.config)
	if err != nil {
		return nil, usage(err)
	}
	if _, err := c.chosen(cfg); err != nil {
		return nil, err
	}
	url, dir := c.backend, "."
	switch {
	case url != "":
	case cfg.Default != "":
		url, dir = cfg.Default, cfg.dir
	default:
		url = "local:."
	}
	c.opened = &workspace{url: url, cfg: cfg}
	o := &opener{c: c, cfg: cfg, adjust: adjust, w: c.opened, made: map[string]made{}}
	m, err := o.open(url, dir, &backendConfig{})
	if err != nil {
		return nil, err
	}
	c.opened.b, c.opened.sandbox, c.opened.id = m.b, m.sandbox, m.id
	return c.opened, nil
}

// opener opens a backend and those it is made of.
type opener struct {
	c      *cli
	cfg    *config
	adjust func(*local.Options)
	w      *workspace
	made   map[string]made // by name and by state file, each is opened once
	path   []string        // the names that are being opened
}

type made struct {
	b       hutch.Backend
	sandbox *local.Sandbox
	id      string // the same for the same files, wherever they are opened from
}

// open opens the backend of a URL or a name. Paths are relative to dir.
func (o *opener) open(url, dir string, with *backendConfig) (made, error) {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok {
		return o.named(url)
	}
	switch scheme {
	case "local":
		return o.local(inDir(dir, rest), with)
	case "state":
		return o.state(rest, inDir(dir, rest))
	case "docker":
		return o.docker(rest, with)
	case "http", "https":
		return o.far(url, dir, with)
	}
	return made{}, usagef("backend %q: there is no %q; known are local:DIR, state:FILE.json, docker:IMAGE, http://HOST:PORT, https://HOST:PORT and the names of the config file", url, scheme+":")
}

// inDir is a path of the host as seen from dir.
func inDir(dir, path string) string {
	if path == "" {
		path = "."
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func (o *opener) named(name string) (made, error) {
	if m, ok := o.made[name]; ok {
		return m, nil
	}
	b, ok := o.cfg.Backends[name]
	if !ok {
		return made{}, usage(o.unknown(name))
	}
	if slices.Contains(o.path, name) {
		return made{}, usagef("backend %q contains itself: %s", name, strings.Join(append(o.path, name), " -> "))
	}
	o.path = append(o.path, name)
	defer func() { o.path = o.path[:len(o.path)-1] }()
	var m made
	var err error
	if b.URL != "" {
		m, err = o.open(b.URL, o.cfg.dir, b)
	} else {
		m, err = o.composite(b)
	}
	if err != nil {
		return made{}, fmt.Errorf("backend %q: %w", name, err)
	}
	o.made[name] = m
	return m, nil
}

func (o *opener) unknown(name string) error {
	known := slices.Sorted(maps.Keys(o.cfg.Backends))
	switch {
	case strings.ContainsAny(name, `/\.`):
		return fmt.Errorf("backend %q is no name; for a directory write local:%s", name, name)
	case len(known) == 0:
		return fmt.Errorf("backend %q: no config file names any; use --config, local:DIR or state:FILE.json", name)
	}
	return fmt.Errorf("backend %q is not in the config file, which has %s", name, strings.Join(known, ", "))
}

func (o *opener) local(dir string, with *backendConfig) (made, error) {
	opts := with.options()
	if o.adjust != nil {
		o.adjust(opts)
	}
	sb, err := local.Open(dir, opts)
	if err != nil {
		return made{}, fmt.Errorf("open local:%s: %w", dir, bare(err))
	}
	o.w.locals, o.w.dirs = append(o.w.locals, sb), append(o.w.dirs, dir)
	return made{sb, sb, "local:" + absolute(dir)}, nil
}

func (o *opener) state(shown, file string) (made, error) {
	if shown == "" {
		return made{}, usagef("state: names no file; write state:FILE.json")
	}
	key, err := filepath.Abs(file)
	if err != nil {
		return made{}, err
	}
	key = "state:" + key
	if m, ok := o.made[key]; ok {
		return m, nil
	}
	s, err := openStateFile(file)
	if err != nil {
		return made{}, err
	}
	o.w.states = append(o.w.states, s)
	o.made[key] = made{b: s, id: "state:" + absolute(file)}
	return o.made[key], nil
}

// composite opens a composite. Commands run in its default backend, else in the
// only sandbox among the others.
func (o *opener) composite(b *backendConfig) (made, error) {
	main, err := o.open(b.Default, o.cfg.dir, &backendConfig{})
	if err != nil {
		return made{}, err
	}
	routes := composite.Routes{}
	id := main.id
	var sandboxes []*local.Sandbox
	for _, prefix := range slices.Sorted(maps.Keys(b.Routes)) {
		m, err := o.open(b.Routes[prefix], o.cfg.dir, &backendConfig{})
		if err != nil {
			return made{}, fmt.Errorf("route %q: %w", prefix, err)
		}
		routes[prefix] = m.b
		id += fmt.Sprintf(" with %s at %s", m.id, prefix)
		if slices.Contains(b.ReadOnly, prefix) {
			routes[prefix] = composite.ReadOnly(m.b)
		} else if m.sandbox != nil {
			sandboxes = append(sandboxes, m.sandbox)
		}
	}
	c, err := composite.New(main.b, routes)
	if err != nil {
		return made{}, usage(err)
	}
	if main.sandbox == nil && len(sandboxes) == 1 {
		main.sandbox = sandboxes[0]
	}
	return made{c, main.sandbox, id}, nil
}
