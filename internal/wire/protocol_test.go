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
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// overHTTP serves h with HTTP/2, and returns what to reach it with.
func overHTTP(t testing.TB, h http.Handler) (*http.Transport, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = NewServer(h)
	srv.Start()
	rt := &http.Transport{Protocols: new(http.Protocols), HTTP2: ClientConfig()}
	rt.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(func() { rt.CloseIdleConnections(); srv.Close() })
	return rt, srv.URL
}

// post sends raw bytes to a route and returns the answer.
func post(t *testing.T, rt http.RoundTripper, url string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// framed is a request with a head and frames after it.
func framed(head string, kinds ...byte) []byte {
	var s sender
	b := s.add(nil, kindHead, []byte(head))
	for _, k := range kinds {
		if k == kindEnd {
			return s.end(b)
		}
		b = s.add(b, k, []byte("x"))
	}
	return b
}

// answered is the error of an answer with the identity id, or nil.
func answered(t *testing.T, b []byte, id uint64) (result []byte, err error) {
	t.Helper()
	r := receiver{r: bytes.NewReader(b), crc: seedOf(id)}
	for {
		kind, p, rerr := r.frame(maxFrame)
		switch {
		case rerr != nil:
			t.Fatal(rerr)
		case kind == kindFault:
			err = decodeFault(p)
		case kind == kindResult:
			result = bytes.Clone(p)
		case kind == kindEnd:
			return result, err
		}
	}
}

func TestVersions(t *testing.T) {
	rt, url := overHTTP(t, NewHandler(state.New(nil), nil))
	_, b := post(t, rt, url+"/hutch/hello", framed(`{"op":"hello","id":5,"in":{"versions":[2,3]}}`, kindEnd))
	if _, err := answered(t, b, 5); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "[2 3]") {
		t.Errorf("hello with versions that are not spoken: %v", err)
	}
	_, b = post(t, rt, url+"/hutch/hello", framed(`{"op":"hello","id":5,"of a later version":[1],"in":{"versions":[9,1],"x":{}}}`, kindEnd))
	result, err := answered(t, b, 5)
	var w welcome
	if err != nil || json.Unmarshal(result, &w) != nil || w.Version != 1 {
		t.Errorf("hello with versions of which one is spoken: %s, %v", result, err)
	}
	if status, b := post(t, rt, url+"/hutch/v2/stat", nil); status != 404 || !strings.Contains(string(b), `version "v2" is not spoken here; version 1 is`) {
		t.Errorf("a route of another version: %d %s", status, b)
	}
	later := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{ctx: r.Context(), r: r, in: receiver{r: r.Body}}
		if c.begins(w, "hello", maxHead) {
			c.answer(w, &route{serve: func(c *call) error { return c.result(welcome{Version: 2}) }})
		}
	})
	rt, url = overHTTP(t, later)
	if _, err := NewClient(t.Context(), rt, url, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a server of another version: %v", err)
	}
}

