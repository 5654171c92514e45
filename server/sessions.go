package server

import (
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/hutch-dev/hutch/session"
)

// sessionRoutes are those of sessions as a whole, and of what they can be made of.
func sessionRoutes() []Route {
	return []Route{
		{
			Method: "GET", Path: "/runtimes", Name: "listRuntimes", top: true, Service: true,
			Doc: "Lists the runtimes that a session may ask for.",
			Out: []RuntimeInfo(nil), Serve: listRuntimes,
		},
		{
			Method: "POST", Path: "/sessions", Name: "createSession", top: true, Service: true,
			Doc: "Makes a session and a token for it. With reuse, an open or sleeping session of that id, runtime and tenant is taken instead, with the status 200.",
			In:  createIn{}, Out: createOut{}, Status: http.StatusCreated, Serve: createSession,
		},
		{
			Method: "GET", Path: "/sessions", Name: "listSessions", top: true, Service: true,
			Doc:   "Lists the sessions, sorted by id. With tenant, those of that tenant, which may be empty.",
			Query: tenantQuery{}, Out: sessionsOut{}, Serve: listSessions,
		},
		{
			Method: "GET", Name: "getSession", Sleeping: true,
			Doc: "Describes the session. It does not wake it.",
			Out: sessionOut{}, Serve: func(c *Call) (any, error) { return describe(c.Info), nil },
		},
		{
			Method: "DELETE", Name: "deleteSession", Sleeping: true,
			Doc:   "Ends the session. Its commands are killed and its files are gone.",
			Serve: func(c *Call) (any, error) { return nil, managerError(c.service.m.End(c.Ctx, c.ID)) },
		},
		{
			Method: "POST", Path: "/sleep", Name: "sleepSession", Sleeping: true,
			Doc:   "Puts the session to sleep. Its files stay, and the next request wakes it. One that is in use is busy.",
			Serve: func(c *Call) (any, error) { return nil, managerError(c.service.m.Sleep(c.Ctx, c.ID)) },
		},
		{
			Method: "POST", Path: "/tokens", Name: "createToken", Sleeping: true, Service: true,
			Doc: "Makes a token for the session.",
			In:  tokenIn{}, Out: tokenOut{}, Status: http.StatusCreated, Serve: createToken,
		},
	}
}

type createIn struct {
	ID           string            `json:"id,omitempty" jsonschema:"1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit. Without it one is made."`
	Tenant       string            `json:"tenant,omitempty" jsonschema:"Whose session it is, in the form of an id."`
	Runtime      string            `json:"runtime,omitempty" jsonschema:"The name of a runtime."`
	Labels       map[string]string `json:"labels,omitempty" jsonschema:"Up to 16."`
	Limits       *limitsForm       `json:"limits,omitempty" jsonschema:"What may be done in it; those of the service where it says nothing, which are also the most."`
	IdleSeconds  int64             `json:"idle_seconds,omitempty" jsonschema:"It sleeps this long after its last use. -1 is never."`
	TTLSeconds   int64             `json:"ttl_seconds,omitempty" jsonschema:"It ends this long after its last use, files included. -1 is never."`
	TokenSeconds int64             `json:"token_seconds,omitempty" jsonschema:"How long the token is good."`
	Reuse        bool              `json:"reuse,omitempty" jsonschema:"Take the session of that id if there is one."`
}

type createOut struct {
	Session sessionOut `json:"session"`
	tokenOut
}

type tokenIn struct {
	Seconds int64 `json:"seconds,omitempty" jsonschema:"How long the token is good."`
}

type tokenOut struct {
	Token   string    `json:"token" jsonschema:"For this session alone."`
	Expires time.Time `json:"expires"`
}

type sessionOut struct {
	ID          string            `json:"id"`
	Tenant      string            `json:"tenant"`
	Runtime     string            `json:"runtime"`
	Labels      map[string]string `json:"labels"`
	Limits      *limitsForm       `json:"limits,omitempty"`
	State       string            `json:"state" jsonschema:"opening, open, asleep or ending."`
	Created     time.Time         `json:"created"`
	Used        time.Time         `json:"used" jsonschema:"When a use last began or ended."`
	Uses        int               `json:"uses" jsonschema:"How many are under way."`
	IdleSeconds int64             `json:"idle_seconds" jsonschema:"-1 is never."`
	TTLSeconds  int64             `json:"ttl_seconds" jsonschema:"-1 is never."`
}

type sessionsOut struct {
	Sessions []sessionOut `json:"sessions"`
}

type tenantQuery struct {
	Tenant string `json:"tenant" jsonschema:"Only the sessions of this tenant."`
}

