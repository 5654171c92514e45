package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/workspaces"
)

// mainSession is the session of the workspace that the flags name.
const mainSession = "main"

// containerLease is how long containers outlive a service that was killed: long
// enough to start it again.
const containerLease = 10 * time.Minute

// containerIdle is how long the container of a sleeping session waits where sessions
// do not end by age.
const containerIdle = 7 * 24 * time.Hour

// rooms are the providers of a service.
type rooms struct {
	workspaces.ByRuntime
	shown []server.RuntimeInfo
	pools []*docker.Pool
}

// rooms are those of the runtimes in list, below dir.
func (s *serving) rooms(dir string) (*rooms, error) {
	r := &rooms{ByRuntime: workspaces.ByRuntime{mainSession: owned{}}}
	for _, name := range s.runtimes {
		if _, twice := r.ByRuntime[name]; twice {
			return r, usagef("serve: --runtimes has %q twice, or it is a name that is taken", name)
		}
		p, about, err := s.provider(r, name, dir)
		if err != nil {
			return r, err
		}
		r.ByRuntime[name] = p
		r.shown = append(r.shown, server.RuntimeInfo{Name: name, Description: about})
	}
	return r, nil
}

// provider is that of one runtime, with what is said of it.
func (s *serving) provider(r *rooms, name, dir string) (session.Provider, string, error) {
	switch name {
	case "state":
		return &workspaces.State{Dir: filepath.Join(dir, "state")}, "files in memory, no commands", nil
	case "local":
		adjust := &backendConfig{}
		opts := adjust.options()
		s.adjust(opts)
		return &workspaces.Local{Dir: filepath.Join(dir, "local"), Options: func(session.Info) *local.Options { return opts }},
			"a folder of this machine, commands in a jail", nil
	}
	p, about, err := s.pool(name)
	if err != nil {
		return nil, "", err
	}
	r.pools = append(r.pools, p)
	return &workspaces.Docker{Dir: filepath.Join(dir, "docker"), Pool: p}, about, nil
}

// adjust lets the flags win.
func (s *serving) adjust(o *local.Options) {
	if s.isolation != nil {
		o.Isolation = local.Isolation(*s.isolation)
	}
	o.Network = o.Network || s.network
}

// pool is one of containers of a runtime, or of an image.
func (s *serving) pool(name string) (*docker.Pool, string, error) {
	cfg, err := loadConfig(s.config)
	if err != nil {
		return nil, "", usage(err)
	}
	o := &opener{c: s.cli, cfg: cfg, adjust: s.adjust}
	opts, err := o.dockerOptions(strings.TrimPrefix(name, "docker:"), &backendConfig{})
	if err != nil {
		return nil, "", usage(err)
	}
	opts.Name, opts.Lease, opts.Idle = "", containerLease, containerIdle
	if s.ttl > 0 {
		opts.Idle = s.ttl + time.Hour
	}
	if l := s.most.limits(); l.Memory > 0 {
		opts.Memory = l.Memory
	}
	if l := s.most.limits(); l.Processes > 0 {
		opts.Processes = int64(l.Processes)
	}
	opts.Build.Progress = harmless{s.err}
	p := &docker.Pool{Options: *opts, Min: s.warm}
	if err := p.Start(); err != nil {
		return nil, "", usage(err)
	}
	if err := filled(s.in.ctx, p); err != nil {
		return nil, "", errors.Join(fmt.Errorf("runtime %s: %w", name, s.buildFailure(bare(err))), p.Close())
	}
	about := "a container of the image " + opts.Image
	if opts.Runtime != nil {
		about = "a container: " + opts.Runtime.Description
	}
	return p, show.Visible(about, false), nil
}

// filled waits for a pool. That one of many containers cannot be made, on an engine
// that has much to do, is tried again, as the pool does by itself.
func filled(ctx context.Context, p *docker.Pool) (err error) {
	for try := range 4 {
		err = p.Wait(ctx)
		if err == nil || errors.Is(err, docker.ErrNoEngine) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(try+1) * 1500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return err
}

func (r *rooms) close() error {
	var all error
	for _, p := range r.pools {
		all = errors.Join(all, p.Close())
	}
	return all
}

// owned is the provider of the session main, which is somebody else's: its files
// stay when it ends.
type owned struct{ b hutch.Backend }

// Open implements [session.Provider].
func (p owned) Open(context.Context, session.Info, bool) (session.Workspace, error) {
	if p.b == nil {
		return nil, fmt.Errorf("%w: the service does not serve it any more", session.ErrGone)
	}
	return p, nil
}

func (owned) Remove(context.Context, session.Info) error { return nil }
func (p owned) Backend() hutch.Backend                   { return p.b }
func (owned) Sleep(context.Context) error                { return nil }
func (owned) End(context.Context) error                  { return nil }

// hasMain reports whether there is a session main from an earlier run.
func hasMain(m *session.Manager) bool {
	return slices.ContainsFunc(m.List(), func(i session.Info) bool { return i.ID == mainSession })
}

// serveMain has a session main for b, or none where there is no b.
func serveMain(ctx context.Context, m *session.Manager, b hutch.Backend) error {
	has := hasMain(m)
	switch {
	case has && b == nil:
		return m.End(ctx, mainSession)
	case has || b == nil:
		return nil
	}
	_, err := m.Create(ctx, session.Spec{ID: mainSession, Runtime: mainSession, Idle: -1, TTL: -1})
	return err
}