// TestBrokenRequests sends what no client of ours sends.
func TestBrokenRequests(t *testing.T) {
	s := state.New(nil)
	rt, url := overHTTP(t, NewHandler(s, nil))
	for what, r := range map[string]struct {
		route  string
		body   []byte
		status int
	}{
		"nothing":              {"stat", nil, 400},
		"noise":                {"stat", bytes.Repeat([]byte("noise"), 100), 400},
		"no head":              {"stat", framed("", kindEnd)[frameHeader:], 400},
		"no JSON":              {"stat", framed("{", kindEnd), 400},
		"another route":        {"stat", framed(`{"op":"remove","name":"a"}`, kindEnd), 400},
		"a huge head":          {"stat", framed(`{"op":"stat","name":"`+strings.Repeat("a", maxHead)+`"}`, kindEnd), 400},
		"no route":             {"nothing", framed("{}", kindEnd), 404},
		"no end":               {"remove", framed(`{"op":"remove","name":"keep"}`), 200},
		"another frame":        {"remove", framed(`{"op":"remove","name":"keep"}`, kindData, kindEnd), 200},
		"no name":              {"stat", framed(`{"op":"stat","name":"../x"}`, kindEnd), 200},
		"no name at all":       {"stat", framed(`{"op":"stat"}`, kindEnd), 200},
		"a write without end":  {"write", framed(`{"op":"write","name":"new"}`, kindData), 200},
		"a write with a stop":  {"write", framed(`{"op":"write","name":"new"}`, kindData, kindStop), 200},
		"a write with noise":   {"write", framed(`{"op":"write","name":"new"}`, kindData, 99, kindEnd), 200},
		"a command":            {"exec", framed(`{"op":"exec","command":{"args":["eA=="]}}`, kindEnd), 200},
		"no command":           {"exec", framed(`{"op":"exec"}`, kindEnd), 200},
		"a glob without globs": {"glob", framed(`{"op":"glob","pattern":"Ww=="}`, kindEnd), 200},
		"a bad query":          {"grep", framed(`{"op":"grep","pattern":"Kg==","query":{"max":-1}}`, kindEnd), 200},
	} {
		if _, err := hutch.WriteFile(t.Context(), s, "keep", nil, nil); err != nil {
			t.Fatal(err)
		}
		status, b := post(t, rt, url+"/hutch/v1/"+r.route, r.body)
		if status != r.status {
			t.Errorf("%s: %d %q, want %d", what, status, b, r.status)
		}
		if status == 200 {
			if _, err := answered(t, b, 0); err == nil {
				t.Errorf("%s is done", what)
			}
		}
		if _, err := s.Stat(t.Context(), "keep"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := s.Stat(t.Context(), "new"); err == nil {
			t.Errorf("%s writes a file", what)
		}
	}
}

// TestLies has a far side that is not to be trusted.
func TestLies(t *testing.T) {
	info := func(i hutch.Info) []byte { return appendInfo(nil, i) }
	var lie []byte
	var kind byte
	rt, url := overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{ctx: r.Context(), r: r, in: receiver{r: r.Body}, h: &handler{b: state.New(nil), root: "/w"}}
		op := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if !c.begins(w, op, maxHead) {
			return
		}
		c.answer(w, &route{serve: func(c *call) error {
			if op == "hello" {
				return c.hello()
			}
			return c.out.put(kind, lie)
		}})
	}))
	c, err := NewClient(t.Context(), rt, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	kind = kindItems
	for what, b := range map[string][]byte{
		"a name that leaves":         info(hutch.Info{Name: "../../etc/passwd"}),
		"an absolute name":           info(hutch.Info{Name: "/etc/passwd"}),
		"a name beside":              info(hutch.Info{Name: "dirty/x"}),
		"the parent":                 info(hutch.Info{Name: "."}),
		"a size below nothing":       info(hutch.Info{Name: "dir/x", Size: -1}),
		"half a record":              info(hutch.Info{Name: "dir/x"})[:5],
		"a record without end":       {0xff, 0xff, 0xff, 0xff, 0x7f},
		"a length that is no number": bytes.Repeat([]byte{0xff}, 20),
	} {
		lie = b
		if got, err := hutch.Collect(c.List(t.Context(), "dir")); !errors.Is(err, ErrLost) || len(got) > 0 {
			t.Errorf("%s is believed: %+v, %v", what, got, err)
		}
		if got, err := hutch.Collect(c.Grep(t.Context(), hutch.Query{Pattern: "x", Dir: "dir"})); !errors.Is(err, ErrLost) || len(got) > 0 {
			t.Errorf("%s is believed: %+v, %v", what, got, err)
		}
	}
	lie = appendMatch(nil, hutch.Match{Name: "dir/x", Line: 1, Text: "abc", Start: 2, End: 9})
	if got, err := hutch.Collect(c.Grep(t.Context(), hutch.Query{Pattern: "x", Dir: "dir"})); !errors.Is(err, ErrLost) {
		t.Errorf("a match beyond its line is believed: %+v, %v", got, err)
	}
	kind, lie = kindResult, info(hutch.Info{Name: "other"})
	if i, err := c.Stat(t.Context(), "name"); !errors.Is(err, ErrLost) {
		t.Errorf("the description of another file is believed: %+v, %v", i, err)
	}
	if i, err := c.Open(t.Context(), "name"); !errors.Is(err, ErrLost) {
		t.Errorf("the description of another file is believed: %+v, %v", i, err)
	}
	kind, lie = kindOut, nil
	if err := c.Remove(t.Context(), "name"); !errors.Is(err, ErrLost) {
		t.Errorf("an answer of another kind is believed: %v", err)
	}
}

