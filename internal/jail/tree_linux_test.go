//go:build amd64 || arm64

package jail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// marker is an argument by which the processes of a test are found on the host: a number that nobody else sleeps for.
func marker() string { return fmt.Sprintf("4%d", time.Now().UnixNano()%1e9) }

// survivors are scripts that leave processes behind; M is the marker.
var survivors = map[string]string{
	"background":  `sleep M & echo started`,
	"session":     `setsid sleep M & echo started`,
	"double fork": `(setsid sh -c '(sleep M &) ; exit 0' &) ; sleep 0.1; echo started`,
	"trap":        `setsid sh -c 'trap "" TERM INT HUP; sleep M; sleep M' & echo started`,
	"no output":   `setsid sleep M >/dev/null 2>&1 </dev/null & echo started`,
	"nohup":       `nohup sleep M >/dev/null 2>&1 & echo started`,
	"stopped":     `setsid sleep M & kill -STOP $!; echo started`,
	"chain":       `sh -c "sh -c 'setsid sleep M & exit' & exit"; sleep 0.1; echo started`,
}

func TestSurvivors(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		for _, busy := range []bool{false, true} {
			stop := func() {}
			if busy { // another command, which must live on
				var ctx context.Context
				ctx, stop = context.WithCancel(context.Background())
				go j.Run(ctx, &Command{Args: []string{"sleep", "50"}})
			}
			for name, script := range survivors {
				m := marker()
				o := runCommand(j, &Command{Args: []string{"sh", "-c", strings.ReplaceAll(script, "M", m)}})
				if o.err != nil || o.ExitCode != 0 || o.out != "started\n" {
					t.Errorf("%s: %s", name, o)
				}
				if left := processesNamed(m); left != nil {
					t.Errorf("%s: %v live on", name, left)
				}
			}
			stop()
		}
	})
}

func TestSurvivorsOfTimeout(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		var wg sync.WaitGroup
		for name, script := range survivors {
			m := marker()
			wg.Go(func() {
				var o outcome
				for d := 400 * time.Millisecond; d < time.Minute && o.out == "" && o.err == nil; d *= 5 { // a busy machine may take long to begin
					o = runCommand(j, &Command{Args: []string{"sh", "-c", strings.ReplaceAll(script, "M", m) + "; sleep 40"}, Timeout: d})
				}
				if o.err != nil || !o.TimedOut || o.out != "started\n" {
					t.Errorf("%s: %s", name, o)
				}
				if left := processesNamed(m); left != nil {
					t.Errorf("%s: %v live on", name, left)
				}
			})
		}
		wg.Wait()
	})
}

func TestOthersLive(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		other := make(chan outcome)
		go func() {
			other <- runCommand(j, &Command{Args: []string{"sh", "-c", "setsid sh -c 'sleep 0.5; echo child; : > said' & until [ -e said ]; do sleep 0.1; done; echo leader"}})
		}()
		for range 3 {
			runCommand(j, &Command{Args: []string{"sh", "-c", "setsid sleep 60 & sleep 60"}, Timeout: 20 * time.Millisecond})
		}
		if o := <-other; o.err != nil || o.out != "child\nleader\n" {
			t.Errorf("%s", o)
		}
	})
}

// A shell gives up when it cannot fork; the bomb with a function leaves no shell that could.
var forkBombs = []string{
	`b() { b | b & }; b; sleep 30`,
	`while :; do sleep 30 & done`,
	`exec python3 -c 'import os\nwhile True: os.fork() or os.setsid()'`,
}

func TestForkBomb(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level, Limits: Limits{Processes: 100}})
		if l := layer(t, j, "process limit"); !l.OK {
			t.Skip(l.Missing) // see TestCensus
		}
		for _, bomb := range forkBombs {
			var most atomic.Int64
			ctx, stop := context.WithCancel(context.Background())
			var counting sync.WaitGroup
			counting.Go(func() {
				for ctx.Err() == nil {
					most.Store(max(most.Load(), int64(len(tagged(tagsOf(j))))))
					time.Sleep(10 * time.Millisecond)
				}
			})
			o := runCommand(j, &Command{Args: []string{"sh", "-c", bomb}, Timeout: time.Second})
			stop()
			counting.Wait()
			if o.err != nil || o.Duration > 10*time.Second {
				t.Errorf("status %+v error %v", o.Status, o.err)
			}
			if most.Load() > 430 {
				t.Errorf("there were %d processes", most.Load())
			}
			if left := tagged(tagsOf(j)); len(left) > 1 {
				t.Errorf("%d processes are left", len(left))
			}
		}
		run(t, j, "true")
	}, Capped, Isolated, Restricted)
}

