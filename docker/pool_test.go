package docker

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/moby/moby/client"
)

func TestPool(t *testing.T) {
	e := testEngine(t)
	p := &Pool{Options: Options{Image: testImage, Session: "pool-" + random(4)}, Min: 1, Max: 2}
	if _, err := p.Take(t.Context()); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("before Start: %v", err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	a, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a.ID() == b.ID() {
		t.Error("one container for two")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := p.Take(ctx); !errors.Is(err, ErrPoolFull) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third of two: %v", err)
	}
	used := a.ID()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.ID() == used {
		t.Error("a container used twice")
	}
	for _, s := range []*Sandbox{b, c} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := e.api.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelSession+"="+p.Options.Session)})
	if err != nil || len(got.Items) > 0 {
		t.Errorf("left: %v %v", got.Items, err)
	}
	if _, err := p.Take(t.Context()); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestPoolDead does not hand out a container that has died while it waited.
func TestPoolDead(t *testing.T) {
	p := pooled(t, Options{})
	first := taken(t, p)
	for {
		p.mu.Lock()
		n, wait := len(p.ready), p.change
		var id string
		if n > 0 {
			id = p.ready[0].ID()
		}
		p.mu.Unlock()
		if n == 0 {
			<-wait
			continue
		}
		if _, err := first.e.api.ContainerKill(t.Context(), id, client.ContainerKillOptions{}); err != nil {
			t.Fatal(err)
		}
		<-p.ready[0].client.Lost()
		if s := taken(t, p); s.ID() == id {
			t.Error("a dead container was handed out")
		}
		return
	}
}

func TestPoolBad(t *testing.T) {
	for _, p := range []*Pool{{Options: Options{Name: "aa"}}, {Min: -1}, {Min: 3, Max: 2}} {
		if err := p.Start(); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", p.Options, err)
		}
	}
	p := &Pool{Options: Options{Host: "unix:///nowhere/s"}}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Take(t.Context()); !errors.Is(err, ErrNoEngine) {
		t.Errorf("no engine: %v", err)
	}
}
