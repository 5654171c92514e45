//go:build amd64 || arm64

package jail

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fork is a request to the confined thread.
type fork struct {
	start *start
	base  string
	files [3]uintptr
	done  chan forked
}

type forked struct {
	pid  int
	what byte
	err  error
}

// do runs on the confined thread.
func (f *fork) do() forked {
	dir := f.base
	if f.start.dir != "" {
		dir += "/" + f.start.dir
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return forked{what: doneDir, err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return forked{what: doneDir, err: unix.ENOTDIR}
	}
	prog, err := lookPath(f.start.args[0], f.start.env)
	if err != nil {
		return forked{what: doneExec, err: err}
	}
	pid, err := syscall.ForkExec(prog, f.start.args, &syscall.ProcAttr{
		Dir: dir, Env: f.start.env, Files: f.files[:], Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return forked{pid: pid, what: doneExec, err: err}
}

// lookPath finds a program in the PATH of env. Relative folders in PATH are passed over.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	if name == "" {
		return "", unix.ENOENT
	}
	var path string
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	result := error(unix.ENOENT)
	for _, dir := range strings.Split(path, ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		prog := dir + "/" + name
		var st unix.Stat_t
		if unix.Stat(prog, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		if unix.Access(prog, unix.X_OK) == nil {
			return prog, nil
		}
		result = unix.EACCES
	}
	return "", result
}