// TestCensus: where neither a limit nor a control group bounds the processes of root, the helper counts.
func TestCensus(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the resource limit binds other users than root")
	}

	restrictedGroups = false
	defer func() { restrictedGroups = true }()
	ceiling := Restricted
	j := openJail(t, &Config{Least: Restricted, Ceiling: &ceiling, Limits: Limits{Processes: 100}})
	if l := layer(t, j, "process limit"); l.OK {
		t.Errorf("%+v claims too much", l)
	}
	if o := runCommand(j, &Command{Args: []string{"sh", "-c", "i=0; while [ $i -lt 3000 ]; do sleep 20 & i=$((i+1)); done; wait"}}); o.Signal != "SIGKILL" || o.Duration > 10*time.Second {
		t.Errorf("%s", o)
	}
	if left := tagged(tagsOf(j)); len(left) > 1 {
		t.Errorf("%d processes are left", len(left))
	}
	if o := runCommand(j, &Command{Args: []string{"sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait; echo fine"}}); o.out != "fine\n" {
		t.Errorf("%s", o)
	}
}

func tagsOf(j *Jail) (int64, int64) {
	tag := setupOf(j).tag
	return tag, tag + tagsPerJail
}

func TestLimits(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector in the helper maps more than there may be")
	}
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level, Limits: Limits{Memory: 256 << 20, FileSize: 1 << 20, OpenFiles: 64, CPU: time.Second}})
		moment := "" // until the limits hold
		if inside {
			moment = "sleep 0.3; "
		}
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", moment + "head -c 3000000 /dev/zero > big"}}); o.ExitCode == 0 {
			t.Error("a file of 3 MB")
		}
		if st, err := os.Stat(filepath.Join(dirOf(j), "big")); err != nil || st.Size() > 1<<20 {
			t.Errorf("%v %v", st, err)
		}
		if got := shell(t, j, moment+"ulimit -n"); got != "64\n" {
			t.Errorf("open files: %q", got)
		}
		if level == Isolated { // it takes a second
			if o := runCommand(j, &Command{Args: []string{"sh", "-c", "while :; do :; done"}}); o.Signal != "SIGXCPU" && o.Signal != "SIGKILL" {
				t.Errorf("processor time: %s", o)
			}
		}
		o := runCommand(j, &Command{Args: []string{"sh", "-c", moment + "head -c 400M /dev/zero | tail -c 400M | wc -c"}})
		if strings.TrimSpace(o.out) == "419430400" {
			t.Errorf("a process of 400 MiB: %s", o)
		}
		o = runCommand(j, &Command{Args: []string{"sh", "-c", "sleep 0.2; ulimit -n; ulimit -f; ulimit -t"}, Limits: Limits{OpenFiles: 10, FileSize: 512, CPU: 100 * time.Second}})
		if o.out != "10\n1\n1\n" {
			t.Errorf("tighter limits: %s", o)
		}
		run(t, j, "true")
	}, Capped, Isolated, Restricted)
}

// TestLimitsOfTheFirst: what a command starts at once, while its limits are on their way.
func TestLimitsOfTheFirst(t *testing.T) {
	ceiling := Isolated
	j := openJail(t, &Config{Least: Isolated, Ceiling: &ceiling, Limits: Limits{CPU: 50 * time.Second}})
	want := "sh -c 'sleep 0.3; ulimit -t' & "
	for range 3 {
		o := runCommand(j, &Command{Args: []string{"sh", "-c", strings.Repeat(want, 5) + "wait"}})
		if o.out != strings.Repeat("50\n", 5) {
			t.Errorf("%s", o)
		}
	}
}

// TestMemoryBomb: many processes, each of them within its own limit.
func TestMemoryBomb(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector in the helper takes more than there may be")
	}
	j := openJail(t, &Config{Least: Capped, Limits: Limits{Memory: 128 << 20}})
	o := runCommand(j, &Command{Args: []string{"sh", "-c", "for i in 1 2 3 4 5 6; do head -c 60M /dev/zero | tail -c 60M | (sleep 1; wc -c) & done; wait"}})
	if strings.Count(o.out, "62914560") == 6 {
		t.Errorf("360 MiB at once: %s", o)
	}
	o = runCommand(j, &Command{Args: []string{"sh", "-c", "head -c 500M /dev/zero > /tmp/big; stat -c %s /tmp/big"}})
	if n, _ := strconv.Atoi(strings.TrimSpace(o.out)); n > 128<<20 {
		t.Errorf("500 MB of temporary files: %s", o)
	}
	run(t, j, "true")
}

func TestHelperKilled(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level, Protect: []string{".git/config"}})
		m := marker()
		time.AfterFunc(300*time.Millisecond, func() { _ = j.engine.(*link).proc.Kill() })
		began := time.Now()
		o := runCommand(j, &Command{Args: []string{"sh", "-c", "setsid sleep " + m + " & sleep " + m}})
		if !errors.Is(o.err, ErrGone) || time.Since(began) > 30*time.Second {
			t.Errorf("%s after %s", o, time.Since(began))
		}
		if o := runCommand(j, &Command{Args: []string{"true"}}); !errors.Is(o.err, ErrGone) {
			t.Errorf("afterwards: %s", o)
		}
		eventually(t, "all dead", func() bool { return processesNamed(m) == nil })
		j.Close()
		gone(t, j)
	})
}

