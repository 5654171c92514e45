//go:build amd64 || arm64

package jail

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// layersOf says what a jail that stands consists of.
func layersOf(s *setup, level Level, r *ready, group bool) []Layer {
	if level == Unconfined {
		return []Layer{{Name: "confinement", Detail: "commands can do whatever this program can", Missing: "it was not asked for"}}
	}
	world := level >= Isolated
	layers := []Layer{
		{Name: "privileges", OK: true, Detail: "no new privileges, no capabilities, set-user-ID has no effect"},
		{Name: "system calls", OK: true, Detail: "a filter refuses mounts, namespaces, tracing, keys, devices and the like"},
		landlockLayer(int(r.landlock)),
		signalsLayer(world, int(r.landlock)),
	}
	if world {
		layers = append(layers,
			Layer{Name: "namespaces", OK: true, Detail: "user, mount, pid, ipc, uts, cgroup" + ifs(s.network, "", ", net")},
			Layer{Name: "files", OK: true, Detail: "a root of its own: the system read-only, the workspace, private /tmp, /proc, /dev and home"},
			Layer{Name: "protected names", OK: true, Detail: fmt.Sprintf("%d by mounts", len(s.protect))},
			Layer{Name: "hidden names", OK: true, Detail: fmt.Sprintf("%d by mounts", len(s.hide))},
			networkLayer(s.network, "its own loopback interface and nothing else"))
	} else {
		layers = append(layers,
			Layer{Name: "files", OK: true, Detail: "Landlock: the system read-only, the workspace, a private home; /proc is the host's, read-only; " +
				"names and sizes of other files can be seen, their contents cannot"},
			Layer{Name: "protected names", Detail: "commands can change them", Missing: "Landlock cannot except a name from a folder", Remedy: "level isolated"},
			Layer{Name: "hidden names", Detail: "commands can see them", Missing: "Landlock cannot except a name from a folder", Remedy: "level isolated"},
			networkLayer(s.network, "no sockets at all"))
	}
	return append(layers, limitsLayer(), processesLayer(s, level, group, slices.Contains(r.notes, pidsBounded)))
}

func ifs(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

func networkLayer(on bool, off string) Layer {
	return Layer{Name: "network", OK: true, Detail: ifs(on, "that of the host, as asked for", off)}
}

func landlockLayer(version int) Layer {
	l := Layer{Name: "landlock", OK: version > 0, Detail: fmt.Sprintf("ABI %d", version)}
	switch {
	case version == 0:
		l.Detail, l.Missing, l.Remedy = "files are confined by mounts alone", "Landlock", "Linux 5.13 or later with landlock in the lsm= list"
	case version == 1:
		l.Detail += "; files cannot be moved between folders, and any file that can be opened can be truncated"
	case version == 2:
		l.Detail += "; truncate() on a file that may only be read is not refused by it"
	}
	return l
}

func signalsLayer(world bool, version int) Layer {
	l := Layer{Name: "signals", OK: true, Detail: "commands reach no process outside"}
	if !world && version < 6 {
		l.OK, l.Detail, l.Missing = false, "commands can signal other processes of the same user", "Landlock ABI 6"
		l.Remedy = "Linux 6.12 or later, or level isolated"
	}
	return l
}

func limitsLayer() Layer {
	return Layer{Name: "limits", OK: true, Detail: "data, processor time, file size and open files of each process"}
}

// processesLayer: the kernel does not count the processes of the host's root.
func processesLayer(s *setup, level Level, group, bounded bool) Layer {
	l := Layer{Name: "process limit", OK: true, Detail: "by resource limit"}
	switch {
	case s.limits.processes == 0:
		l.Detail = "none was asked for"
	case group:
		l.Detail = "by control group"
	case s.count && bounded:
		l.Detail = "by the numbers that processes can have; up to 300 more than asked for"
	case s.count:
		l.OK, l.Detail = false, "counted by the helper, which ends the command that has most; one that is made for it can outrun it for a while"
		l.Missing = "a control group, or numbers of processes that can be bounded (Linux 6.14); the resource limit does not bind root"
		l.Remedy = "another user than root, level capped, or a limit on the whole container (docker run --pids-limit)"
	case level == Restricted:
		l.Detail = "by resource limit, which counts all processes of the user"
	}
	return l
}

func noCgroup(err error) Layer {
	return Layer{
		Name: "control group", Detail: "memory and processes are bounded one by one, not together", Missing: err.Error(),
		Remedy: "run as root, or in a delegated control group (systemd-run --user --scope -p Delegate=yes)",
	}
}

// explain turns the failure to build a jail into what is missing.
func explain(err error) Layer {
	l := Layer{Name: "namespaces", Detail: "no world of its own for commands", Missing: err.Error()}
	var se *stepError
	if !errors.As(err, &se) {
		return l
	}
	if strings.HasPrefix(se.step, "landlock") {
		return Layer{Name: "landlock", Detail: "files are not confined", Missing: "Landlock: " + se.err.Error(),
			Remedy: "Linux 5.13 or later with landlock in the lsm= list"}
	}
	l.Missing = "the kernel refused it (" + err.Error() + ")"
	l.Remedy = namespaceRemedy(errors.Is(err, unix.ENOSPC))
	if se.step == "/proc" {
		l.Remedy = "in a container: --security-opt systempaths=unconfined"
	}
	return l
}

func namespaceRemedy(full bool) string {
	for _, s := range []struct{ file, bad, remedy string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"an AppArmor profile with userns for this program, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	} {
		b, err := os.ReadFile(s.file)
		if err == nil && strings.TrimSpace(string(b)) == s.bad {
			return s.remedy
		}
	}
	if full {
		return "raise sysctl user.max_user_namespaces, now " + strconv.Itoa(readInt("/proc/sys/user/max_user_namespaces"))
	}
	return "allow user namespaces; in a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
		"--security-opt systempaths=unconfined, or be content with level restricted"
}

func readInt(file string) int {
	b, _ := os.ReadFile(file)
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return n
}
