// Package local keeps a workspace in a directory of this machine and runs
// commands on it in a jail.
//
// # Files
//
// Every operation goes to the kernel as one call relative to an open handle of
// the directory (openat2 with RESOLVE_BENEATH on Linux, os.Root elsewhere):
// there is no check of a path before its use, so nothing can be swapped between
// the two. Links that stay inside are followed; links that leave are refused
// with an error that matches fs.ErrPermission. An absolute link stays inside if
// it points below [Sandbox.Root], where commands see the workspace: a link means
// the same to file tools as to commands. Pipes, devices and sockets are refused.
//
// Writes go to a temporary file that takes the place of the old one in one step.
// Temporary files live in the directory ".hutch-tmp" of the workspace, which no
// operation shows or touches; what a killed program left there is removed by the
// next Open. Nothing is synced to disk: a power failure may lose a recent write,
// but shows the old version or the new one on journaling file systems.
//
// # Revisions
//
// A Rev is made of inode, size, modification and change time. Every write by
// this package makes a new inode and a modification time of its own, so these
// always differ. A change in place by somebody else changes the times, which
// Linux keeps exactly enough since 6.13 and in steps of up to 10 ms before:
// two such changes of the same length in one step can look the same.
// Conditional writes are exact among all users of this package, also in other
// processes (on Linux), but another program that writes between the check and
// the rename, some microseconds, is not seen.
//
// # Commands
//
// Commands run in a jail that is made when the first one is started; see
// [Isolation] for what its levels give. On systems other than Linux commands
// need [Unconfined].
package local

import (
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
)

// Isolation is how well commands are confined. A higher value confines more.
type Isolation int

const (
	// Unconfined runs commands as the user, with all of the user's rights: no
	// confinement at all, on every system. It is never chosen unless asked for.
	Unconfined Isolation = -2
	// Restricted needs no namespaces and so works inside ordinary containers:
	// Landlock keeps commands to the workspace, a private temporary folder and
	// the system, read-only; seccomp takes away sockets and dangerous system
	// calls; all capabilities are dropped; resource limits hold per process.
	// Commands see the workspace at its own path on the host, can see that other
	// processes exist, and can write the names of [Options.Protect].
	Restricted Isolation = -1
	// Isolated is the default: all of Restricted, in namespaces of their own.
	// Commands see nothing but the workspace at /workspace, the system
	// read-only and private /tmp, /proc, /dev and home, have no network unless
	// asked for, and cannot write protected names.
	Isolated Isolation = 0
	// Capped is Isolated with memory and processes counted and limited for the
	// sandbox as a whole, by a cgroup.
	Capped Isolation = 1
)

// String is the name of the level: "unconfined", "restricted", "isolated" or
// "capped".
func (i Isolation) String() string { return jail.Level(i).String() }

var defaultProtect = []string{".git/hooks", ".git/config", ".gitmodules"}

// DefaultProtect returns the names that nothing may write unless
// [Options.Unprotect] names them: ".git/hooks", ".git/config", ".gitmodules".
// Git on the host acts on them, so whoever writes them can run programs there.
func DefaultProtect() []string { return append([]string(nil), defaultProtect...) }

// Options qualifies Open. The zero value is the safe one.
type Options struct {
	// Isolation is the least level accepted for commands. Where the machine
	// gives more, more is used; where it gives less, commands are refused with an
	// error that says what is missing and how to get it. Unconfined is exact.
	Isolation Isolation
	// Network lets commands use the network of the host.
	Network bool
	// HostPath shows the workspace to commands at its own path on the host
	// instead of /workspace, for tools that record absolute paths.
	HostPath bool
	// Visible are more files and directories of the host that commands can
	// read, at their own absolute paths.
	Visible []string
	// Limits of all commands. Time is the default and the most for each; the
	// other fields are those of the sandbox. A zero field is a default: no limit
	// of time, an hour of CPU and 4 GiB of memory, 512 processes, files up to
	// 4 GiB, 4096 open files. A negative field is no limit.
	Limits hutch.Limits
	// Env holds "KEY=value" entries added to the environment of every command.
	Env []string
	// Protect are names in the workspace that cannot be written, removed or
	// renamed, by file operations and by commands, whether they exist or not;
	// a directory protects all below it. They are added to DefaultProtect.
	Protect []string
	// Unprotect takes names out of the protected ones. Commands that make a
	// repository or change its configuration (git init, git config, git clone
	// into the root) need those of DefaultProtect here.
	Unprotect []string
	// Hide are patterns of names that commands cannot read, as in
	// [hutch.Confinement]; file operations can. It takes [Isolated]: where
	// commands would have less they are refused. See [Sandbox.Confine].
	Hide []string
}
