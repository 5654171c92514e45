//go:build amd64 || arm64

package jail

import (
	"errors"
	"io"
	"os"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// drainTime is how long a pipe may stay open after everybody who should hold it is dead.
const drainTime = 5 * time.Second

// streams connects a command to the caller's readers and writers: files go along as they are, anything else by a pipe.
type streams struct {
	bits   byte
	fds    []int      // to be sent
	ours   []int      // of these, the ones to close afterwards
	in     *os.File   // our end of stdin
	outs   []*os.File // our ends of stdout and stderr
	copies sync.WaitGroup
	broken chan error // gets the first failure to write
	keep   []any
}

func newStreams(c *Command) (*streams, error) {
	s := &streams{broken: make(chan error, 2)}
	err := s.stdin(c.Stdin)
	if err == nil {
		err = s.output(c.Stdout, hasStdout)
	}
	if err == nil && c.Stderr != nil && sameWriter(c.Stdout, c.Stderr) {
		s.bits |= stderrIsStdout
	} else if err == nil {
		err = s.output(c.Stderr, hasStderr)
	}
	if err != nil {
		s.sent()
		s.abandon()
		return nil, err
	}
	return s, nil
}

func sameWriter(a, b io.Writer) bool {
	t := reflect.TypeOf(a)
	return a != nil && t == reflect.TypeOf(b) && t.Comparable() && a == b
}

// harmless reports whether a command may have the file itself: a pipe, or a regular file to read, opened for no more than its
// use. By a terminal it could read what is typed, by a file to write it could change what is there.
func harmless(f *os.File, mode int) (ok bool) {
	raw, err := f.SyscallConn() // unlike Fd it leaves the file as it is
	if err != nil {
		return false
	}
	err = raw.Control(func(fd uintptr) {
		var st unix.Stat_t
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		if err != nil || unix.Fstat(int(fd), &st) != nil || flags&unix.O_ACCMODE != mode {
			return
		}
		kind := st.Mode & unix.S_IFMT
		ok = kind == unix.S_IFIFO || kind == unix.S_IFREG && mode == unix.O_RDONLY
	})
	return ok && err == nil
}

// file sends the descriptor of a caller's file.
func (s *streams) file(f *os.File, bit byte) error {
	fd := f.Fd()
	if fd == ^uintptr(0) {
		return os.ErrClosed
	}
	s.bits |= bit
	s.fds = append(s.fds, int(fd))
	s.keep = append(s.keep, f)
	return nil
}

// pipe sends one end of a new pipe and returns the other.
func (s *streams) pipe(bit byte, theirs int) (*os.File, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	_ = unix.SetNonblock(p[1-theirs], true)
	s.bits |= bit
	s.fds = append(s.fds, p[theirs])
	s.ours = append(s.ours, p[theirs])
	return os.NewFile(uintptr(p[1-theirs]), "pipe"), nil
}

func (s *streams) stdin(r io.Reader) error {
	if r == nil {
		return nil
	}
	if f, ok := r.(*os.File); ok && harmless(f, unix.O_RDONLY) {
		return s.file(f, hasStdin)
	}
	w, err := s.pipe(hasStdin, 0)
	if err != nil {
		return err
	}
	s.in = w
	go func() {
		_, _ = io.Copy(w, r) // a command need not read its input
		w.Close()
	}()
	return nil
}

func (s *streams) output(w io.Writer, bit byte) error {
	if w == nil {
		return nil
	}
	if f, ok := w.(*os.File); ok && harmless(f, unix.O_WRONLY) {
		return s.file(f, bit)
	}
	r, err := s.pipe(bit, 1)
	if err != nil {
		return err
	}
	s.outs = append(s.outs, r)
	s.copies.Go(func() {
		err := drain(w, r)
		r.Close()
		if err != nil {
			s.broken <- err
		}
	})
	return nil
}

// drain copies until the pipe ends or its deadline has passed and it is empty. The error is that of w.
func drain(w io.Writer, r *os.File) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			n, err = readNow(r, buf)
		}
		if n > 0 {
			if m, werr := w.Write(buf[:n]); werr != nil {
				return werr
			} else if m < n {
				return io.ErrShortWrite
			}
		}
		if err != nil || n == 0 {
			return nil
		}
	}
}

// readNow reads what is in the pipe without waiting.
func readNow(r *os.File, buf []byte) (n int, err error) {
	raw, err := r.SyscallConn()
	if err != nil {
		return 0, err
	}
	cerr := raw.Control(func(fd uintptr) { n, err = unix.Read(int(fd), buf) })
	return max(n, 0), errors.Join(err, cerr)
}

// sent closes what the helper has by now.
func (s *streams) sent() {
	closeAll(s.ours)
	s.ours, s.keep = nil, nil
}

// abandon ends the copying of a command that never ran.
func (s *streams) abandon() {
	closeAll(s.ours)
	s.ours = nil
	if s.in != nil {
		s.in.Close()
	}
	s.copies.Wait()
}

// finish waits until all output is written, and returns the first failure to do so. Nobody alive holds the pipes, so
// they end by themselves; the deadline is for processes beyond killing.
func (s *streams) finish() error {
	if s.in != nil {
		s.in.Close()
	}
	for _, r := range s.outs {
		_ = r.SetReadDeadline(time.Now().Add(drainTime))
	}
	s.copies.Wait()
	select {
	case err := <-s.broken:
		return err
	default:
		return nil
	}
}
