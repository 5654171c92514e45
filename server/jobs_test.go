package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/state"
)

// startedJob starts a job.
func (f *fixture) startedJob(path, token string, body any) jobOut {
	f.t.Helper()
	var out jobOut
	r := f.want(201, "", "POST", path+"/jobs", token, body)
	r.into(f.t, &out)
	if r.header.Get("Location") != path+"/jobs/"+out.ID {
		f.t.Errorf("Location: %q", r.header.Get("Location"))
	}
	return out
}

// output reads all that a job prints, in pieces.
func (f *fixture) output(path, token, id string) (printed map[string]string) {
	f.t.Helper()
	printed = map[string]string{}
	for after, running := int64(0), true; running; {
		var out outputOut
		f.want(200, "", "GET", fmt.Sprintf("%s/jobs/%s/output?after=%d&wait_seconds=60", path, id, after), token, nil).into(f.t, &out)
		for _, p := range out.Pieces {
			printed[p.Stream] += p.Text + string(p.B64)
		}
		after, running = out.Cursor, out.Running
	}
	return printed
}

func TestJobInJail(t *testing.T) {
	f, path, token := one(t, testroom.Jail(t), nil)
	j := f.startedJob(path, token, `{"script":"trap 'echo caught; exit 3' TERM; echo ready; read a; printf '\\377' >&2; echo got $a; while :; do sleep 0.05; done","env":{"SECRET_TOKEN":"0123456789"}}`)
	if !j.Running || j.ExitCode != nil || !j.Ended.IsZero() {
		t.Errorf("%+v", j)
	}
	s := f.open(t.Context(), "GET", path+"/jobs/"+j.ID+"/output", token, nil)
	s.until("ready")
	f.want(204, "", "POST", path+"/jobs/"+j.ID+"/stdin?close=true", token, "a line\n")
	s.until("got a line")
	f.want(409, "closed", "POST", path+"/jobs/"+j.ID+"/stdin", token, "more")
	f.want(422, "unsupported", "POST", path+"/jobs/"+j.ID+"/signal", token, `{"signal":"SIGNOTHING"}`)
	f.want(204, "", "POST", path+"/jobs/"+j.ID+"/signal", token, `{"signal":"TERM"}`)
	if _, last := s.all(); last.event != "end" || !strings.Contains(last.data, `"exit_code":3`) || !strings.Contains(last.data, `"running":false`) {
		t.Errorf("%+v", last)
	}
	f.want(200, "", "GET", path+"/jobs/"+j.ID, token, nil).into(t, &j)
	if j.Running || j.ExitCode == nil || *j.ExitCode != 3 || j.Ended.Before(j.Started) || j.StdoutBytes != 24 || j.StderrBytes == 0 {
		t.Errorf("%+v", j)
	}
	if p := f.output(path, token, j.ID); p["stdout"] != "ready\ngot a line\ncaught\n" || !strings.HasPrefix(p["stderr"], "\xff") {
		t.Errorf("%q", p)
	}
	f.want(409, "ended", "POST", path+"/jobs/"+j.ID+"/signal", token, `{"signal":"SIGTERM"}`)
	f.want(409, "ended", "POST", path+"/jobs/"+j.ID+"/stdin", token, "x")
	f.want(400, "invalid", "GET", path+"/jobs/"+j.ID+"/output?after=1000", token, nil)
	for _, id := range []string{"bg_9" + j.ID[4:], "bg_1", "x", "bg_1-00000000"} {
		f.want(404, "not_found", "GET", path+"/jobs/"+id, token, nil)
		f.want(404, "not_found", "GET", path+"/jobs/"+id+"/output", token, nil)
		f.want(404, "not_found", "DELETE", path+"/jobs/"+id, token, nil)
		f.want(404, "not_found", "POST", path+"/jobs/"+id+"/stdin", token, "x")
	}
	j = f.startedJob(path, token, `{"args":["no-such-program"]}`)
	f.output(path, token, j.ID)
	f.want(200, "", "GET", path+"/jobs/"+j.ID, token, nil).into(t, &j)
	if j.ExitCode != nil || !strings.Contains(j.Error, "no program") {
		t.Errorf("%+v", j)
	}
	if j = f.startedJob(path, token, `{"args":["cat"],"stdin":"all of it"}`); f.output(path, token, j.ID)["stdout"] != "all of it" {
		t.Error("stdin of the start is lost")
	}
	var all jobsOut
	if f.want(200, "", "GET", path+"/jobs", token, nil).into(t, &all); len(all.Jobs) != 3 {
		t.Errorf("%+v", all)
	}
}

