package shell

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	//go:embed serve.sh
	serveScript string
	//go:embed lock.sh
	lockScript string
	//go:embed change.sh
	changeScript string
	//go:embed place.sh
	placeScript string
)

const (
	// small is the most that goes through a shell at once.
	small = 64 << 10
	// maxAnswer bounds the answer about one file; a list is as long as it is.
	maxAnswer = 4 << 20
	// grace is how long a shell may take to answer after the context has ended,
	// before it is given up.
	grace = 300 * time.Millisecond
	// patience is how long is waited for what should come at once.
	patience = 10 * time.Second
)

// server is a shell that serves operations, one at a time.
type server struct {
	p     Process
	token string // in the last line of each answer
	calls int
	out   chan []byte // what it prints; closed when that ends
	dead  chan struct{}
	once  sync.Once
	rest  []byte // of out, not used yet
}

// serve starts a shell and gives it its functions.
func serve(ctx context.Context, h Host, o *Options, session string) (*server, error) {
	p, err := h.Start(ctx, []string{"sh"}, StartOptions{Dir: "/", Env: servingEnv(o.Env), Stdin: true})
	if err != nil {
		return nil, err
	}
	sv := &server{p: p, token: rand.Text(), out: make(chan []byte), dead: make(chan struct{})}
	go sv.read()
	go io.Copy(io.Discard, p.Stderr())
	script := "root=" + quote(o.Root) + " sid=" + quote(session) + " lim=" + strconv.Itoa(small) + "\n" +
		serveScript + lockScript + changeScript + placeScript + "began $$ && me=\"$$ $t\"\nr=ok\nh_end " + sv.token + ".0\n"
	if a, err := sv.send(ctx, script, maxAnswer); err != nil || a.word != "ok" {
		sv.close()
		if err == nil {
			err = errGarbled
		}
		return nil, err
	}
	return sv, nil
}

// servingEnv is that of our own programs: nothing but the PATH of commands.
func servingEnv(env []string) []string {
	return []string{"PATH=" + pathOf(env), "LC_ALL=C", "TZ=UTC0"}
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// pathOf is the last PATH of an environment.
func pathOf(env []string) string {
	path := defaultPath
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	return path
}

func (sv *server) close() {
	sv.once.Do(func() {
		close(sv.dead)
		sv.p.Close()
	})
}

func (sv *server) read() {
	defer close(sv.out)
	for {
		buf := make([]byte, 32<<10)
		n, err := sv.p.Read(buf)
		if n > 0 {
			select {
			case sv.out <- buf[:n]:
			case <-sv.dead:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// alive reports whether an idle shell can be asked: it has not ended, and has
// not printed what nobody asked for.
func (sv *server) alive() bool {
	if len(sv.rest) > 0 {
		return false
	}
	select {
	case <-sv.out:
		return false
	case <-sv.dead:
		return false
	default:
		return true
	}
}

// call runs a function with arguments. After an error the shell is of no use.
func (sv *server) call(ctx context.Context, most int, function string, args ...string) (*answer, error) {
	sv.calls++
	end := sv.token + "." + strconv.Itoa(sv.calls)
	return sv.sendUntil(ctx, line("h_"+function, args)+"; h_end "+end+"\n", end, most)
}

func (sv *server) send(ctx context.Context, script string, most int) (*answer, error) {
	return sv.sendUntil(ctx, script, sv.token+".0", most)
}

func (sv *server) sendUntil(ctx context.Context, script, end string, most int) (*answer, error) {
	defer sv.watch(ctx)()
	if _, err := io.WriteString(sv.p, script); err != nil {
		sv.close()
		return nil, gone(ctx)
	}
	c := collector{end: []byte("\n//:" + end + " "), most: most}
	for {
		done, err := c.add(sv.rest)
		sv.rest = nil
		if err != nil {
			sv.close()
			return nil, err
		}
		if done {
			sv.rest = c.left
			return &c.answer, nil
		}
		more, ok := <-sv.out
		if !ok {
			sv.close()
			return nil, gone(ctx)
		}
		sv.rest = more
	}
}

// gone is the error of a shell that has ended, perhaps because ctx has.
func gone(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errGone
}

// watch gives the shell up some time after ctx has ended, until the function
// that it returns is called.
func (sv *server) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			sv.close()
		}
	}()
	return func() { close(done); <-over }
}

// collector puts an answer together.
type collector struct {
	answer
	end  []byte // the beginning of its last line
	most int
	buf  []byte
	seen int // of buf, in which end does not begin
	left []byte
}

// add takes more, and reports whether the answer is whole.
func (c *collector) add(more []byte) (bool, error) {
	c.buf = append(c.buf, more...)
	if len(c.buf) > c.most {
		return false, errGarbled
	}
	at := bytes.Index(c.buf[c.seen:], c.end)
	if at < 0 {
		c.seen = max(c.seen, len(c.buf)-len(c.end)+1)
		return false, nil
	}
	at += c.seen
	c.seen = at
	last := c.buf[at+len(c.end):]
	nl := bytes.IndexByte(last, '\n')
	if nl < 0 {
		return false, nil
	}
	c.left = last[nl+1:]
	c.body = c.buf[:at]
	word, rest, _ := strings.Cut(string(last[:nl]), " ")
	c.word, c.answer.rest = word, rest
	return true, nil
}
