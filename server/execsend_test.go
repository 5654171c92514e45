package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// TestClientTakesNothing wants a command ended whose client takes nothing of what
// it prints.
func TestClientTakesNothing(t *testing.T) {
	ended := make(chan error, 1)
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		piece := bytes.Repeat([]byte("x"), maxPiece)
		for ctx.Err() == nil {
			_, _ = cmd.Stdout.Write(piece)
		}
		ended <- ctx.Err()
		return hutch.Result{}, ctx.Err()
	}}, func(o *ServiceOptions) { o.Limits.Pause = 100 * time.Millisecond })
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := `{"args":["a"]}`
	if _, err := fmt.Fprintf(c, "POST %s/exec HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", path, token, len(body), body); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it goes on")
	}
}

// TestSessionEnds wants a command ended with its session, and its client told.
func TestSessionEnds(t *testing.T) {
	began := make(chan bool, 2)
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		began <- true
		<-ctx.Done()
		return hutch.Result{}, ctx.Err()
	}}, nil)
	waiting := f.inBackground(f.request("POST", path+"/exec", token, `{"args":["a"]}`))
	s := f.open(t.Context(), "POST", path+"/exec", token, `{"args":["a"]}`)
	<-began
	<-began
	f.want(204, "", "DELETE", path, token, nil)
	if r := <-waiting; r.status != 410 || r.code() != "gone" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if _, last := s.all(); last.event == "result" {
		t.Errorf("%+v", last)
	}
	_, _ = io.Copy(io.Discard, s.a.Body)
}
