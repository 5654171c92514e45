//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/remote"
)

// api is a service as its clients see it.
type api struct {
	t          *testing.T
	url, token string
}

// call asks, wants a status and decodes the answer into out if it is not nil.
func (a api) call(method, path string, in any, want int, out any) {
	a.t.Helper()
	body, _ := json.Marshal(in)
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if in == nil {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		a.t.Fatalf("%s %s: %s %s, want %d", method, path, resp.Status, data, want)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			a.t.Fatalf("%s: %v", data, err)
		}
	}
}

type madeSession struct {
	Session struct{ ID, State string }
	Token   string
}

// wired is a session over the wire.
func (a api) wired(id, token string) *remote.Backend {
	a.t.Helper()
	b, err := remote.Dial(a.t.Context(), a.url+"/v1/sessions/"+id+"/wire", &remote.Options{Token: token})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { b.Close() })
	return b
}

// killed ends a service in a way it cannot see coming.
func killed(t *testing.T, cmd interface{ Wait() error }, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

// Sessions, their files and their tokens outlive a service that is killed.
func TestServiceKilled(t *testing.T) {
	data := t.TempDir()
	env := []string{"HUTCH_TOKEN=" + serviceToken}
	args := []string{"--addr", "127.0.0.1:0", "--data", data, "--only-sessions"}
	runtimes := []string{"local"}
	if err := noDocker(); err == nil {
		runtimes = append(runtimes, dockImage)
	} else if need.Required("docker") {
		t.Fatal(err)
	}
	args = append(args, "--runtimes", strings.Join(runtimes, ","))
	cmd, said := served(t, t.TempDir(), env, args...)
	a := api{t, said.URL, serviceToken}
	sessions := map[string]madeSession{}
	for _, r := range runtimes {
		var made madeSession
		a.call("POST", "/v1/sessions", map[string]any{"runtime": r, "tenant": "me"}, 201, &made)
		testroom.Put(t, a.wired(made.Session.ID, made.Token), "kept", r)
		sessions[r] = made
	}
	killed(t, cmd, cmd.Process)

	cmd, said = served(t, t.TempDir(), env, args...)
	a.url = said.URL
	for r, made := range sessions {
		b := a.wired(made.Session.ID, made.Token)
		testroom.Want(t, b, "kept", r)
		x, _ := hutch.As[hutch.Execer](b)
		res, err := x.Exec(t.Context(), hutch.Shell("grep -q . kept && exit 7"))
		if err != nil || res.ExitCode != 7 {
			t.Errorf("%s: %+v, %v", r, res, err)
		}
		a.call("DELETE", "/v1/sessions/"+made.Session.ID, nil, 204, nil)
		a.call("GET", "/v1/sessions/"+made.Session.ID, nil, 404, nil)
	}
	wantEnd(t, cmd)
	for _, dir := range []string{"local", "docker", "sessions"} {
		if left, _ := filepath.Glob(filepath.Join(data, dir, "[!.]*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// A command of a service that is killed is gone, also where nobody waits for it.
func TestServiceKilledCommand(t *testing.T) {
	dir, mark := t.TempDir(), fmt.Sprint(1<<30+rand.Uint32())
	cmd, said := served(t, dir, []string{"HUTCH_TOKEN=" + serviceToken}, "--addr", "127.0.0.1:0")
	a := api{t, said.URL, serviceToken}
	b := a.wired("main", serviceToken)
	x, _ := hutch.As[hutch.Execer](b)
	go func() { _, _ = x.Exec(t.Context(), hutch.Shell("echo $$ > started; exec sleep "+mark)) }()
	eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "started")); return err == nil })
	killed(t, cmd, cmd.Process)
	eventually(t, func() bool { return len(running(t, mark)) == 0 })
}

// The workspace that was named is never removed.
func TestServiceMain(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	testFile := filepath.Join(dir, "mine")
	if err := os.WriteFile(testFile, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"HUTCH_TOKEN=" + serviceToken}
	cmd, said := served(t, dir, env, "--addr", "127.0.0.1:0", "--data", data)
	a := api{t, said.URL, serviceToken}
	testroom.Want(t, a.wired("main", serviceToken), "mine", "mine")
	a.call("POST", "/v1/sessions", map[string]any{"runtime": "main"}, 400, nil)
	a.call("DELETE", "/v1/sessions/main", nil, 204, nil)
	if got, err := os.ReadFile(testFile); err != nil || string(got) != "mine" {
		t.Fatalf("%q, %v", got, err)
	}
	wantEnd(t, cmd)
	cmd, said = served(t, dir, env, "--addr", "127.0.0.1:0", "--data", data, "--only-sessions")
	a.url = said.URL
	a.call("GET", "/v1/sessions/main", nil, 404, nil)
	wantEnd(t, cmd)
}

// Two services do not share a folder.
func TestServiceAlone(t *testing.T) {
	data := t.TempDir()
	cmd, _ := served(t, t.TempDir(), []string{"HUTCH_TOKEN=" + serviceToken}, "--addr", "127.0.0.1:0", "--data", data)
	other := program(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0", "--data", data)
	out, err := other.CombinedOutput()
	if exitStatus(t, err) != 1 || !strings.Contains(string(out), "another hutch serve has its sessions there") {
		t.Errorf("%v: %s", err, out)
	}
	wantEnd(t, cmd)
}

// A collector gets the spans of requests, by the JSON form of OTLP.
func TestServiceTraces(t *testing.T) {
	type body struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					Name, TraceID, SpanID, ParentSpanID, StartTimeUnixNano, EndTimeUnixNano string
					Kind                                                                    int
				}
			}
		}
	}
	got := make(chan body, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b body
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got <- b
	}))
	defer collector.Close()
	cmd, said := served(t, t.TempDir(), []string{"HUTCH_TOKEN=" + serviceToken}, "--addr", "127.0.0.1:0", "--otlp", collector.URL)
	a := api{t, said.URL, serviceToken}
	a.call("GET", "/v1/sessions/main", nil, 200, nil)
	wantEnd(t, cmd)
	b := <-got
	span := b.ResourceSpans[0].ScopeSpans[0].Spans[0]
	if span.Name != "GET /v1/sessions/{id}" || span.Kind != 2 || len(span.TraceID) != 32 || len(span.SpanID) != 16 || span.StartTimeUnixNano >= span.EndTimeUnixNano {
		t.Errorf("%+v", span)
	}
}

func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}
