package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// taker has commands that take signals until SIGTERM, each after a word from may,
// if that is not nil, and print them.
type taker struct {
	*state.Backend
	names []string
	may   chan struct{}
}

func (k taker) Signals() []string { return k.names }

func (k taker) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	for {
		if k.may != nil {
			select {
			case <-k.may:
			case <-ctx.Done():
				return hutch.Result{}, ctx.Err()
			}
		}
		select {
		case name := <-cmd.Signals:
			if name == "SIGTERM" {
				return hutch.Result{ExitCode: 5}, nil
			}
			if cmd.Stdout != nil {
				fmt.Fprint(cmd.Stdout, name, " ")
			}
		case <-ctx.Done():
			return hutch.Result{}, ctx.Err()
		}
	}
}

func newTaker(names ...string) taker { return taker{Backend: state.New(nil), names: names} }

// TestSignalOrder: signals arrive in their order, and none before the last one
// was taken, over connections good and bad.
func TestSignalOrder(t *testing.T) {
	for _, c := range []*Client{
		far(t, newTaker("SIGUSR1", "SIGUSR2", "SIGTERM")), farOver(t, newTaker("SIGUSR1", "SIGUSR2", "SIGTERM"), chop),
	} {
		var out bytes.Buffer
		signals := make(chan string)
		want := ""
		var sending sync.WaitGroup
		sending.Go(func() {
			for i := range 200 {
				name := []string{"SIGUSR1", "SIGUSR2", "SIGHUP", "x", ""}[i%7%5]
				signals <- name
				if strings.HasPrefix(name, "SIGUSR") {
					want += name + " "
				}
			}
			signals <- "SIGTERM"
		})
		res, err := c.Exec(t.Context(), &hutch.Cmd{Args: []string{"x"}, Stdout: &out, Signals: signals})
		if err != nil || res.ExitCode != 5 {
			t.Fatalf("%+v, %v", res, err)
		}
		sending.Wait()
		if out.String() != want {
			t.Errorf("what arrives is %q, want %q", out.String(), want)
		}
		for range 20 {
			select {
			case signals <- "SIGUSR1":
				t.Fatal("a signal is received when Exec has returned")
			default:
				runtime.Gosched()
			}
		}
	}
}

// TestSignalHeld ends a command that does not take its signal, in every way.
func TestSignalHeld(t *testing.T) {
	for way, end := range map[string]func(*link, context.CancelFunc){
		"canceled": func(_ *link, cancel context.CancelFunc) { cancel() },
		"cut":      func(l *link, _ context.CancelFunc) { l.mine.Close() },
		"closed":   func(l *link, _ context.CancelFunc) { l.c.Close() },
	} {
		k := newTaker("SIGUSR1")
		k.may = make(chan struct{})
		l := newLink(t, k)
		ctx, cancel := context.WithCancel(t.Context())
		signals, ended := make(chan string), make(chan error)
		go func() {
			_, err := l.c.Exec(ctx, &hutch.Cmd{Args: []string{"x"}, Signals: signals})
			ended <- err
		}()
		signals <- "SIGUSR1"
		end(l, cancel)
		if err := <-ended; err == nil {
			t.Errorf("%s: no error", way)
		}
		select {
		case signals <- "SIGUSR1":
			t.Errorf("%s: a signal is received when Exec has returned", way)
		default:
		}
		cancel()
	}
}

// helloFrom makes a client of a far side that says w.
func helloFrom(t *testing.T, w welcome) (*Client, error) {
	t.Helper()
	rt, url := overHTTP(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c := &call{ctx: r.Context(), r: r, in: receiver{r: r.Body}}
		if !c.begins(rw, "hello", maxHead) {
			t.Error("a request after hello")
			return
		}
		c.answer(rw, &route{serve: func(c *call) error { return c.result(w) }})
	}))
	return NewClient(t.Context(), rt, url, nil)
}

// TestSignalHello: what is said of signals is believed only if it can be true, and
// who says nothing has none.
func TestSignalHello(t *testing.T) {
	many := slices.Repeat([]string{"SIGTERM"}, maxSignals+1)
	for _, bad := range [][]string{{"SIGTERM", "SIGKILL"}, {"TERM"}, {""}, {"SIG"}, {"SIGTERM\n"}, {"SIGterm"}, {"SIG" + strings.Repeat("X", maxSignal)}, many} {
		if _, err := helloFrom(t, welcome{Version: Version, Powers: []string{powerExec}, Signals: bad}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%.100q: %v", bad, err)
		}
	}
	for _, w := range []welcome{
		{Version: Version, Powers: []string{powerExec}}, {Version: Version, Signals: []string{"SIGTERM"}},
	} {
		c, err := helloFrom(t, w)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := hutch.As[hutch.Signaler](c); ok {
			t.Errorf("%+v: a Signaler", w)
		}
	}
	c, err := helloFrom(t, welcome{Version: Version, Powers: []string{powerExec}}) // as a server that has never heard of signals
	if err != nil {
		t.Fatal(err)
	}
	cmd := hutch.Shell("x")
	cmd.Signals = make(chan string)
	if _, err := c.Exec(t.Context(), cmd); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a command with signals that cannot be sent: %v", err)
	}
	s, ok := hutch.As[hutch.Signaler](far(t, newTaker(append([]string{"TERM", "SIGKILL", "SIGINT", "SIGRTMIN+1", "SIG é"}, many...)...)))
	if !ok || len(s.Signals()) != maxSignals || !slices.Equal(s.Signals()[:3], []string{"SIGINT", "SIGRTMIN+1", "SIGTERM"}) {
		t.Errorf("of a backend that has impossible ones there are told %v, %q", ok, s.Signals())
	}
}

