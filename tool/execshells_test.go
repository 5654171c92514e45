package tool_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/tool"
)

// says checks the text of an answer.
func (c *bench) says(want, name string, in args) {
	c.Helper()
	if r := c.call(name, in); r.Text != want {
		c.Errorf("%s %v: %q, want %q", name, in, r.Text, want)
	}
}

func TestShells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(map[string]script{
			"serve": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				io.WriteString(cmd.Stdout, "listening\n")
				io.WriteString(cmd.Stderr, "warning\n")
				if _, err := io.Copy(io.Discard, cmd.Stdin); err != nil { // there is nothing to read
					return hutch.Result{}, err
				}
				time.Sleep(10 * time.Second)
				io.WriteString(cmd.Stdout, "request\n")
				<-ctx.Done()
				return hutch.Result{}, ctx.Err()
			},
			"build": says("done\n", "", 2),
			"pwd":   func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) { return says(cmd.Dir, "", 0)(nil, cmd) },
		})
		put(t, b, "src/a.go", "package a")
		c := console(t, b, nil)
		out := func(id string) args { return args{"shell_id": id} }
		c.says("No background shells.", "list_shells", args{})
		c.says(`Started background shell bg_1. See what it prints with read_output(shell_id="bg_1"), end it with kill_shell(shell_id="bg_1").`, "run_in_background", args{"command": "serve"})
		synctest.Wait()
		c.says("[bg_1] running\nlistening\nwarning\n", "read_output", out("bg_1"))
		c.says("[bg_1] running\n(no new output)", "read_output", out("bg_1"))
		c.says("[bg_1] running\nwarning\n", "read_output", args{"shell_id": "bg_1", "stream": "stderr"})
		c.says("[bg_1] running\n(no new output)", "read_output", args{"shell_id": "bg_1", "stream": "stderr", "wait": 2})
		c.says("[bg_1] running\nrequest\n", "read_output", args{"shell_id": "bg_1", "wait": 600})
		if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); took != 10*time.Second+200*time.Millisecond {
			t.Errorf("waited for %v", took)
		}
		c.says("[bg_1] running\nning\nwarning\nrequest\n", "read_output", args{"shell_id": "bg_1", "cursor": 5})
		c.says("[bg_1] running\nlistening\nrequest\n", "read_output", args{"shell_id": "bg_1", "stream": "stdout"})
		c.fails("read_output", args{"shell_id": "bg_1", "cursor": 1000}, "`cursor` 1000 is beyond the end of the output, which is at 26.")

		c.ok("run_in_background", args{"command": "build"})
		c.ok("run_in_background", args{"command": "pwd", "cwd": "src"})
		c.says("[bg_3] exited (code 0)\nsrc", "read_output", args{"shell_id": "bg_3", "wait": 1})
		r := c.call("read_output", args{"shell_id": "bg_2"})
		if d := data(t, r); r.Text != "[bg_2] exited (code 2)\ndone\n" || r.Failed || d["exit_code"] != 2. || d["running"] != false {
			t.Errorf("%q, %v", r.Text, d)
		}
		c.says("bg_1  running  10s  26 bytes  serve\nbg_2  exited (code 2)  0s  5 bytes  build\nbg_3  exited (code 0)  0s  3 bytes  pwd", "list_shells", args{})
		c.says("Killed background shell bg_1", "kill_shell", out("bg_1"))
		c.says("Background shell bg_1 had ended already: killed", "kill_shell", out("bg_1"))
		c.says("Background shell bg_2 had ended already: exited (code 2)", "kill_shell", out("bg_2"))
		c.says("[bg_1] killed\n(no new output)", "read_output", out("bg_1"))
		for _, name := range []string{"read_output", "kill_shell"} {
			c.fails(name, out("bg_9"), "Error: No such background shell: bg_9.")
			c.fails(name, args{}, "`shell_id` is missing")
		}
		c.fails("run_in_background", args{"command": ""}, "is empty")
		c.fails("run_in_background", args{"command": "pwd", "cwd": "none"}, "not found")
		c.call("run_in_background", args{"command": "unknown"})
		c.says("[bg_4] failed (There is no sh in this workspace to run commands with)\n(no new output)", "read_output", args{"shell_id": "bg_4", "wait": 1})
	})
}

// TestShared: who shares jobs has a place of its own in their output.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(map[string]script{"p": says("hello\n", "", 0), "sleep": lasts("", time.Hour)})
		jobs, err := job.New(b, &job.Options{Running: 1})
		if err != nil {
			t.Fatal(err)
		}
		one, two := console(t, b, &tool.Options{Jobs: jobs}), console(t, b, &tool.Options{Jobs: jobs})
		one.ok("run_in_background", args{"command": "p"})
		for _, c := range []*bench{one, two} {
			c.says("[bg_1] exited (code 0)\nhello\n", "read_output", args{"shell_id": "bg_1", "wait": 1})
			c.says("[bg_1] exited (code 0)\n(no new output)", "read_output", args{"shell_id": "bg_1"})
		}
		two.ok("run_in_background", args{"command": "sleep"})
		one.fails("run_in_background", args{"command": "sleep"}, "As many background shells as there may be are running.")
		b.close()
		one.says("[bg_2] ended with the workspace\n(no new output)", "read_output", args{"shell_id": "bg_2", "wait": 1})
		jobs.Close()
		if _, err := one.try(t.Context(), "run_in_background", args{"command": "p"}); !errors.Is(err, hutch.ErrClosed) {
			t.Errorf("after the jobs were closed: %v", err)
		}
	})
}

