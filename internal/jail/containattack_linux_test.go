//go:build amd64 || arm64

package jail

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// containAttacks are on what Contain promises; the container is not its business.
var containAttacks = append(pick(attacks,
	"open the helper's memory", "open the memory of the helper's threads", "read the helper's environment", "read the environment of the helper's threads",
	"read the helper's descriptors", "leave through the helper's root", "leave through the helper's folder", "read the helper's memory by call",
	"trace the helper", "change the tag", "change the tag by its number", "change the tag the old way", "limit the helper",
	"slow down all of a user", "starve the disk of all of a user",
), []attack{
	{"limit a thread of the helper", func() error {
		return eachThread(func(tid int) error {
			return mustBe(unix.EPERM, unix.Prlimit(tid, unix.RLIMIT_CPU, &unix.Rlimit{}, nil))
		})
	}},
	{"change the tag of another", func() error {
		return mustBe(unix.EPERM, unix.Prlimit(1, unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: 5, Max: unix.RLIM_INFINITY}, nil))
	}},
	{"fault a thread of the helper", func() error {
		return eachThread(func(tid int) error { return call(unix.SYS_TKILL, uintptr(tid), uintptr(unix.SIGSEGV)) })
	}},
	{"seize the helper", func() error { return mustBe(unix.EPERM, unix.PtraceSeize(os.Getppid())) }},
	{"forge a fault of the helper", func() error {
		return eachThread(func(tid int) error {
			info := [128]byte{0: byte(unix.SIGSEGV), 8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff} // si_code SI_QUEUE
			return call(unix.SYS_RT_SIGQUEUEINFO, uintptr(tid), uintptr(unix.SIGSEGV), ptr(&info))
		})
	}},
	{"forge a fault of a thread of the helper", func() error {
		return eachThread(func(tid int) error {
			info := [128]byte{0: byte(unix.SIGSEGV), 8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff}
			return call(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(os.Getppid()), uintptr(tid), uintptr(unix.SIGSEGV), ptr(&info))
		})
	}},
	{"slow down the helper", func() error {
		return mustBe(unix.EPERM, unix.Setpriority(unix.PRIO_PROCESS, os.Getppid(), 19))
	}},
	{"starve the disk of the helper", func() error {
		return mustBe(unix.EPERM, call(unix.SYS_IOPRIO_SET, 1, uintptr(os.Getppid()), 3<<13))
	}},
	{"move the helper to one processor", func() error {
		var set unix.CPUSet
		set.Set(0)
		return mustBe(unix.EPERM, unix.SchedSetaffinity(os.Getppid(), &set))
	}},
	{"make the helper idle", func() error {
		param := int32(0)
		return mustBe(unix.EPERM, call(unix.SYS_SCHED_SETSCHEDULER, uintptr(os.Getppid()), unix.SCHED_IDLE, ptr(&param)))
	}},
	{"own a socket in the name of the helper", func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		pid := int32(os.Getppid())
		return mustBe(unix.EPERM, call(unix.SYS_IOCTL, uintptr(fd), fioSetOwn, ptr(&pid)))
	}},
	{"x32", func() error {
		return mustBe(unix.ENOSYS, call(x32Bit|unix.SYS_PRLIMIT64, 0, unix.RLIMIT_RTTIME, ptr(&unix.Rlimit{Cur: 5}), 0))
	}},
	{"raise the score of the helper", func() error { return os.WriteFile(parent("oom_score_adj"), []byte("1000"), 0) }},
	{"find a freedom lost", func() error { return freedoms() }},
}...)

func pick(list []attack, names ...string) (picked []attack) {
	for _, a := range list {
		if slices.Contains(names, a.name) {
			picked = append(picked, a)
		}
	}
	if len(picked) != len(names) {
		panic("an attack has another name")
	}
	return picked
}

// freedoms tries what must stay allowed; it returns nil, as if an attack had worked, if something is not.
func freedoms() error {
	none := &unix.Rlimit{}
	for name, do := range map[string]func() error{
		"socket":            socket(unix.AF_INET, unix.SOCK_STREAM, 0),
		"read a limit":      func() error { return unix.Prlimit(0, unix.RLIMIT_RTTIME, nil, none) },
		"lower a limit":     func() error { return unix.Prlimit(0, unix.RLIMIT_CORE, none, nil) },
		"signal oneself":    func() error { return unix.Kill(os.Getpid(), 0) },
		"signal one's kind": func() error { return unix.Tgkill(os.Getpid(), os.Getpid(), unix.SIGURG) },
		"be nice":           func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, 19) },
		"own a file": func() error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			return errors.Join(err, call(unix.SYS_FCNTL, uintptr(fd), unix.F_SETOWN, uintptr(os.Getpid())))
		},
		"set-user-ID": func() error {
			if err := os.WriteFile("mine", nil, 0o755); err != nil {
				return err
			}
			return unix.Chmod("mine", 0o4755)
		},
	} {
		if err := do(); err != nil {
			fmt.Printf("note\t%s: %v\n", name, err)
			return nil
		}
	}
	return errors.New("all are there")
}
