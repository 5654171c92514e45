package shell

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// tags are the marks of the commands that run: soft limits of resident memory,
// in KiB, which Linux does not enforce. They fit into 32 bits as bytes, and are
// large enough for programs that take them for true.
type tags struct {
	mu   sync.Mutex
	used map[int64]bool
}

const (
	firstTag = 3_000_000
	lastTag  = 4_190_000
)

func (t *tags) take() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == nil {
		t.used = map[int64]bool{}
	}
	for {
		tag := firstTag + rand.Int64N(lastTag-firstTag)
		if !t.used[tag] {
			t.used[tag] = true
			return tag
		}
	}
}

func (t *tags) drop(tag int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.used, tag)
}

// strays ends processes that have changed their tag, where that can be said: no
// other command runs, and none starts meanwhile.
func (s *Sandbox) strays(ctx context.Context, tag int64) error {
	if !s.opts.Exclusive {
		return nil
	}
	s.tags.mu.Lock()
	defer s.tags.mu.Unlock()
	if len(s.tags.used) > 1 {
		return nil
	}
	for {
		n, err := s.kill(ctx, "*")
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errStuck
		case <-time.After(time.Millisecond):
		}
	}
}

// signals are the names of Linux.
var signals = map[int]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
	10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 16: "SIGSTKFLT", 17: "SIGCHLD",
	18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU", 23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ",
	26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO", 30: "SIGPWR", 31: "SIGSYS",
}

func signalName(n int) string {
	if name, ok := signals[n]; ok {
		return name
	}
	return "SIG" + strconv.Itoa(n)
}