// describe is a session as clients see it.
func describe(i session.Info) sessionOut {
	labels := i.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return sessionOut{
		ID: i.ID, Tenant: i.Tenant, Runtime: i.Runtime, Labels: labels, Limits: form(i.Limits), State: string(i.State),
		Created: i.Created, Used: i.Used, Uses: i.Uses,
		IdleSeconds: inSeconds(i.Idle), TTLSeconds: inSeconds(i.TTL),
	}
}

func inSeconds(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64(d / time.Second)
}

// maxSeconds is more than anybody lives to see, and a time.Duration can hold it.
const maxSeconds = 100 * 365 * 24 * 3600

func ofSeconds(name string, n int64) (time.Duration, error) {
	if n < -1 || n > maxSeconds {
		return 0, invalid("%s must be -1, or a number up to %d", name, int64(maxSeconds))
	}
	return time.Duration(n) * time.Second, nil
}

func listRuntimes(c *Call) (any, error) {
	return append([]RuntimeInfo{}, c.service.o.Runtimes...), nil
}

func listSessions(c *Call) (any, error) {
	var all []session.Info
	if c.R.URL.Query().Has("tenant") {
		all = c.service.m.ListTenant(c.Query.(*tenantQuery).Tenant)
	} else {
		all = c.service.m.List()
	}
	out := sessionsOut{Sessions: []sessionOut{}}
	for _, i := range all {
		out.Sessions = append(out.Sessions, describe(i))
	}
	return out, nil
}

func createSession(c *Call) (any, error) {
	in := c.In.(*createIn)
	spec, err := c.service.spec(in)
	if err != nil {
		return nil, err
	}
	expires, err := c.service.expiry(in.TokenSeconds)
	if err != nil {
		return nil, err
	}
	i, err := c.service.m.Create(c.Ctx, spec)
	if errors.Is(err, fs.ErrExist) && in.Reuse && in.ID != "" {
		c.Status = http.StatusOK
		i, err = c.service.taken(c, spec, err)
	}
	if err != nil {
		return nil, managerError(err)
	}
	return createOut{describe(i), tokenOut{c.service.tokens.issue(i, expires), expires}}, nil
}

// taken is the session that is there already, awake, if it is what was asked for.
func (s *Service) taken(c *Call, spec session.Spec, exists error) (session.Info, error) {
	i, err := s.m.Get(spec.ID)
	if err != nil || i.Runtime != spec.Runtime || i.Tenant != spec.Tenant {
		return i, exists
	}
	u, err := s.m.Use(c.Ctx, spec.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return i, exists // it is being ended
	}
	if err != nil {
		return i, err
	}
	defer u.Done()
	if i = u.Info(); i.Runtime != spec.Runtime || i.Tenant != spec.Tenant {
		return i, exists
	}
	return i, nil
}

// spec is what a new session is made from.
func (s *Service) spec(in *createIn) (spec session.Spec, err error) {
	spec = session.Spec{ID: in.ID, Tenant: in.Tenant, Runtime: in.Runtime, Labels: in.Labels}
	if spec.Idle, err = ofSeconds("idle_seconds", in.IdleSeconds); err != nil {
		return spec, err
	}
	if spec.TTL, err = ofSeconds("ttl_seconds", in.TTLSeconds); err != nil {
		return spec, err
	}
	if spec.Limits, err = s.limits(in.Limits); err != nil {
		return spec, err
	}
	known := func(name string) bool {
		return slices.ContainsFunc(s.o.Runtimes, func(r RuntimeInfo) bool { return r.Name == name })
	}
	if spec.Runtime == "" && len(s.o.Runtimes) > 0 && !known("") {
		spec.Runtime = s.o.Runtimes[0].Name
	}
	if spec.Runtime != "" && !known(spec.Runtime) {
		return spec, invalid("there is no runtime of that name")
	}
	return spec, nil
}

func createToken(c *Call) (any, error) {
	expires, err := c.service.expiry(c.In.(*tokenIn).Seconds)
	if err != nil {
		return nil, err
	}
	return tokenOut{c.service.tokens.issue(c.Info, expires), expires}, nil
}

// expiry is when a token that is good for some seconds expires, or by default.
func (s *Service) expiry(seconds int64) (time.Time, error) {
	l := s.o.Limits
	d := l.TokenTime
	most := int64(maxSeconds)
	if l.MaxTokenTime >= 0 {
		most = int64(l.MaxTokenTime / time.Second)
	}
	if seconds < 0 || seconds > most {
		return time.Time{}, invalid("a token is good for 1 to %d seconds", most)
	}
	if seconds > 0 {
		d = time.Duration(seconds) * time.Second
	}
	if d < 0 {
		d = maxSeconds * time.Second
	}
	return time.Now().Add(d).UTC().Truncate(time.Second), nil
}
