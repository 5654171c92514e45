package docker

import (
	"maps"
	"slices"
	"time"

	"github.com/hutch-dev/hutch"
)

// Options qualifies Open. The zero value is the safe one: a container of the
// default image without network, for a user without privileges, on a read-only
// system, with limits, that goes with its owner.
//
// In every number 0 is the default that is named here, and a negative number
// is no limit. What the engine cannot give is an error of Open, never left out
// in silence.
type Options struct {
	// Host is the address of the engine as $DOCKER_HOST has it,
	// "unix:///var/run/docker.sock" for instance. "" is $DOCKER_HOST, else the
	// first of the usual sockets that is there.
	Host string

	// Image is the image to run, or Runtime the runtime whose image is built
	// where it is not there yet. With neither it is DefaultImage.
	Image   string
	Runtime *Runtime
	// Build qualifies the building of Runtime. Its Host is not used.
	Build BuildOptions

	// Name is a name for the container, unique on the engine. If there is one
	// of that name and these options Open takes it over, and starts it if it
	// has stopped; of other options, or not made by this package, it is an
	// error that matches fs.ErrExist. "" is a name nobody else has.
	Name string
	// Session is kept in the label dev.hutch.session, for whoever looks.
	Session string
	// Labels are more labels of the container. Those that begin with
	// "dev.hutch." are taken.
	Labels map[string]string

	// Lease is how long the container outlives an owner that was killed or
	// lost, in whole seconds; the default is a minute and there is always a
	// limit.
	Lease time.Duration
	// Idle is how long the container waits for another owner after Detach, in
	// whole seconds; the default is an hour. Negative keeps it, also when it
	// has stopped: then it is there until somebody attaches and closes it.
	Idle time.Duration

	// WorkDir is the absolute path of the workspace in the container. "" is
	// that of the runtime, else /workspace.
	WorkDir string
	// User is who commands and file operations are: "UID" or "UID:GID", both
	// numbers. "" is 1000:1000. "0" is root, which without capabilities is
	// still less than root.
	User string
	// Capabilities are given back to root of all that are taken away, by the
	// names that capabilities(7) has, "CHOWN" or "CAP_CHOWN". With any other
	// User they do nothing and are refused.
	Capabilities []string
	// WritableSystem makes the whole file system of the container writable, for
	// installing system packages. Nothing of it outlives the container.
	WritableSystem bool
	// Env holds "KEY=value" entries of every command's environment. They win over
	// those of the runtime, those over DefaultEnv, and those over the image's.
	Env []string

	// Volumes are directories of the engine's machine, or volumes of the
	// engine, that the container sees.
	Volumes []Volume
	// Tmpfs are more file systems in memory: sizes in bytes by absolute path.
	// There always are /tmp and the home directory, of TmpSize each.
	Tmpfs   map[string]int64
	TmpSize int64 // default 256 MiB

	// Hide are names in the workspace that nothing in the container can read,
	// neither commands nor file operations: an empty device stands in the place
	// of a file, and of a directory, whose name is given with a "/" at its end,
	// an empty one that nobody may enter. What is not there is made, empty, so
	// that it cannot come later.
	//
	// Protect are names that nothing in the container can write, remove, rename
	// or replace; they must exist. They need a workspace, or a volume in it, that
	// is a directory of the engine's machine.
	//
	// Both are names without wildcards, in their own case. What they name is
	// mounted when the container is made: where a program outside replaces it,
	// the container sees the new one, and another name of a file (a hard link)
	// is not hidden. Names with a "/" need the workspace of the container alone
	// or a directory of the engine's machine, not a named volume. See
	// [Sandbox.Confine].
	Hide    []string `json:",omitempty"`
	Protect []string `json:",omitempty"`

	// Network is the engine's network to join: "none", "bridge" or one that was
	// made there. "" is none. "host" gives away the isolation from the
	// machine's own services and is allowed only with HostNetwork.
	Network     string
	HostNetwork bool

	Memory int64 // bytes of all that runs in there; default 1 GiB
	// Swap is bytes of swap on top of Memory; default none. An engine that cannot
	// count swap bounds Memory alone, unless Swap is set: then it is an error.
	Swap      int64
	CPUs      float64 // processors, 0.5 is half of one; default 2, or all there are
	CPUShares int64   // weight against other containers; default the engine's
	Processes int64   // processes and threads; default 512
	// Disk is how many bytes the workspace may take. It needs a storage
	// driver with quotas: overlay2 on xfs with pquota, btrfs or zfs. Default no
	// limit but the disk.
	Disk int64

	// OCIRuntime is a runtime that the engine has been told of: "runsc", "kata".
	OCIRuntime string

	// Limits of single commands: Time is the default and the most for each, the
	// other fields are what every process is held to, on top of the limits of
	// the container. Default none.
	Limits hutch.Limits

	// Helper is the program to put into the container; see [Helper]. "" finds one.
	Helper string
	// Plain does without a helper: slower, with the same answers, and needs a
	// shell in the image. It is also what is used where no helper can run;
	// Sandbox.Plain tells.
	Plain bool
}

// Volume is a directory of the engine's machine, or a volume of the engine, in
// a container. One at the path of the workspace is the workspace.
type Volume struct {
	// Source is the absolute path of a directory or file on the machine where
	// the engine runs, which must exist there, or the name of a volume.
	Source string
	// Target is the absolute path in the container.
	Target string
	// Writable lets the container write it. Its files must let the user do so.
	Writable bool
}

// DefaultImage is what runs where neither an image nor a runtime is named.
const DefaultImage = "python:3.12-slim"

// DefaultEnv is in every container's environment unless something closer says
// otherwise.
func DefaultEnv() []string {
	return []string{
		"LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=4", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_CONFIG_KEY_1=init.defaultBranch", "GIT_CONFIG_VALUE_1=main",
		"GIT_CONFIG_KEY_2=user.name", "GIT_CONFIG_VALUE_2=Agent",
		"GIT_CONFIG_KEY_3=user.email", "GIT_CONFIG_VALUE_3=agent@sandbox.invalid",
		"PYTHONUNBUFFERED=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PIP_ROOT_USER_ACTION=ignore",
		"DEBIAN_FRONTEND=noninteractive",
	}
}

const (
	defaultWorkDir   = "/workspace"
	defaultLease     = time.Minute
	defaultIdle      = time.Hour
	defaultTmpSize   = 256 << 20
	defaultMemory    = 1 << 30
	defaultCPUs      = 2
	defaultProcesses = 512

	// userID is the user, and the group, of everything in a container that
	// names none.
	userID   = 1000
	userHome = "/home/user"
)

func (o *Options) clone() Options {
	c := *o
	c.Capabilities = slices.Clone(o.Capabilities)
	c.Env, c.Volumes = slices.Clone(o.Env), slices.Clone(o.Volumes)
	c.Hide, c.Protect = slices.Clone(o.Hide), slices.Clone(o.Protect)
	c.Labels, c.Tmpfs = maps.Clone(o.Labels), maps.Clone(o.Tmpfs)
	if o.Runtime != nil {
		r := *o.Runtime
		c.Runtime = &r
	}
	return c
}
