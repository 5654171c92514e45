package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
)

// trueCmd runs the program that does nothing.
func (b *bench) trueCmd(sb *local.Sandbox) error {
	res, err := sb.Exec(b.ctx, &hutch.Cmd{Args: []string{"/bin/true"}})
	if err == nil && res.ExitCode != 0 {
		err = fmt.Errorf("/bin/true ended with %d", res.ExitCode)
	}
	return err
}

// noJail is the row of what cannot be measured without a jail; nil with one.
func (b *bench) noJail(what, goal string) []row {
	if _, err := b.sb.Isolation(b.ctx); err != nil && b.ctx.Err() == nil {
		return []row{{What: what, Goal: goal, Note: "no jail here: " + err.Error()}}
	}
	return nil
}

// command is a command in a jail that is open.
func (b *bench) command() ([]row, error) {
	const what = "/bin/true in an open jail"
	if rows := b.noJail(what, "at most 2.5 x"); rows != nil {
		return rows, nil
	}
	mine, other, err := medians(b.ctx, 100, 3, func() error { return b.trueCmd(b.sb) },
		func() error { return exec.Command("/bin/true").Run() })
	return []row{timed(what, mine, "fork and exec", other, 2.5)}, err
}

// openRounds is how many jails are opened, and open at a time.
const openRounds = 15

// open is the way from nothing to the end of the first command.
func (b *bench) open() ([]row, error) {
	defer func() {
		for _, sb := range b.opened {
			sb.Close()
		}
	}()
	const what = "open a jail and run the first command"
	if rows := b.noJail(what, "at most 2.0 x"); rows != nil {
		return rows, nil
	}
	mine := func() error {
		sb, err := local.Open(b.path("ws"), nil)
		if err != nil {
			return err
		}
		b.opened = append(b.opened, sb)
		return b.trueCmd(sb)
	}
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t, _, err := medians(b.ctx, openRounds, 1, mine, nil)
		r := timed(what, t, "bwrap --unshare-all", 0, 2)
		r.Note = "bwrap is not installed"
		return []row{r}, err
	}
	other := func() error { return exec.Command(bwrap, "--ro-bind", "/", "/", "--unshare-all", "/bin/true").Run() }
	if err := other(); err != nil {
		t, _, err := medians(b.ctx, openRounds, 1, mine, nil)
		r := timed(what, t, "bwrap --unshare-all", 0, 2)
		r.Note = "bwrap does not work here"
		return []row{r}, err
	}
	t, o, err := medians(b.ctx, openRounds, 1, mine, other)
	return []row{timed(what, t, "bwrap --unshare-all", o, 2)}, err
}

// memory is what an open jail holds while nothing runs in it.
func (b *bench) memory() ([]row, error) {
	const most = 12 << 20
	r := row{What: "resident memory of an idle open jail", Unit: "bytes", Goal: "12 MiB"}
	if rows := b.noJail(r.What, r.Goal); rows != nil {
		return rows, nil
	}
	sum := 0.0
	for _, pid := range children(os.Getpid()) {
		sum += resident(pid)
	}
	if sum == 0 {
		r.Note = "this system does not tell"
		return []row{r}, nil
	}
	met := sum <= most
	r.Hutch, r.Met = sum, &met
	return []row{r}, nil
}

// children are the processes below pid, as far as /proc tells.
func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var all []int
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, f := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(f); err == nil {
				all = append(append(all, child), children(child)...)
			}
		}
	}
	return all
}

// resident is the resident memory of a process in bytes.
func resident(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
			return kb * 1024
		}
	}
	return 0
}