// deaf has commands that end with their input and take no signal.
type deaf struct{ *state.Backend }

func (deaf) Signals() []string { return []string{"SIGTERM", "SIGUSR1"} }

func (deaf) Exec(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	_, err := io.Copy(io.Discard, cmd.Stdin)
	return hutch.Result{ExitCode: 3}, err
}

// TestBrokenSignals sends frames with signals that no client of ours sends.
func TestBrokenSignals(t *testing.T) {
	rt, url := overHTTP(t, NewHandler(deaf{state.New(nil)}, nil))
	none, urlNone := overHTTP(t, NewHandler(newTaker(), nil))
	const plain = `{"op":"exec","id":7,"command":{"args":["eA=="],"stdin":true}}`
	announced := strings.Replace(plain, "}}", `,"signals":true}}`, 1)
	request := func(head string, kind byte, names ...string) []byte {
		var s sender
		b := s.add(nil, kindHead, []byte(head))
		for _, name := range names {
			b = s.add(b, kind, []byte(name))
		}
		return s.end(b)
	}
	for what, b := range map[string][]byte{
		"not announced":    request(plain, kindSignal, "SIGTERM"),
		"without a name":   request(announced, kindSignal, ""),
		"no name":          request(announced, kindSignal, "TERM"),
		"SIGKILL":          request(announced, kindSignal, "SIGKILL"),
		"a long name":      request(announced, kindSignal, "SIG"+strings.Repeat("X", maxSignal)),
		"noise":            request(announced, kindSignal, "SIG\x00\xff"),
		"two at a time":    request(announced, kindSignal, "SIGUSR1", "SIGTERM"),
		"the other way":    request(announced, kindTaken, ""),
		"a head with text": request(strings.Replace(announced, "true}}", `"SIGTERM"}}`, 1), kindSignal),
	} {
		status, answer := post(t, rt, url+"/hutch/v1/exec", b)
		if status == http.StatusBadRequest {
			continue
		}
		if _, err := answered(t, answer, 7); err == nil {
			t.Errorf("%s: the command has a result", what)
		}
	}
	for what, b := range map[string][]byte{"none": request(announced, kindSignal), "one": request(announced, kindSignal, "SIGUSR1")} {
		_, answer := post(t, rt, url+"/hutch/v1/exec", b)
		if result, err := answered(t, answer, 7); err != nil {
			t.Errorf("%s: %s, %v", what, result, err)
		}
	}
	_, answer := post(t, none, urlNone+"/hutch/v1/exec", request(announced, kindSignal, "SIGTERM"))
	if _, err := answered(t, answer, 7); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("signals of a backend that has none: %v", err)
	}
}

// TestSignalLies has a far side that takes signals that nobody has sent.
func TestSignalLies(t *testing.T) {
	taken, lies := 0, 0
	rt, url := overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		c := &call{ctx: r.Context(), r: r, in: receiver{r: r.Body}}
		if !c.begins(w, op, maxExecHead) {
			return
		}
		c.answer(w, &route{serve: func(c *call) error {
			if op == "hello" {
				return c.result(welcome{Version: Version, Powers: []string{powerExec}, Signals: []string{"SIGTERM"}})
			}
			for range taken {
				if kind, p, err := c.in.frame(maxFrame); err != nil || kind != kindSignal || string(p) != "SIGTERM" {
					return broken("%d %q %v", kind, p, err)
				}
				_ = c.out.put(kindTaken, nil)
			}
			for range lies {
				_ = c.out.put(kindTaken, nil)
			}
			return c.result(result{ExitCode: 3})
		}})
	}))
	c, err := NewClient(t.Context(), rt, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range [][2]int{{0, 0}, {2, 0}, {0, 1}, {1, 1}} {
		taken, lies = n[0], n[1]
		signals := make(chan string, 2)
		for range taken {
			signals <- "SIGTERM"
		}
		res, err := c.Exec(t.Context(), &hutch.Cmd{Args: []string{"x"}, Signals: signals})
		if lies == 0 && (err != nil || res.ExitCode != 3) || lies > 0 && !errors.Is(err, ErrLost) {
			t.Errorf("%d taken and %d not: %+v, %v", taken, lies, res, err)
		}
	}
}

// TestSignalWords: servers without signals are told nothing that they would have
// to know of, and clients neither.
func TestSignalWords(t *testing.T) {
	for _, v := range []any{commandOf(hutch.Shell("x")), welcome{}} {
		if b, err := json.Marshal(v); err != nil || bytes.Contains(b, []byte("signal")) {
			t.Errorf("%s, %v", b, err)
		}
	}
}
