package server

import (
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/session"
)

func TestSessionLimits(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		o.Limits.Session = session.Limits{FileBytes: 100, Commands: 2}
	})
	for _, wrong := range []map[string]any{
		{"file_bytes": 101}, {"file_bytes": -1}, {"commands": 3}, {"command_seconds": -1}, {"command_seconds": 1e300}, {"files": 1},
	} {
		f.want(400, "invalid", "POST", "/v1/sessions", master, map[string]any{"limits": wrong})
	}
	var made createOut
	f.want(201, "", "POST", "/v1/sessions", master, map[string]any{"id": "a", "limits": map[string]any{"write_bytes": 150, "command_seconds": 2.5}}).into(t, &made)
	want := limitsForm{FileBytes: 100, WriteBytes: 150, Commands: 2, CommandSeconds: 2.5}
	if made.Session.Limits == nil || *made.Session.Limits != want {
		t.Errorf("limits %+v", made.Session.Limits)
	}
	path := "/v1/sessions/a"
	f.want(413, "too_large", "PUT", path+"/files/large", made.Token, strings.NewReader(strings.Repeat("x", 101)))
	f.want(200, "", "PUT", path+"/files/f", made.Token, strings.NewReader(strings.Repeat("x", 100)))
	f.want(413, "too_large", "PUT", path+"/files/g", made.Token, strings.NewReader(strings.Repeat("x", 51)))
	f.want(404, "not_found", "GET", path+"/files/large", made.Token, nil)
	f.want(404, "not_found", "GET", path+"/files/g", made.Token, nil)
	f.want(204, "", "POST", path+"/sleep", made.Token, nil)
	f.want(413, "too_large", "PUT", path+"/files/large", made.Token, strings.NewReader(strings.Repeat("x", 101)))
	var now sessionOut
	f.want(200, "", "GET", path, made.Token, nil).into(t, &now)
	if now.Limits == nil || *now.Limits != want {
		t.Errorf("after a sleep: %+v", now.Limits)
	}
	var plain createOut
	f.want(201, "", "POST", "/v1/sessions", master, nil).into(t, &plain)
	if l := plain.Session.Limits; l == nil || *l != (limitsForm{FileBytes: 100, Commands: 2}) {
		t.Errorf("nothing asked for: %+v", l)
	}
}

func TestCommandTime(t *testing.T) {
	b := testroom.Jail(t)
	f := servingOn(t, &place{open: func() hutch.Backend { return b }}, nil, nil)
	var made createOut
	f.want(201, "", "POST", "/v1/sessions", master, map[string]any{"id": "timed", "limits": map[string]any{"command_seconds": 0.2}}).into(t, &made)
	for _, in := range []map[string]any{{"args": []string{"sleep", "100"}}, {"args": []string{"sleep", "100"}, "timeout_seconds": 100}} {
		var out execOut
		f.want(200, "", "POST", "/v1/sessions/timed/exec", made.Token, in).into(t, &out)
		if !out.TimedOut || out.ExitCode != 124 || out.DurationMS < 200 || out.DurationMS > float64(90*time.Second/time.Millisecond) {
			t.Errorf("%v: %+v", in, out)
		}
	}
}