// TestJobsHoldTheSession wants a session neither asleep nor ended by age while a
// job runs, and no job left when the session is ended or the service closes.
func TestJobsHoldTheSession(t *testing.T) {
	b := programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		if cmd.Args[0] == "once" {
			return hutch.Result{}, nil
		}
		<-ctx.Done()
		return hutch.Result{}, ctx.Err()
	}}
	f, path, token := one(t, b, nil)
	j := f.startedJob(path, token, `{"args":["wait"]}`)
	var s sessionOut
	if f.want(200, "", "GET", path, token, nil).into(t, &s); s.Uses != 1 {
		t.Errorf("%d uses", s.Uses)
	}
	f.want(409, "busy", "POST", path+"/sleep", token, nil)
	var u usageOut
	if f.want(200, "", "GET", path+"/usage", token, nil).into(t, &u); u.JobsRunning != 1 || u.CommandsRunning > 1 {
		t.Errorf("%+v", u)
	}
	f.want(200, "", "DELETE", path+"/jobs/"+j.ID, token, nil).into(t, &j)
	if j.Running || j.Error != "killed" || j.ExitCode != nil {
		t.Errorf("%+v", j)
	}
	for f.do("POST", path+"/sleep", token, nil).status == 409 { // its guard lets go a moment later
		if t.Context().Err() != nil {
			t.Fatal("it stays in use")
		}
	}
	var all jobsOut
	if f.want(200, "", "GET", path+"/jobs", token, nil).into(t, &all); all.Jobs == nil {
		t.Errorf("%+v", all)
	}
	if f.want(200, "", "GET", path, token, nil).into(t, &s); s.State != "asleep" {
		t.Errorf("asking for jobs woke it: %s", s.State)
	}
	path, token = f.create("b")
	j2 := f.startedJob(path, token, `{"args":["wait"]}`)
	if j2.ID == j.ID {
		t.Errorf("two jobs have the id %s", j.ID)
	}
	follower := f.open(t.Context(), "GET", path+"/jobs/"+j2.ID+"/output", token, nil)
	f.want(204, "", "DELETE", path, token, nil)
	if _, last := follower.all(); last.event != "end" || !strings.Contains(last.data, "killed") {
		t.Errorf("the follower of a session that was ended: %+v", last)
	}
	path, token = f.create("c")
	f.startedJob(path, token, `{"args":["wait"]}`)
	if err := f.s.Close(); err != nil {
		t.Error(err)
	}
	if i, err := f.m.Get("c"); err != nil || i.Uses != 0 {
		t.Errorf("after Close: %+v, %v", i, err)
	}
}

func TestTooManyJobs(t *testing.T) {
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, _ *hutch.Cmd) (hutch.Result, error) {
		<-ctx.Done()
		return hutch.Result{}, ctx.Err()
	}}, nil)
	for range job.DefaultRunning {
		f.startedJob(path, token, `{"args":["wait"]}`)
	}
	if r := f.want(429, "too_many", "POST", path+"/jobs", token, `{"args":["wait"]}`); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	f.want(413, "too_large", "POST", path+"/jobs", token, map[string]any{"args": []string{"a"}, "stdin": strings.Repeat("x", maxStdin+1)})
	var s sessionOut
	if f.want(200, "", "GET", path, token, nil).into(t, &s); s.Uses != job.DefaultRunning {
		t.Errorf("%d uses", s.Uses)
	}
}

