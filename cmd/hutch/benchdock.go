package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/docker"
)

// dockBench measures a container next to the docker program.
type dockBench struct {
	*bench
	image string
	sb    *docker.Sandbox
}

// docker measures the docker backend where an image is named.
func (b *bench) docker() ([]row, error) {
	if b.image == "" {
		return nil, nil
	}
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, errors.New("the docker program, which is compared with, is not installed")
	}
	sb, err := docker.Open(b.ctx, b.dockOptions())
	if err != nil {
		return nil, err
	}
	defer sb.Close()
	d := &dockBench{b, b.image, sb}
	var all []row
	for _, measure := range []func() ([]row, error){d.command, d.read, d.pool, d.cold, d.copy, d.grep, d.memory} {
		rows, err := measure()
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (b *bench) dockOptions() *docker.Options {
	return &docker.Options{Image: b.image, Memory: 2 << 30}
}

// cli is one run of the docker program.
func (d *dockBench) cli(args ...string) func() error {
	return func() error {
		out, err := exec.CommandContext(d.ctx, "docker", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("docker %s: %w: %s", args[0], err, bytes.TrimSpace(out))
		}
		return nil
	}
}

func (d *dockBench) run(sb *docker.Sandbox, args ...string) error {
	res, err := sb.Exec(d.ctx, &hutch.Cmd{Args: args})
	if err == nil && res.ExitCode != 0 {
		err = fmt.Errorf("%s ended with %d", args[0], res.ExitCode)
	}
	return err
}

func (d *dockBench) command() ([]row, error) {
	t, o, err := medians(d.ctx, 9, 1, func() error { return d.run(d.sb, "true") }, d.cli("exec", d.sb.ID(), "true"))
	return []row{timed("true in an open container", t, "docker exec", o, 0.05)}, err
}

func (d *dockBench) read() ([]row, error) {
	if _, err := hutch.WriteFile(d.ctx, d.sb, "4k", make([]byte, 4<<10), nil); err != nil {
		return nil, err
	}
	mine := func() error { _, err := hutch.ReadFile(d.ctx, d.sb, "4k"); return err }
	t, o, err := medians(d.ctx, 9, 1, mine, d.cli("exec", d.sb.ID(), "cat", d.sb.Root()+"/4k"))
	if err != nil {
		return nil, err
	}
	t2, o2, err := medians(d.ctx, 9, 1, mine, d.cli("cp", d.sb.ID()+":"+d.sb.Root()+"/4k", d.path("4k")))
	return []row{timed("read 4 KiB in a container", t, "docker exec cat", o, 0.02), timed("read 4 KiB in a container", t2, "docker cp", o2, 0.02)}, err
}

// pool waits outside the measurement until a container is ready.
func (d *dockBench) pool() ([]row, error) {
	p := &docker.Pool{Options: *d.dockOptions(), Min: 1}
	if err := p.Start(); err != nil {
		return nil, err
	}
	defer p.Close()
	var mine, other []time.Duration
	for range 5 {
		if err := p.Wait(d.ctx); err != nil {
			return nil, err
		}
		start := time.Now()
		sb, err := p.Take(d.ctx)
		if err == nil {
			err = d.run(sb, "true")
		}
		mine = append(mine, time.Since(start))
		if sb != nil {
			sb.Close()
		}
		if err != nil {
			return nil, err
		}
	}
	for range 5 {
		t, err := timeOf(1, d.cli("run", "--rm", "--network", "none", d.image, "true"))
		if err != nil {
			return nil, err
		}
		other = append(other, t)
	}
	return []row{timed("take from the pool and run true", median(mine), "docker run --rm", median(other), 0.05)}, nil
}

func (d *dockBench) cold() ([]row, error) {
	var opened []*docker.Sandbox
	defer func() {
		for _, sb := range opened {
			sb.Close()
		}
	}()
	mine := func() error {
		sb, err := docker.Open(d.ctx, d.dockOptions())
		if err != nil {
			return err
		}
		opened = append(opened, sb)
		return d.run(sb, "true")
	}
	t, o, err := medians(d.ctx, 5, 1, mine, d.cli("run", "--rm", "--network", "none", d.image, "true"))
	return []row{timed("open a container and run true", t, "docker run --rm", o, 1.3)}, err
}

const bigFile = 100 << 20

func (d *dockBench) copy() ([]row, error) {
	if err := os.WriteFile(d.path("big"), bytes.Repeat([]byte("0123456789abcdef"), bigFile/16), 0o600); err != nil {
		return nil, err
	}
	in := func() error {
		f, err := os.Open(d.path("big"))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = d.sb.Write(d.ctx, "big", f, nil)
		return err
	}
	inside := d.sb.ID() + ":" + d.sb.Root() + "/"
	t, o, err := medians(d.ctx, 3, 1, in, d.cli("cp", d.path("big"), inside+"big2"))
	if err != nil {
		return nil, err
	}
	t2, o2, err := medians(d.ctx, 3, 1, d.out, d.cli("cp", inside+"big", d.path("big3")))
	return []row{timed("copy 100 MiB in", t, "docker cp", o, 1), timed("copy 100 MiB out", t2, "docker cp", o2, 1)}, err
}

func (d *dockBench) out() error {
	f, err := d.sb.Open(d.ctx, "big")
	if err != nil {
		return err
	}
	defer f.Close()
	to, err := os.Create(d.path("big2"))
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = io.Copy(to, f)
	return err
}

func (d *dockBench) grep() ([]row, error) {
	err := d.run(d.sb, "sh", "-c", `mkdir g; cd g; for d in $(seq 100); do mkdir d$d; for f in $(seq 100); do
echo "package p$d
// some text that is longer, number $d-$f
func needle$d() {}" > d$d/f$f.go; done; done`)
	if err != nil {
		return nil, err
	}
	mine := func() error {
		for _, err := range hutch.Grep(d.ctx, d.sb, hutch.Query{Pattern: `needle7\d`, Dir: "g"}) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	t, o, err := medians(d.ctx, 5, 1, mine, d.cli("exec", d.sb.ID(), "grep", "-rn", "needle7[0-9]", d.sb.Root()+"/g"))
	return []row{timed("grep in 10000 files in a container", t, "grep -rn by docker exec", o, 1)}, err
}

// memory is that of process 1, as the container sees it, after all of the above.
func (d *dockBench) memory() ([]row, error) {
	sb, err := docker.Open(d.ctx, d.dockOptions())
	if err != nil {
		return nil, err
	}
	defer sb.Close()
	var out hutch.Capture
	cmd := hutch.Shell("grep VmRSS /proc/1/status")
	cmd.Stdout = &out
	if _, err := sb.Exec(d.ctx, cmd); err != nil {
		return nil, err
	}
	r := row{What: "resident memory of the helper", Unit: "bytes", Goal: "12 MiB"}
	if f := strings.Fields(out.String()); len(f) > 1 {
		kb, _ := strconv.ParseFloat(f[1], 64)
		met := kb*1024 <= 12<<20
		r.Hutch, r.Met = kb*1024, &met
	}
	return []row{r}, nil
}
