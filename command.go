package hutch

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Cmd is one program to run.
type Cmd struct {
	// Args is the program and its arguments. A program without a slash is
	// looked up in the PATH of the sandbox; no shell is involved.
	Args []string
	// Dir is the name of the directory to run in; "" is the root of the backend.
	Dir string
	// Env holds "KEY=value" entries that are added to the environment of the
	// sandbox and win over it. Nothing of the caller's own environment is passed.
	Env []string
	// Stdin is what the command reads; nil is empty.
	Stdin io.Reader
	// Stdout and Stderr receive what the command prints, as it prints it; nil
	// discards. Where both are the same writer, it is called from one goroutine
	// at a time.
	Stdout, Stderr io.Writer
	// Signals, if not nil, are signals for the command while it runs, as their
	// names: those that [Signaler] gives. Each goes to the process group of its
	// first process, as from a terminal; unknown ones go nowhere. Exec no longer
	// receives when it returns. A sandbox that is no Signaler refuses a command
	// with it, with an error that matches errors.ErrUnsupported.
	Signals <-chan string
	// Limits for this command, within those of the sandbox.
	Limits Limits
}

// Limits bounds a command. A zero field leaves the bound of the sandbox, and no
// field can go beyond it.
type Limits struct {
	// Time is how long the command may run. When it is over the tree of the
	// command is killed, and the Result says TimedOut.
	Time time.Duration
	// CPU is processor time per process.
	CPU time.Duration
	// Memory is in bytes: of the whole sandbox where the backend can count
	// that, else of the data of each process.
	Memory int64
	// Processes is how many processes and threads there may be at a time.
	Processes int
	// FileSize is the largest file that a process may write, in bytes.
	FileSize int64
	// OpenFiles is how many files a process may have open at a time.
	OpenFiles int
}

// Result says how a command ended.
type Result struct {
	// ExitCode is the status as a shell reports it: 0 to 255, 128+n after
	// signal n, 124 after a time-out.
	ExitCode int
	// Signal is the name of the signal that ended the command ("SIGSEGV"), or "".
	Signal string
	// TimedOut says that Limits.Time ended the command.
	TimedOut bool
	// Duration is the time from start to end.
	Duration time.Duration
}

// TimeoutExitCode is the ExitCode of a command that ran out of time, as
// timeout(1) has it.
const TimeoutExitCode = 124

// Shell makes a command that runs script with sh -c.
func Shell(script string) *Cmd {
	return &Cmd{Args: []string{"sh", "-c", script}}
}

// DefaultCapture is how many bytes a Capture keeps where it names no number.
const DefaultCapture = 100_000

// Capture is a writer that keeps the head and the tail of what it is given and
// counts what it drops between them, so that a command cannot fill memory and
// the end of its output, where the error is, survives. The zero value is ready;
// it is safe for concurrent use and never returns an error.
type Capture struct {
	// Max is how many bytes are kept, half of them head; 0 is DefaultCapture.
	// Set it before the first write.
	Max int

	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it is full
	at    int    // where the next byte of the ring goes
	total int64
}

// Write implements io.Writer.
func (c *Capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(p)
	c.total += int64(n)
	headMax, tailMax := c.sizes()
	if room := headMax - len(c.head); room > 0 {
		k := min(room, len(p))
		c.head = append(c.head, p[:k]...)
		p = p[k:]
	}
	p = p[max(0, len(p)-tailMax):]
	if room := tailMax - len(c.tail); room > 0 {
		k := min(room, len(p))
		c.tail = append(c.tail, p[:k]...)
		p = p[k:]
	}
	for len(p) > 0 {
		k := copy(c.tail[c.at:], p)
		c.at = (c.at + k) % len(c.tail)
		p = p[k:]
	}
	return n, nil
}

func (c *Capture) sizes() (head, tail int) {
	m := c.Max
	if m <= 0 {
		m = DefaultCapture
	}
	return m / 2, m - m/2
}

// Dropped is how many bytes were not kept.
func (c *Capture) Dropped() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped()
}

func (c *Capture) dropped() int64 { return c.total - int64(len(c.head)) - int64(len(c.tail)) }

// Len is how many bytes were written in all.
func (c *Capture) Len() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// Bytes is what was kept: all of it, or head and tail with a line between them
// that says how many bytes were dropped.
func (c *Capture) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]byte, 0, len(c.head)+len(c.tail)+48)
	out = append(out, c.head...)
	if d := c.dropped(); d > 0 {
		out = fmt.Appendf(out, "\n... (%d bytes dropped) ...\n", d)
	}
	out = append(out, c.tail[c.at:]...)
	return append(out, c.tail[:c.at]...)
}

// String is Bytes as text; bytes that are not UTF-8, such as a character cut at
// the edge of what was dropped, become U+FFFD.
func (c *Capture) String() string { return strings.ToValidUTF8(string(c.Bytes()), "\ufffd") }
