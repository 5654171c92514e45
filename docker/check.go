package docker

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/moby/moby/client"
)

// bad is the error of options that make no sense.
func bad(format string, a ...any) error {
	return &fs.PathError{Op: "open", Path: ".", Err: fmt.Errorf("%w: %s", fs.ErrInvalid, fmt.Sprintf(format, a...))}
}

// pattern is an expression that is compiled when it is first used: a program
// that opens no container does not pay for it when it starts.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var (
	namePattern    = pattern(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$`)
	imagePattern   = pattern(`^[a-zA-Z0-9][a-zA-Z0-9_.:/@-]{0,511}$`)
	userPattern    = pattern(`^[0-9]{1,9}(:[0-9]{1,9})?$`)
	networkPattern = pattern(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$`)
	runtimePattern = pattern(`^[a-zA-Z0-9][a-zA-Z0-9_./-]{0,127}$`)
	capPattern     = pattern(`^(CAP_)?[A-Z][A-Z_]{1,30}$`)
)

// least and most of what can be asked for.
const (
	leastMemory    = 16 << 20
	leastProcesses = 32
	longest        = 10 * 365 * 24 * time.Hour
)

// check refuses what makes no sense before the engine sees any of it. It is
// asked after the defaults have been filled in.
func (o *Options) check() error {
	for _, check := range []func() error{
		o.checkNames, o.checkTimes, o.checkUser, o.checkEnv, o.checkNetwork, o.checkLimits, o.checkPlaces, o.checkLabels,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) checkNames() error {
	switch {
	case o.Image != "" && o.Runtime != nil:
		return bad("an image and a runtime")
	case o.Image != "" && !imagePattern().MatchString(o.Image):
		return bad("image %q is not the name of one", o.Image)
	case o.Name != "" && !namePattern().MatchString(o.Name):
		return bad("container name %q; letters, digits, '_', '.' and '-' make one", o.Name)
	case o.OCIRuntime != "" && !runtimePattern().MatchString(o.OCIRuntime):
		return bad("OCI runtime %q", o.OCIRuntime)
	case !printable(o.Session, 256):
		return bad("session %q: up to 256 printable characters", o.Session)
	}
	if o.Runtime != nil {
		return o.Runtime.Check()
	}
	return nil
}

func (o *Options) checkTimes() error {
	switch {
	case o.Lease < time.Second || o.Lease > longest:
		return bad("lease of %v; at least a second", o.Lease)
	case o.Idle >= 0 && (o.Idle < time.Second || o.Idle > longest):
		return bad("idle time of %v; at least a second, or negative for good", o.Idle)
	case o.Idle < 0 && o.Name == "":
		return bad("a container that is kept for good needs a name")
	}
	return nil
}

func (o *Options) checkUser() error {
	if !userPattern().MatchString(o.User) {
		return bad("user %q is not UID or UID:GID in numbers", o.User)
	}
	for _, c := range o.Capabilities {
		if !capPattern().MatchString(c) || c == "ALL" {
			return bad("capability %q", c)
		}
	}
	if len(o.Capabilities) > 0 && !o.root() {
		return bad("capabilities do nothing for a user other than root; set User to 0")
	}
	return nil
}

func (o *Options) root() bool { return o.User == "0" || strings.HasPrefix(o.User, "0:") }

func (o *Options) ids() (uid, gid int) {
	u, g, ok := strings.Cut(o.User, ":")
	uid, _ = strconv.Atoi(u)
	gid = uid
	if ok {
		gid, _ = strconv.Atoi(g)
	}
	return uid, gid
}

func (o *Options) checkEnv() error {
	for _, kv := range o.Env {
		if strings.IndexByte(kv, '=') < 1 || strings.IndexByte(kv, 0) >= 0 || !utf8.ValidString(kv) {
			return bad("an environment entry is not KEY=value")
		}
	}
	return nil
}

func (o *Options) checkNetwork() error {
	switch {
	case o.Network == "host" && !o.HostNetwork:
		return bad("network host gives away the isolation from this machine; say HostNetwork to mean it")
	case !networkPattern().MatchString(o.Network):
		return bad("network %q is not the name of one", o.Network)
	}
	return nil
}

func (o *Options) checkLimits() error {
	switch {
	case o.Memory > 0 && o.Memory < leastMemory:
		return bad("memory of %d bytes; at least %d", o.Memory, leastMemory)
	case o.Processes > 0 && o.Processes < leastProcesses:
		return bad("%d processes; at least %d", o.Processes, leastProcesses)
	case o.CPUs != o.CPUs || o.CPUs > 1<<20 || o.CPUs > 0 && o.CPUs < 0.01:
		return bad("%v processors; at least 0.01", o.CPUs)
	case o.CPUShares != 0 && (o.CPUShares < 2 || o.CPUShares > 262144):
		return bad("CPU shares of %d; 2 to 262144", o.CPUShares)
	case o.Disk < 0:
		o.Disk = 0
	case o.Disk > 0 && o.Disk < 1<<20:
		return bad("disk of %d bytes; at least a MiB", o.Disk)
	case o.Memory < 0 && o.Swap > 0:
		return bad("swap without a limit of memory")
	}
	return nil
}

// reserved are directories of a container that nothing may cover.
var reserved = []string{"/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/run"}

func (o *Options) checkPlaces() error {
	if err := checkPlace("work directory", o.WorkDir); err != nil {
		return err
	}
	seen := map[string]string{}
	for target := range o.Tmpfs {
		if err := checkPlace("tmpfs", target); err != nil {
			return err
		}
		if o.Tmpfs[target] < 1<<12 {
			return bad("tmpfs %q of %d bytes; at least a page", target, o.Tmpfs[target])
		}
		if target == o.WorkDir {
			return bad("tmpfs %q is the work directory", target)
		}
		seen[target] = "tmpfs"
	}
	for _, v := range o.Volumes {
		if err := v.check(o.Host); err != nil {
			return err
		}
		if seen[v.Target] != "" {
			return bad("two things at %q", v.Target)
		}
		seen[v.Target] = "volume"
		switch {
		case v.Target == o.WorkDir && !v.Writable:
			return bad("volume %q is the work directory and must be writable", v.Target)
		case v.Target == o.WorkDir && o.Disk > 0:
			return bad("a volume as the work directory cannot be given a size")
		}
	}
	return nil
}

func checkPlace(what, p string) error {
	switch {
	case !path.IsAbs(p) || path.Clean(p) != p || p == "/" || !printable(p, 1024) || strings.ContainsAny(p, `:,"`):
		return bad("%s %q is not a plain absolute path", what, p)
	case slices.ContainsFunc(reserved, func(dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }) &&
		!strings.HasPrefix(p, "/usr/src/"):
		return bad("%s %q would cover a part of the system", what, p)
	}
	return nil
}

// sockets are where engines and the like listen. Who can talk to one owns the
// machine, and a read-only mount does not keep anybody from talking.
var sockets = []string{
	"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock",
	"/run/podman/podman.sock", "/run/crio/crio.sock",
}

func (v *Volume) check(host string) error {
	if err := checkPlace("volume", v.Target); err != nil {
		return err
	}
	if !strings.HasPrefix(v.Source, "/") {
		if !namePattern().MatchString(v.Source) {
			return bad("volume source %q is neither an absolute path nor the name of a volume", v.Source)
		}
		if strings.HasPrefix(v.Source, helperVolume) {
			return bad("volume %q is taken", v.Source)
		}
		return nil
	}
	if path.Clean(v.Source) != v.Source || !printable(v.Source, 4096) {
		return bad("volume source %q is not a plain absolute path", v.Source)
	}
	all := sockets
	if own, ok := strings.CutPrefix(engineHost(host), "unix://"); ok {
		all = append(slices.Clone(all), path.Clean(own))
	}
	for _, s := range append(all, client.DefaultDockerHost[len("unix://"):]) {
		if s == v.Source || v.Source == "/" || strings.HasPrefix(s, v.Source+"/") {
			return bad("volume source %q holds the socket of an engine, which is the whole machine", v.Source)
		}
	}
	return nil
}

func (o *Options) checkLabels() error {
	for k, v := range o.Labels {
		switch {
		case k == "" || !printable(k, 256) || strings.ContainsAny(k, "= "):
			return bad("label %q", k)
		case strings.HasPrefix(k, labelPrefix):
			return bad("label %q is taken", k)
		case !utf8.ValidString(v) || len(v) > 4096:
			return bad("label %q: its value", k)
		}
	}
	return nil
}

func printable(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
