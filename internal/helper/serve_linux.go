package helper

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch/internal/jail"
	"github.com/hutch-dev/hutch/internal/wire"
	"github.com/hutch-dev/hutch/local"
)

func init() {
	if len(os.Args) < 3 || os.Args[1] != Magic {
		return
	}
	switch {
	case os.Args[2] == Serve:
		os.Exit(serve())
	case os.Args[2] == Dial:
		os.Exit(dial())
	case os.Args[2] == Share && len(os.Args) == 4:
		if os.Chmod(os.Args[3], 0o777) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// setupTime is how long an owner may take to say what it wants, and a later one to say its key.
const setupTime = time.Minute

// service is the helper at work.
type service struct {
	setup   *Setup
	handler http.Handler
	files   *local.Sandbox
	jail    *jail.Jail
	end     context.CancelFunc

	mu       sync.Mutex
	owners   int
	detached bool
	timer    *time.Timer // runs while there is no owner
}

func serve() int {
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer end()
	stuck := time.AfterFunc(setupTime, func() { os.Exit(1) })
	var setup Setup
	err := ReadLine(os.Stdin, &setup)
	stuck.Stop()
	if err == nil && setup.Version != Version {
		err = errors.New("owner and helper are of different versions")
	}
	s := &service{setup: &setup, end: end}
	if err == nil {
		err = s.open(ctx)
	}
	if err != nil {
		_ = WriteLine(os.Stdout, Answer{Error: err.Error()})
		return 1
	}
	defer s.close()
	if err := s.first(ctx); err != nil {
		return 1
	}
	<-ctx.Done()
	return 0
}

// open makes everything ready for the first owner.
func (s *service) open(ctx context.Context) (err error) {
	s.files, err = local.Open(s.setup.Root, &local.Options{
		Isolation: local.Unconfined, HostPath: true, Unprotect: local.DefaultProtect(),
	})
	if err != nil {
		return err
	}
	s.jail, err = jail.Contain(ctx, &jail.Config{Dir: s.setup.Root, Env: os.Environ()})
	if err != nil {
		s.files.Close()
		return err
	}
	ours := &workspace{Sandbox: s.files, jail: s.jail}
	s.handler = wire.NewHandler(ours, &wire.HandlerOptions{Root: s.setup.Root, Extra: map[string]http.Handler{
		RouteDetach: wire.Answer(s.detach),
	}})
	s.timer = time.AfterFunc(s.setup.Lease, s.end)
	return s.listen(ctx)
}

func (s *service) close() {
	s.jail.Close()
	s.files.Close()
}

// first connects to the owner that started this, in the best way there is.
func (s *service) first(ctx context.Context) error {
	var conn net.Conn = stdio{}
	answer := Answer{}
	if s.setup.Socket != "" {
		if c, err := net.Dial("unix", s.setup.Socket); err == nil {
			conn, answer.Socket = c, true
		}
	}
	if err := WriteLine(os.Stdout, answer); err != nil {
		return err
	}
	if answer.Socket { // so that the socket's other end knows that this is its helper, and no other program
		if err := WriteLine(conn, Hello{Version: Version, Key: s.setup.Key}); err != nil {
			return err
		}
	}
	s.arrive()
	go s.attend(ctx, conn)
	debug.FreeOSMemory() // also what start-up has left
	shrink()
	return nil
}

// listen lets later owners in.
func (s *service) listen(ctx context.Context) error {
	l, err := net.Listen("unix", "@"+s.setup.Name)
	if err != nil {
		return errors.New("the socket for later owners is taken")
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.later(ctx, conn)
		}
	}()
	return nil
}

// later serves an owner that came through the dialler.
func (s *service) later(ctx context.Context, conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(setupTime))
	var h Hello
	err := ReadLine(conn, &h)
	if err != nil || h.Version != Version || subtle.ConstantTimeCompare([]byte(h.Key), []byte(s.setup.Key)) != 1 {
		conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	s.arrive()
	if WriteLine(conn, Answer{}) != nil {
		conn.Close()
		s.leave()
		return
	}
	s.attend(ctx, conn)
}

func (s *service) attend(ctx context.Context, conn net.Conn) {
	_ = wire.ServeConn(ctx, conn, s.handler)
	conn.Close()
	s.leave()
}

func (s *service) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners++
	s.detached = false
	s.timer.Stop()
}

// leave lets the lease run once the last owner has gone.
func (s *service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners--
	if s.owners > 0 {
		return
	}
	wait := s.setup.Lease
	if s.detached {
		wait = s.setup.Idle
	}
	if wait >= 0 {
		s.timer.Reset(wait)
	}
}

func (s *service) detach(context.Context, struct{}) (struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detached = true
	return struct{}{}, nil
}

// stdio is the standard streams as a connection.
type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdio) Close() error                { return errors.Join(os.Stdin.Close(), os.Stdout.Close()) }

func (stdio) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "helper", Net: "unix"} }
func (stdio) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "owner", Net: "unix"} }
func (stdio) SetDeadline(time.Time) error      { return nil }
func (stdio) SetReadDeadline(time.Time) error  { return nil }
func (stdio) SetWriteDeadline(time.Time) error { return nil }