// gone checks that nothing of a jail is left.
func gone(t *testing.T, j *Jail) {
	t.Helper()
	s := j.engine.(*link).setup
	if s.private != "" {
		if _, err := os.Lstat(s.private); err == nil {
			t.Errorf("the private folder is left")
		}
	}
	if g := j.engine.(*link).group; g != nil {
		for _, dir := range g.dirs {
			if _, err := os.Lstat(dir); err == nil {
				t.Errorf("a control group is left")
			}
		}
	}
	if _, err := os.Lstat(filepath.Join(s.dir, ".git")); err == nil {
		t.Errorf("a placeholder is left")
	}
}

// ownerMain opens a jail, tells what belongs to it, and waits to be killed.
func ownerMain(spec string) {
	level, dir, m := strings.Split(spec, ",")[0], strings.Split(spec, ",")[1], strings.Split(spec, ",")[2]
	least, _ := ParseLevel(level)
	j, err := Start(context.Background(), &Config{Dir: dir, Least: least, Ceiling: &least, Protect: []string{".git/config"}})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	l := j.engine.(*link)
	groups := ""
	if l.group != nil {
		groups = strings.Join(l.group.dirs, ":")
	}
	fmt.Printf("open,%s,%s\n", l.setup.private, groups)
	script := fmt.Sprintf("(setsid sleep %s &); mkdir -p $HOME/x; trap '' TERM; touch running; sleep %s", m, m)
	fmt.Println(j.Run(context.Background(), &Command{Args: []string{"sh", "-c", script}}))
}

func TestOwnerKilled(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		openJail(t, &Config{Least: level}).Close() // skips if the level cannot be had
		dir, m := t.TempDir(), marker()
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "OWNER="+level.String()+","+dir+","+m)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "running", func() bool { _, err := os.Stat(filepath.Join(dir, "running")); return err == nil })
		eventually(t, "three processes run", func() bool { return len(processesNamed(m)) >= 3 })
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		// The owner itself carried the marker in its environment only.
		eventually(t, "all dead", func() bool { return processesNamed(m) == nil })
		parts := strings.Split(strings.TrimSpace(out.String()), ",")
		if private := parts[1]; private != "" {
			eventually(t, "private folder gone", func() bool { _, err := os.Lstat(private); return err != nil })
		}
		for _, g := range strings.Split(parts[2], ":") {
			if g == "" {
				continue
			}
			old := time.Now().Add(-time.Minute)
			_ = os.Chtimes(g, old, old)
			sweepCgroups(filepath.Dir(g))
			eventually(t, "control group gone", func() bool { sweepCgroups(filepath.Dir(g)); _, err := os.Lstat(g); return err != nil })
		}
		openJail(t, &Config{Dir: dir, Least: max(level, Restricted), Ceiling: &[]Level{max(level, Restricted)}[0], Protect: []string{".git/config"}}).Close()
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			t.Error("a placeholder is left")
		}
		b, _ := os.ReadFile("/proc/self/mounts")
		if strings.Contains(string(b), dir) {
			t.Error("a mount is left")
		}
	})
}

func TestStalePrivateFolder(t *testing.T) {
	dir, lock, err := newPrivate()
	if err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(dir, "tmp/a/b/c")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	sweepPrivate()
	if _, err := os.Lstat(deep); err != nil {
		t.Fatal("a folder in use was swept")
	}
	for _, d := range []string{"tmp/a/b/c", "tmp/a/b", "tmp/a", "tmp"} {
		if err := os.Chmod(filepath.Join(dir, d), 0); err != nil {
			t.Fatal(err)
		}
	}
	lock.Close()
	sweepPrivate()
	if _, err := os.Lstat(dir); err == nil {
		t.Error("a stale folder was not swept")
	}
}

func TestTag(t *testing.T) {
	tag, err := newTag()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newTag()
	if tag == other || tag <= 0 {
		t.Errorf("tags %d and %d", tag, other)
	}
	var now unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_RTTIME, nil, &now); err != nil || now.Max < uint64(tag) {
		t.Errorf("limit %v %v", now, err)
	}
}

func TestOOMScore(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		own, _ := os.ReadFile("/proc/self/oom_score_adj")
		n, _ := strconv.Atoi(strings.TrimSpace(string(own)))
		if got := shell(t, j, "cat /proc/self/oom_score_adj"); got != strconv.Itoa(min(n+oomMore, 1000))+"\n" {
			t.Errorf("commands have %q, the owner %d", got, n)
		}
		if inside {
			return // the owner is the helper
		}
		helper, _ := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", j.engine.(*link).proc.Pid))
		if !bytes.Equal(helper, own) {
			t.Errorf("the helper has %q, the owner %q", helper, own)
		}
	}, Capped, Isolated, Restricted)
}
