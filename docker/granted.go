package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// errNotGranted is matched by the error of an engine that gives less than it
// was asked for.
var errNotGranted = fmt.Errorf("the engine does not give what was asked for: %w", errors.ErrUnsupported)

// granted compares what the engine has made with what was wanted.
func (b *blueprint) granted(ctx context.Context, e *engine, id string, warnings []string) error {
	f, err := e.facts(ctx)
	if err != nil {
		return err
	}
	if !f.seccomp {
		return fmt.Errorf("%w: a filter of system calls (seccomp)", errNotGranted)
	}
	got, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if got.Container.HostConfig == nil || got.Container.Config == nil {
		return fmt.Errorf("%w: it does not tell", errNotGranted)
	}
	missing := b.missing(got.Container.HostConfig, got.Container.Config)
	if missing == "" && !b.opts.veiled(got.Container.Mounts) {
		missing = "hidden and protected names"
	}
	if missing != "" {
		why := ""
		if len(warnings) > 0 {
			why = " (" + said(errors.New(warnings[0])) + ")"
		}
		return fmt.Errorf("%w: %s%s", errNotGranted, missing, why)
	}
	return nil
}

func (b *blueprint) missing(got *container.HostConfig, c *container.Config) string {
	want := b.hostConfig()
	pids := func(r container.Resources) int64 {
		if r.PidsLimit == nil {
			return 0
		}
		return *r.PidsLimit
	}
	for _, f := range []struct {
		what string
		ok   bool
	}{
		{"a limit of memory", got.Memory == want.Memory},
		// An engine that cannot count swap says so by dropping the number. Unless swap was
		// asked for, that is a matter of the machine's speed and not of the limit.
		{"a limit of swap", got.MemorySwap == want.MemorySwap || b.opts.Swap == 0},
		{"a limit of processors", got.NanoCPUs == want.NanoCPUs},
		{"CPU shares", got.CPUShares == want.CPUShares},
		{"a limit of processes", pids(got.Resources) == pids(want.Resources)},
		{"a read-only system", got.ReadonlyRootfs == want.ReadonlyRootfs},
		{"no capabilities", slices.Equal(got.CapDrop, want.CapDrop) && sameCaps(got.CapAdd, want.CapAdd) && !got.Privileged},
		{"no new privileges", slices.ContainsFunc(got.SecurityOpt, func(s string) bool { return strings.HasPrefix(s, "no-new-privileges") })},
		{"network " + b.opts.Network, got.NetworkMode == want.NetworkMode},
		{"OCI runtime " + want.Runtime, want.Runtime == "" || got.Runtime == want.Runtime},
		{"the user " + b.opts.User, c.User == b.opts.User},
		{"file systems in memory", maps.Equal(got.Tmpfs, want.Tmpfs)},
		{"volumes", len(got.Mounts) == len(want.Mounts)},
		{"hidden and protected names", sameVeil(got.Mounts, want.Mounts)},
	} {
		if !f.ok {
			return f.what
		}
	}
	return ""
}

func sameCaps(a, b []string) bool {
	norm := func(l []string) []string {
		var all []string
		for _, c := range l {
			all = append(all, strings.TrimPrefix(c, "CAP_"))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(norm(a), norm(b))
}
