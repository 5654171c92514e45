//go:build amd64 || arm64

package jail

import (
	"context"
	"errors"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// startHere tries one level after the other, from the highest allowed down to the least accepted.
func startHere(ctx context.Context, c *Config) (*Jail, error) {
	s, err := newSetup(c)
	if err != nil {
		return nil, err
	}
	if c.Least == Unconfined {
		return open(ctx, c, s, Unconfined, nil)
	}
	top := Capped
	if c.Ceiling != nil {
		top = *c.Ceiling
	}
	var missing []Layer
	if top >= Isolated {
		j, err := isolated(ctx, c, s, top, &missing)
		if j != nil || err != nil {
			return j, err
		}
	}
	if c.Least > Restricted {
		return nil, &LevelError{c.Least, missing}
	}
	var group *cgroup
	if s.root && restrictedGroups { // no other limit of processes binds root
		group, _ = newCgroup(c.Limits)
	}
	j, err := open(ctx, c, s, Restricted, group)
	if err == nil {
		j.layers = append(j.layers, missing...)
		return j, nil
	}
	group.remove()
	if !unavailable(err) {
		return nil, err
	}
	return nil, &LevelError{c.Least, append(missing, explain(err))}
}

// isolated tries Capped and Isolated. Without a jail and without an error, missing says why.
func isolated(ctx context.Context, c *Config, s *setup, top Level, missing *[]Layer) (*Jail, error) {
	var group *cgroup
	if top >= Capped {
		var err error
		if group, err = newCgroup(c.Limits); err != nil {
			*missing = append(*missing, noCgroup(err))
			if c.Least >= Capped {
				return nil, &LevelError{c.Least, *missing}
			}
		}
	}
	level := Isolated
	if group != nil {
		level = Capped
	}
	j, err := open(ctx, c, s, level, group)
	if err == nil {
		j.layers = append(j.layers, *missing...)
		return j, nil
	}
	group.remove()
	if !unavailable(err) {
		return nil, err
	}
	*missing = append(*missing, explain(err))
	return nil, nil
}

// unavailable tells what the machine does not give from what is wrong with the request.
func unavailable(err error) bool {
	var se *stepError
	return errors.As(err, &se) && !slices.Contains([]string{"workspace", "protected names", "visible folders"}, se.step)
}

// restrictedGroups has Restricted use a control group where it can. Tests turn it off.
var restrictedGroups = true

// usedLandlock is the newest version that is used. Tests lower it.
var usedLandlock int64 = 7

// pollFolders has the helper look for changes in folders instead of asking the kernel. Tests turn it on.
var pollFolders bool

// newSetup opens the workspace once, to know it again.
func newSetup(c *Config) (*setup, error) {
	fd, err := unix.Open(c.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, step("jail: workspace", err)
	}
	defer unix.Close(fd)
	var st, other unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, step("jail: workspace", err)
	}
	if c.Root != nil {
		err := unix.Fstat(int(c.Root.Fd()), &other)
		runtime.KeepAlive(c.Root)
		if err != nil || other.Dev != st.Dev || other.Ino != st.Ino {
			return nil, step("jail: workspace", unix.ESTALE)
		}
	}
	real, err := os.Readlink("/proc/self/fd/" + itoa(int64(fd)))
	if err != nil {
		return nil, step("jail: workspace", bare(err))
	}
	tag, err := newTag()
	if err != nil {
		return nil, step("jail: tag", err)
	}
	return &setup{
		network: c.Network, poll: pollFolders, root: os.Geteuid() == 0, tag: tag, owner: int64(os.Getpid()), landlock: usedLandlock, dir: real, dev: int64(st.Dev), ino: int64(st.Ino),
		visible: c.Visible, protect: c.Protect, hide: c.Hide, limits: c.Limits.set(),
	}, nil
}

// open starts a helper for one level.
func open(ctx context.Context, c *Config, s *setup, level Level, group *cgroup) (*Jail, error) {
	own := *s
	own.level, own.mount = min(level, Isolated), s.dir
	own.count = own.root && own.limits.processes > 0 && group == nil && level > Unconfined
	var env []string
	var lock *os.File
	var guard *guardian
	var err error
	switch {
	case level >= Isolated:
		if err = own.isolate(c); err != nil {
			return nil, err
		}
		guard, err = reserveAll(own.dir, own.protect, own.hide)
		if err != nil {
			return nil, err
		}
		own.protect = guard.names
		env = confinedEnv(homeDir, "/tmp", own.visible)
	case level == Restricted:
		if own.private, lock, err = newPrivate(); err != nil {
			return nil, step("private folder", err)
		}
		env = confinedEnv(own.private+"/home", own.private+"/tmp", own.visible)
	default:
		env = inheritedEnv()
	}
	l, answer, err := spawn(ctx, &own, group)
	if err != nil {
		guard.close()
		if lock != nil {
			removePrivate(own.private)
			lock.Close()
		}
		return nil, err
	}
	l.guard, l.lock = guard, lock
	go l.listen()
	return &Jail{level: level, root: answer.root, layers: layersOf(&own, level, answer, group != nil), env: mergeEnv(env, c.Env), engine: l}, nil
}

// isolate decides on the paths of an isolated jail.
func (s *setup) isolate(c *Config) error {
	s.mount = DefaultMount
	if c.Mount != "" {
		s.mount = c.Mount
	}
	if !placeable(s.mount) {
		return errors.New("jail: the workspace cannot be shown at that path")
	}
	s.visible = slices.Clone(c.Visible)
	slices.Sort(s.visible)
	for _, dir := range s.visible {
		if !placeable(dir) {
			return errors.New("jail: a visible path is not absolute or is taken by the jail itself")
		}
	}
	if s.network {
		text, err := os.ReadFile("/etc/resolv.conf")
		if err == nil && len(text) < 64<<10 {
			s.resolv = string(text)
		}
	}
	return nil
}

// placeable reports whether p can appear in a jail without covering what is there.
func placeable(p string) bool {
	if !path.IsAbs(p) || path.Clean(p) != p || hasNUL(p) {
		return false
	}
	taken := append([]string{"/", "/etc", "/home"}, scratch...)
	for _, dir := range append(taken, systemDirs...) {
		if p == dir || under(dir, p) {
			return false
		}
	}
	for _, dir := range []string{"/proc", "/dev", "/sys", oldRoot, "/.scratch", maskDir} {
		if under(p, dir) {
			return false
		}
	}
	return true
}

// confinedEnv is the environment of a confined command: nothing of it comes from the caller but the order of PATH.
func confinedEnv(home, tmp string, visible []string) []string {
	dirs := programDirs
	var more []string
	for _, dir := range strings.Split(os.Getenv("PATH"), ":") {
		seen := func(root string) bool { return under(dir, root) }
		if path.Clean(dir) == dir && !slices.Contains(more, dir) && !slices.Contains(dirs, dir) &&
			(slices.ContainsFunc(systemDirs, seen) || slices.ContainsFunc(visible, seen)) {
			more = append(more, dir)
		}
	}
	return []string{
		"PATH=" + strings.Join(append(more, dirs...), ":"), "HOME=" + home, "USER=user", "LOGNAME=user", "SHELL=/bin/sh",
		"LANG=C.UTF-8", "TERM=dumb", "TMPDIR=" + tmp,
	}
}
