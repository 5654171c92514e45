// Package testbrowser has a browser for the tests of pages: Chromium without a
// window, driven over two pipes by its DevTools protocol. It is for tests alone.
package testbrowser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/need"
)

// patience is how long anything may take before a test fails: long, for a busy
// machine.
const patience = 2 * time.Minute

// Browser is a browser that a test has started.
type Browser struct {
	in   *os.File
	dead chan struct{} // closed when it says nothing more

	mu    sync.Mutex
	last  int
	calls map[int]chan message
	pages map[string]*Page // by session of the protocol
}

// message is a request, an answer, or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// flags keep it from everything that is not the test.
var flags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-dev-shm-usage",
	"--no-default-browser-check", "--hide-scrollbars", "--no-proxy-server", "--remote-debugging-pipe",
}

// find is the program, by its usual names; $HUTCH_CHROMIUM names another.
func find() (string, error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("no pipes to a program on windows")
	}
	for _, name := range []string{os.Getenv("HUTCH_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); name != "" && err == nil {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}

// Open starts a browser, which ends with the test. Without one the test is
// skipped, see package need.
func Open(t testing.TB) *Browser {
	t.Helper()
	program, err := find()
	if err != nil {
		need.Lacking(t, "chromium", err)
	}
	home, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{dead: make(chan struct{}), calls: map[int]chan message{}, pages: map[string]*Page{}}
	theirIn, in, err1 := os.Pipe()
	out, theirOut, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	b.in = in
	ctx, kill := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append(flags, "--user-data-dir="+home, "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		kill()
		t.Fatal(err)
	}
	go b.listen(out)
	t.Cleanup(func() {
		_ = b.call("", "Browser.close", nil, nil)
		in.Close() // the end of the pipe ends it too
		late := time.AfterFunc(10*time.Second, kill)
		_ = cmd.Wait()
		late.Stop()
		kill()
		<-b.dead
		os.RemoveAll(home)
	})
	return b
}

// listen takes what the browser says until it ends.
func (b *Browser) listen(out *os.File) {
	defer close(b.dead)
	defer out.Close()
	r := bufio.NewReaderSize(out, 1<<16)
	for {
		said, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(said[:len(said)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answer, page := b.calls[m.ID], b.pages[m.Session]
		delete(b.calls, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answer != nil:
			answer <- m
		case m.ID == 0 && page != nil:
			page.event(m.Method, m.Params)
		}
	}
}

// send writes a request whose answer comes on the channel.
func (b *Browser) send(session, method string, params any) (<-chan message, error) {
	p, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		p = []byte("{}")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m, err := json.Marshal(message{ID: b.last, Session: session, Method: method, Params: p})
	if err != nil {
		return nil, err
	}
	answer := make(chan message, 1)
	b.calls[b.last] = answer
	_, err = b.in.Write(append(m, 0))
	return answer, err
}

// call makes a request and waits for its answer.
func (b *Browser) call(session, method string, params, result any) error {
	answer, err := b.send(session, method, params)
	if err != nil {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case m := <-answer:
		if m.Error != nil {
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-b.dead:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-late.C:
		return fmt.Errorf("%s: no answer", method)
	}
}
