package jail

import (
	"context"
	"errors"
	"strings"
)

// Contain makes the calling process the helper of a jail around nothing but itself. It is for a program that somebody else has
// confined, process 1 of a container as a rule: the container is the confinement, and Contain adds only what keeps the promises
// of Run. There is no second process.
//
// Commands get no new privileges, and a filter of system calls that keeps them from changing the tag by which they are found
// again and from signalling, limiting and slowing down this process. This process makes itself undumpable, so that its memory,
// its environment and its descriptors are closed to commands of the same user; commands do not get CAP_SYS_PTRACE and CAP_PERFMON,
// which open them again, nor CAP_SETUID where this process has no CAP_KILL and could not end them. When memory runs out, commands
// are to go before it.
//
// All else that the container allows stays allowed, sockets, set-user-ID modes and tracing other commands among it, with these
// exceptions: limits can be set for oneself only, pidfd_send_signal is not there, 32-bit programs are killed, and where the
// kernel has Landlock for it (ABI 6) commands cannot signal or trace what others start in the container. What Contain cannot have
// is an error; what depends on kernel and container is told by [Jail.Layers].
//
// Of the configuration it uses Dir, Root, Env and Limits; anything else is refused. Env is the whole environment of commands:
// nothing is inherited and nothing added but PWD, and PATH where it is missing. A limit holds only where it is greater than 0, for each
// process, from a moment after its start on; Processes are counted as at Restricted. [Jail.Root] is Dir, and [Jail.Level] is
// Unconfined, since nothing here confines.
//
// What the process must know:
//   - It reaps all children, its own as well as orphans: os.Process.Wait does not work in it.
//   - All signals are caught, so that none ends it. Who wants to act on SIGTERM has to ask for it (os/signal). Nobody may reset them.
//   - All its descriptors from 3 on are closed in commands.
//   - It becomes a subreaper. Unless it is root's, what it writes below /proc/self must be open before.
//   - There is one such jail in a process at a time.
//
// After Close the process stays undumpable and goes on catching signals, but reaps no more.
func Contain(ctx context.Context, c *Config) (*Jail, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("jail: no configuration")
	}
	if c.Least != 0 || c.Ceiling != nil || c.Mount != "" || c.Visible != nil || c.Network || c.Protect != nil || c.Hide != nil {
		return nil, errors.New("jail: level, mount, visible paths, network, protected and hidden names are not for Contain to give")
	}
	own := *c
	if err := own.complete(); err != nil {
		return nil, err
	}
	own.Limits = c.Limits.asked()
	if !hasPath(own.Env) {
		own.Env = append(own.Env, "PATH="+strings.Join(programDirs, ":"))
	}
	return containHere(&own)
}

// programDirs is where programs are looked for unless somebody says otherwise.
var programDirs = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

func hasPath(env []string) bool {
	for _, kv := range env {
		if strings.HasPrefix(kv, "PATH=") {
			return true
		}
	}
	return false
}

// asked has no limit where none was asked for.
func (l Limits) asked() Limits {
	return Limits{Memory: max(l.Memory, 0), CPU: max(l.CPU, 0), Processes: max(l.Processes, 0), FileSize: max(l.FileSize, 0), OpenFiles: max(l.OpenFiles, 0)}
}
