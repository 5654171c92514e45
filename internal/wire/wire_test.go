package wire

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/state"
)

// pair is two ends of one stream.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var accepting sync.WaitGroup
	accepting.Go(func() { server, err = l.Accept() })
	client, derr := net.Dial("unix", l.Addr().String())
	accepting.Wait()
	if err != nil || derr != nil {
		t.Fatal(err, derr)
	}
	return client, server
}

// far is a client of b at the other end of a stream.
func far(t testing.TB, b hutch.Backend) *Client {
	t.Helper()
	return farOver(t, b, nil)
}

// farOver is far with something in between.
func farOver(t testing.TB, b hutch.Backend, between func(net.Conn) net.Conn) *Client {
	t.Helper()
	mine, theirs := pair(t)
	if between != nil {
		mine = between(mine)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = ServeConn(ctx, theirs, NewHandler(b, nil)) })
	c, err := DialConn(t.Context(), mine)
	t.Cleanup(func() {
		if c != nil {
			c.Close()
		}
		cancel()
		serving.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func unconfined(t testing.TB) *local.Sandbox {
	t.Helper()
	sb, err := local.Open(t.TempDir(), &local.Options{Isolation: local.Unconfined, Unprotect: local.DefaultProtect()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sb.Close() })
	return sb
}

func TestState(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("the law of sandboxes holds all of this")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return far(t, state.New(nil)) })
}

func TestPlainState(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(far(t, state.New(nil))) })
}

func TestSandbox(t *testing.T) {
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox { return far(t, unconfined(t)) })
}

func TestPlainSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(far(t, unconfined(t))) })
}
