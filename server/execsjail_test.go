package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/testroom"
)

// alive counts processes of this machine with mark in their arguments.
func alive(t testing.TB, mark string) (n int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if args, err := os.ReadFile(file); err == nil && bytes.HasPrefix(args, []byte("sleep\x00"+mark)) {
			n++
		}
	}
	return n
}

// gone waits until no such process is left.
func gone(t testing.TB, mark string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); alive(t, mark) > 0; {
		if time.Now().After(end) {
			t.Fatalf("%d processes are left", alive(t, mark))
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

// TestClientGone wants the whole tree of a command gone with its client, and a
// detached one still there.
func TestClientGone(t *testing.T) {
	for _, kind := range []string{"text/event-stream", "application/json"} {
		f, path, token := one(t, testroom.Jail(t), nil)
		mark := fmt.Sprint(40000000 + time.Now().UnixNano()%1e6)
		script := fmt.Sprintf("sleep %s1 & (setsid sleep %s2 &) & sh -c 'nohup sleep %s3 >/dev/null 2>&1 & wait' & ", mark, mark, mark)
		var job jobOut
		f.want(201, "", "POST", path+"/exec", token, map[string]any{"script": "sleep 5" + mark, "detach": true}).into(t, &job)
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() {
			q := f.request("POST", path+"/exec", token, map[string]any{"script": script + "touch started; wait", "stdin": "x"}, "Accept", kind).WithContext(ctx)
			if a, err := f.plain.Do(q); err == nil {
				_, _ = io.Copy(io.Discard, a.Body)
				a.Body.Close()
			}
		})
		for alive(t, mark) < 3 {
			if t.Context().Err() != nil {
				t.Fatal("it never started")
			}
		}
		cancel()
		done.Wait()
		gone(t, mark)
		for alive(t, "5"+mark) == 0 {
			if f.want(200, "", "GET", path+"/jobs/"+job.ID, token, nil).into(t, &job); !job.Running {
				t.Fatalf("the job ended with the client of another command: %+v", job)
			}
		}
		f.want(204, "", "DELETE", path, token, nil)
		gone(t, "5"+mark)
	}
}

func TestExecInJail(t *testing.T) {
	f, path, token := one(t, testroom.Jail(t), nil)
	var out execOut
	f.want(200, "", "PUT", path+"/files/dir/in", token, "from http")
	f.want(200, "", "POST", path+"/exec", token, `{"script":"cat in; pwd; cat; echo $K >&2; echo made > made; exit 7","dir":"/workspace/dir","env":{"K":"v"},"stdin":"piped"}`).into(t, &out)
	if out.ExitCode != 7 || out.Stdout != "from http/workspace/dir\npiped" || out.Stderr != "v\n" {
		t.Errorf("%+v", out)
	}
	if r := f.do("GET", path+"/files/dir/made", token, nil); string(r.body) != "made\n" {
		t.Errorf("what a command wrote: %q", r.body)
	}
	f.want(200, "", "POST", path+"/exec", token, `{"script":"echo before; sleep 1000","timeout_seconds":0.3}`).into(t, &out)
	if !out.TimedOut || out.ExitCode != 124 || out.Stdout != "before\n" {
		t.Errorf("after a timeout: %+v", out)
	}
	f.want(422, "no_program", "POST", path+"/exec", token, `{"args":["no-such-program"]}`)
	f.want(404, "not_found", "POST", path+"/exec", token, `{"script":"a","dir":"nowhere"}`)
	f.want(409, "not_dir", "POST", path+"/exec", token, `{"script":"a","dir":"dir/in"}`)
	printed, last := f.open(t.Context(), "POST", path+"/exec", token, `{"script":"echo a; sleep 1000","timeout_seconds":0.3}`).all()
	if printed["stdout"] != "a\n" || last.event != "result" || !strings.Contains(last.data, `"timed_out":true`) {
		t.Errorf("%q %+v", printed, last)
	}
}

// TestManyClients has clients beside each other, each with a session of its own or
// the same, and wants every answer right.
func TestManyClients(t *testing.T) {
	b := testroom.Jail(t)
	f, path, token := one(t, b, nil)
	f.plain.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			name, text := fmt.Sprintf("%s/files/f%d", path, i), fmt.Sprintf("client %d", i)
			f.want(200, "", "PUT", name, token, text)
			var out execOut
			f.want(200, "", "POST", path+"/exec", token, map[string]any{"args": []string{"cat", fmt.Sprintf("f%d", i)}}).into(t, &out)
			if r := f.want(200, "", "GET", name, token, nil); string(r.body) != text || out.Stdout != text {
				t.Errorf("%s: %q, %q", text, r.body, out.Stdout)
			}
		})
	}
	all.Wait()
	var u usageOut
	f.want(200, "", "GET", path+"/usage?files=true", token, nil).into(t, &u)
	if u.Commands != 64 || u.CommandsRunning != 0 || u.Requests != 192 || u.BytesRead != u.BytesWritten || u.BytesRead == 0 || *u.Files != 64 || *u.Bytes != u.BytesRead {
		t.Errorf("%+v", u)
	}
}