func TestExtra(t *testing.T) {
	type in struct{ N int }
	h := NewHandler(state.New(nil), &HandlerOptions{Root: "/somewhere", Extra: map[string]http.Handler{
		"double": Answer(func(_ context.Context, i in) (in, error) {
			if i.N < 0 {
				return in{}, &fs.PathError{Op: "double", Path: fmt.Sprint(i.N), Err: hutch.ErrTooLarge}
			}
			return in{2 * i.N}, nil
		}),
	}})
	mine, theirs := pair(t)
	var serving sync.WaitGroup
	serving.Go(func() { _ = ServeConn(context.Background(), theirs, h) })
	defer serving.Wait()
	c, err := DialConn(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out in
	if err := c.Call(t.Context(), "double", in{21}, &out); err != nil || out.N != 42 {
		t.Errorf("Call: %+v, %v", out, err)
	}
	var pe *fs.PathError
	if err := c.Call(t.Context(), "double", in{-1}, nil); !errors.Is(err, hutch.ErrTooLarge) || !errors.As(err, &pe) || pe.Path != "-1" {
		t.Errorf("Call that fails: %v", err)
	}
	if err := c.Call(t.Context(), "nothing", in{}, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Call of nothing: %v", err)
	}
	if err := c.Call(t.Context(), "double", "text", nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Call with something else: %v", err)
	}
	if r, ok := hutch.As[hutch.Rooted](c); !ok || r.Root() != "/somewhere" {
		t.Error("Root is not told")
	}
	if _, ok := hutch.As[hutch.Execer](c); ok {
		t.Error("a power that the far side does not have is offered")
	}
}

// TestRoutes wants the table to be one.
func TestRoutes(t *testing.T) {
	var names []string
	for _, r := range append(slices.Clone(routes), helloRoute) {
		if slices.Contains(names, r.name) || r.serve == nil || r.op == "" || r.maxHead == 0 {
			t.Errorf("the route %+v", r)
		}
		names = append(names, r.name)
	}
}

// TestHeads has heads that are as large as they may be, and larger.
func TestHeads(t *testing.T) {
	c := far(t, unconfined(t))
	o, err := c.Exec(t.Context(), &hutch.Cmd{Args: []string{"true"}, Env: []string{"X=" + strings.Repeat("x", maxExecHead)}})
	if !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("a head that is too large: %+v, %v", o, err)
	}
	long := strings.Repeat("x", 100<<10)
	var out bytes.Buffer
	args := []string{"sh", "-c", "echo $(($#))", "sh"}
	for range 8 {
		args = append(args, long)
	}
	if _, err := c.Exec(t.Context(), &hutch.Cmd{Args: args, Stdout: &out}); err != nil || out.String() != "8\n" {
		t.Errorf("long arguments: %q, %v", out.String(), err)
	}
	if _, err := c.Exec(t.Context(), &hutch.Cmd{Args: []string{"true"}, Dir: "../x"}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a directory that leaves: %v", err)
	}
	if _, err := c.Exec(t.Context(), nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no command: %v", err)
	}
}
