package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/internal/page"
	"github.com/hutch-dev/hutch/internal/wire"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/session"
)

// service is all that hutch serve runs.
type service struct {
	*server.Service
	data    *serveData
	rooms   *rooms
	manager *session.Manager
	audit   *os.File
	traces  *tracing
	agents  *agentserver.Server
}

// service makes what is served, with b as the session main if it is not nil.
func (s *serving) service(ctx context.Context, tokens []server.Token, b hutch.Backend) (v *service, err error) {
	v = &service{}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	dir := s.data
	if dir == "" {
		if dir, err = defaultData(); err != nil {
			return v, err
		}
	}
	if s.opened != nil && within(dir, s.opened.dirs) {
		return v, usagef("serve: the workspace holds --data %s, and so the key that signs tokens; name a folder outside of it, or --only-sessions", dir)
	}
	if v.data, err = openServeData(dir); err != nil {
		return v, err
	}
	if v.rooms, err = s.rooms(v.data.dir); err != nil {
		return v, err
	}
	v.rooms.ByRuntime[mainSession] = owned{b}
	v.manager, err = session.New(ctx, v.rooms, &session.Options{
		Records: v.data.records, MaxOpen: s.maxOpen, MaxSessions: s.maxSessions, MaxPerTenant: s.maxPerTenant,
		Idle: never(s.idle), TTL: never(s.ttl),
	})
	if err != nil {
		return v, fmt.Errorf("--data %s: %w", dir, err)
	}
	if err := serveMain(ctx, v.manager, b); err != nil {
		return v, err
	}
	return v, s.serve(v, tokens)
}

// never is a time where 0 is never.
func never(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func (s *serving) serve(v *service, tokens []server.Token) (err error) {
	o := &server.ServiceOptions{
		Tokens: tokens, Key: v.data.key, Runtimes: v.rooms.shown, Limits: server.Limits{Rate: s.rate, Session: s.most.limits()},
	}
	if v.agents, err = s.agents(); err != nil {
		return err
	}
	if v.agents != nil {
		o.More = v.agents.Routes()
	}
	if !s.noPage {
		o.Page = page.Handler()
	}
	if s.auditFile != "" {
		v.audit, err = os.OpenFile(s.auditFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("--audit %s: %w", s.auditFile, bare(err))
		}
		o.Audit = slog.New(slog.NewJSONHandler(v.audit, nil))
	}
	if s.otlp != "" {
		if v.traces, err = newTracing(s.otlp); err != nil {
			return err
		}
		o.Tracer = v.traces
	}
	v.Service, err = server.NewService(v.manager, o)
	return err
}

// Close takes no further requests and ends what is under way, agents included.
func (v *service) Close() error {
	if v.agents != nil {
		v.agents.Close()
	}
	return v.Service.Close()
}

// close ends what is open, in the order in which one needs the other.
func (v *service) close() error {
	var all error
	if v.Service != nil {
		all = v.Close()
	}
	if v.manager != nil {
		ctx, cancel := context.WithTimeout(context.Background(), lastSleep)
		defer cancel()
		all = errors.Join(all, v.manager.Close(ctx))
	}
	if v.rooms != nil {
		all = errors.Join(all, v.rooms.close())
	}
	if v.data != nil {
		all = errors.Join(all, v.data.close())
	}
	if v.traces != nil {
		all = errors.Join(all, v.traces.close())
	}
	if v.audit != nil {
		all = errors.Join(all, v.audit.Close())
	}
	return all
}

// lastSleep is how long the sessions may take to fall asleep at the end.
const lastSleep = 20 * time.Second

// NewServer is that of the service, which also serves the session main to those
// who dial it without a path.
func (v *service) NewServer() *http.Server {
	srv := v.Service.NewServer()
	inner := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, wire.Base) {
			u := *r.URL
			u.Path, u.RawPath = "/v1/sessions/"+mainSession+"/wire"+u.Path, ""
			r = r.WithContext(r.Context())
			r.URL = &u
		}
		inner.ServeHTTP(w, r)
	})
	return srv
}