// TestMuchNews: of a lot of new output the newest is shown, and the rest can be
// read; what is gone is said to be.
func TestMuchNews(t *testing.T) {
	all := numbers(20_000) // 200 000 bytes
	b := newBox(map[string]script{"p": says(all, "", 0), "huge": says(numbers(400_000), "", 0)})
	jobs, err := job.New(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	fresh := console(t, b, &tool.Options{Jobs: jobs})
	fresh.ok("run_in_background", args{"command": "p"})
	jobs.Wait(t.Context(), "bg_1")
	fresh.call("read_output", args{"shell_id": "bg_1", "cursor": 0})
	r := fresh.call("read_output", args{"shell_id": "bg_1"})
	if want := "[bg_1] exited (code 0)\n... (100000 bytes skipped; cursor=50000 reads on from there) ...\n" + all[150_000:]; r.Text != want {
		t.Errorf("%.200q", r.Text)
	}
	if d := data(t, r); d["skipped"] != 100_000. || d["cursor"] != 200_000. || d["more"] != false {
		t.Errorf("%v", d)
	}
	r = fresh.call("read_output", args{"shell_id": "bg_1", "cursor": 50_000})
	if want := "[bg_1] exited (code 0)\n" + all[50_000:100_000] + "\n... (there is more: read_output again, or with cursor=100000)"; r.Text != want {
		t.Errorf("%.200q", r.Text)
	}
	small, err := job.New(b, &job.Options{Memory: 64 << 10, Spill: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	c := console(t, b, &tool.Options{Jobs: small})
	c.ok("run_in_background", args{"command": "huge"})
	small.Wait(t.Context(), "bg_1")
	r = c.call("read_output", args{"shell_id": "bg_1", "cursor": 0})
	if !strings.Contains(r.Text, "bytes are no longer kept) ...\n") || data(t, r)["gone"].(float64) < 3_000_000 {
		t.Errorf("%.200q", r.Text)
	}
}

// TestSpilledShell: what is not in memory any more is in files that are named.
func TestSpilledShell(t *testing.T) {
	all := numbers(400_000)
	b := newBox(map[string]script{"p": says(all, "", 0)})
	jobs, err := job.New(b, &job.Options{Memory: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	c := console(t, b, &tool.Options{Jobs: jobs})
	c.ok("run_in_background", args{"command": "p"})
	jobs.Wait(t.Context(), "bg_1")
	r := c.call("read_output", args{"shell_id": "bg_1"})
	files := data(t, r)["files"].([]any)
	if len(files) < 3 || !strings.HasPrefix(files[0].(string), "/workspace/.hutch/out/bg_1-") || !strings.Contains(r.Text, ", or search "+files[len(files)-1].(string)+" and ") {
		t.Errorf("%v, %.300q", files, r.Text)
	}
	r = c.call("read_output", args{"shell_id": "bg_1", "cursor": 1000})
	if !strings.HasPrefix(r.Text, "[bg_1] exited (code 0)\n"+all[1000:51_000]+"\n...") {
		t.Errorf("%.200q", r.Text)
	}
}

// TestApproval: a command in the background answers when it was allowed, or not.
func TestApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan error)
		ran := 0
		b := newBox(map[string]script{"p": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			ran++
			return lasts("hello\n", time.Hour)(ctx, cmd)
		}})
		g := guarded(t, b, check{outlook: map[guard.Op]guard.Outlook{guard.Execute: guard.Asked}, decide: func(ctx context.Context, r *guard.Request) error {
			if r.Op != guard.Execute {
				return nil
			}
			select {
			case err := <-answer:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		c := console(t, g, nil)
		reply := func(err error) { time.Sleep(time.Minute); answer <- err }
		began := time.Now()
		go reply(nil)
		if r := c.call("run_in_background", args{"command": "p"}); r.Failed || time.Since(began) != time.Minute {
			t.Errorf("allowed: %+v after %v", r, time.Since(began))
		}
		go reply(&guard.Refusal{Text: "The user said no."})
		if r := c.call("run_in_background", args{"command": "p"}); !r.Failed || r.Text != "The user said no." {
			t.Errorf("refused: %+v", r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r, err := c.try(ctx, "run_in_background", args{"command": "p"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled while somebody is asked: %+v, %v", r, err)
		}
		synctest.Wait()
		if ran != 1 {
			t.Errorf("%d commands ran", ran)
		}
		c.says("[bg_1] running\nhello\n", "read_output", args{"shell_id": "bg_1"})
		c.ok("kill_shell", args{"shell_id": "bg_1"})
	})
}
