package docker

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/internal/helper"
	"github.com/moby/moby/client"
)

// mux is an attached stream without a terminal as a connection: what the
// program inside prints comes in pieces, each with its length and the stream
// it is of. Standard error is kept aside.
type mux struct {
	net.Conn
	r    *bufio.Reader
	left uint32 // of the piece that is being read

	mu     sync.Mutex
	stderr []byte // the last of it
}

const (
	muxHeader = 8
	muxOut    = 1
	muxErr    = 2
	maxStderr = 4 << 10
)

func newMux(h client.HijackedResponse) *mux {
	return &mux{Conn: h.Conn, r: bufio.NewReaderSize(h.Reader, 64<<10)}
}

func (m *mux) Read(p []byte) (int, error) {
	for m.left == 0 {
		kind, n, err := m.piece()
		switch {
		case err != nil:
			return 0, err
		case kind == muxErr:
			err = m.aside(n)
		default:
			m.left = n
		}
		if err != nil {
			return 0, err
		}
	}
	if uint32(len(p)) > m.left {
		p = p[:m.left]
	}
	n, err := m.r.Read(p)
	m.left -= uint32(n)
	return n, err
}

// piece reads the head of the next piece: its stream and its length.
func (m *mux) piece() (kind byte, n uint32, err error) {
	var head [muxHeader]byte
	if k, err := readFull(m.r, head[:]); err != nil {
		if k > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, 0, err
	}
	if head[0] != muxOut && head[0] != muxErr {
		return 0, 0, errors.New("docker: the engine's stream makes no sense")
	}
	return head[0], binary.BigEndian.Uint32(head[4:]), nil
}

func readFull(r *bufio.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = r.Read(p[n:])
		n += k
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

func (m *mux) aside(n uint32) error {
	buf := make([]byte, min(n, maxStderr))
	for n > 0 {
		k, err := readFull(m.r, buf[:min(n, uint32(len(buf)))])
		m.mu.Lock()
		m.stderr = append(m.stderr, buf[:k]...)
		m.stderr = m.stderr[max(0, len(m.stderr)-maxStderr):]
		m.mu.Unlock()
		if err != nil {
			return err
		}
		n -= uint32(k)
	}
	return nil
}

// complaint is the last line on standard error.
func (m *mux) complaint() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(m.stderr)), "\n")
	return lines[len(lines)-1]
}

func (m *mux) CloseWrite() error {
	if c, ok := m.Conn.(client.CloseWriter); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// doorway is a socket of this machine that the container sees as well, so that
// the helper can connect past the engine. It is open for one connection only.
// Its directory stays, empty, as long as the container: the engine looks for it
// whenever it copies something in or out.
type doorway struct {
	dir string
	l   *net.UnixListener
}

const (
	doorwayFile   = "s"
	doorwayPrefix = "hutch-door-"
)

// doorwayOf is the directory for the container of an id.
func doorwayOf(id string) string { return filepath.Join(os.TempDir(), doorwayPrefix+id) }

// newDoorway is nil where there cannot be one: then the engine's stream serves.
func newDoorway(host, id string) *doorway {
	if runtime.GOOS != "linux" || !strings.HasPrefix(host, "unix://") {
		return nil
	}
	d := &doorway{dir: doorwayOf(id)}
	if os.Mkdir(d.dir, 0o700) != nil {
		return nil
	}
	file := filepath.Join(d.dir, doorwayFile)
	var err error
	d.l, err = net.ListenUnix("unix", &net.UnixAddr{Name: file, Net: "unix"})
	if err == nil {
		err = errors.Join(os.Chmod(file, 0o666), os.Chmod(d.dir, 0o711))
	}
	if err != nil {
		d.close()
		removeDoorway(id)
		return nil
	}
	return d
}

// close closes the socket and takes it away.
func (d *doorway) close() {
	if d != nil && d.l != nil {
		d.l.Close()
	}
}

// removeDoorway removes the directory of a container that is gone. Only an empty
// one can be removed like this.
func removeDoorway(id string) { _ = os.Remove(doorwayOf(id)) }

// sweepDoorways removes those of containers that are gone.
func sweepDoorways(there map[string]bool, now time.Time) {
	all, _ := filepath.Glob(doorwayOf("*"))
	for _, dir := range all {
		info, err := os.Lstat(dir)
		id := strings.TrimPrefix(filepath.Base(dir), doorwayPrefix)
		if err == nil && info.IsDir() && !there[id] && now.Sub(info.ModTime()) > 10*time.Minute {
			_ = os.Remove(filepath.Join(dir, doorwayFile))
			removeDoorway(id)
		}
	}
}

// accept waits for the one who says the key. Nothing runs in the container yet
// that could be in its way, but the socket can be seen on this machine, so
// nobody has to wait for another.
func (d *doorway) accept(ctx context.Context, key string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { d.l.Close() })
	defer stop()
	right := make(chan net.Conn, 1)
	var asking sync.WaitGroup
	for {
		conn, err := d.l.Accept()
		if err != nil {
			cancel()
			asking.Wait()
			select {
			case conn := <-right:
				return conn, conn.SetDeadline(time.Time{})
			default:
				return nil, err
			}
		}
		asking.Go(func() {
			if !says(ctx, conn, key) {
				conn.Close()
				return
			}
			select {
			case right <- conn:
				cancel() // which ends the loop
			default:
				conn.Close()
			}
		})
	}
}

// says reports whether the other end knows the key. It ends with ctx.
func says(ctx context.Context, conn net.Conn, key string) bool {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	var h helper.Hello
	err := helper.ReadLine(conn, &h)
	return err == nil && subtle.ConstantTimeCompare([]byte(h.Key), []byte(key)) == 1
}