// TestOutputResumed wants a stream of output go on where it broke off.
func TestOutputResumed(t *testing.T) {
	b := programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for i := range 4000 {
			w := cmd.Stdout
			if i%3 == 0 {
				w = cmd.Stderr
			}
			fmt.Fprintf(w, "%d€ and much more of it, so that not all fits at once\n", i)
		}
		return hutch.Result{}, nil
	}}
	f, path, token := one(t, b, nil)
	j := f.startedJob(path, token, `{"args":["a"]}`)
	whole := f.output(path, token, j.ID)
	got, last := map[string]string{}, ""
	for end := false; !end; {
		ctx, cancel := context.WithCancel(t.Context())
		s := f.open(ctx, "GET", path+"/jobs/"+j.ID+"/output", token, nil, "Last-Event-ID", orDefault(last, "0"))
		for range 200 {
			m, ok := s.next()
			if end = end || m.event == "end" || !ok; end {
				break
			}
			var p pieceOut
			_ = json.Unmarshal([]byte(m.data), &p)
			got[m.event] += p.Text
			last = m.id
		}
		cancel()
		s.a.Body.Close()
	}
	if got["stdout"] != whole["stdout"] || got["stderr"] != whole["stderr"] || len(whole["stdout"]) < 150_000 {
		t.Errorf("%d and %d bytes; want %d and %d", len(got["stdout"]), len(got["stderr"]), len(whole["stdout"]), len(whole["stderr"]))
	}
	f.want(400, "invalid", "GET", path+"/jobs/"+j.ID+"/output", token, nil, "Last-Event-ID", "x")
}

// TestInputCut wants the input of a job not ended by a body that was cut short.
func TestInputCut(t *testing.T) {
	read := make(chan string, 100)
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		b, _ := io.ReadAll(cmd.Stdin)
		read <- string(b)
		return hutch.Result{}, nil
	}}, nil)
	j := f.startedJob(path, token, `{"args":["cat"]}`)
	at := path + "/jobs/" + j.ID + "/stdin?close=true"
	f.spoken(true, "POST "+at+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\nContent-Length: 10\r\n\r\nfive.")
	f.want(200, "", "GET", path+"/jobs/"+j.ID, token, nil).into(t, &j)
	if !j.Running {
		t.Error("a body that was cut short has ended the input")
	}
	f.want(204, "", "POST", at, token, "!")
	if got := <-read; got != "five.!" {
		t.Errorf("it read %q", got)
	}
}

// TestWaitingEnds wants who waits for output or events sent away when the service
// takes no further requests.
func TestWaitingEnds(t *testing.T) {
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		<-ctx.Done()
		return hutch.Result{}, ctx.Err()
	}}, nil)
	j := f.startedJob(path, token, `{"args":["wait"]}`)
	s := []*stream{f.open(t.Context(), "GET", path+"/jobs/"+j.ID+"/output", token, nil), f.open(t.Context(), "GET", path+"/events", token, nil)}
	waiting := []<-chan reply{
		f.inBackground(f.request("GET", path+"/jobs/"+j.ID+"/output?wait_seconds=60", token, nil)),
		f.inBackground(f.request("GET", path+"/events?after=0&wait_seconds=60", token, nil)),
	}
	for f.underWay() < 4 {
		if t.Context().Err() != nil {
			t.Fatal("they never came")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	if err := f.s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for _, w := range waiting {
		if r := <-w; r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	for _, x := range s {
		if _, last := x.all(); last.event == "error" {
			t.Errorf("%+v", last)
		}
	}
}

// underWay is how many requests of sessions there are.
func (f *fixture) underWay() int {
	f.s.gate.mu.Lock()
	defer f.s.gate.mu.Unlock()
	return f.s.gate.all
}
