package session_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/state"
)

// kept is a Provider of workspaces in memory: what sleeps there costs nothing more.
type kept map[string]*state.Backend

func (k kept) Open(_ context.Context, s session.Info, again bool) (session.Workspace, error) {
	if !again {
		k[s.ID] = state.New(nil)
	}
	return room{k, s.ID}, nil
}

func (k kept) Remove(_ context.Context, s session.Info) error {
	delete(k, s.ID)
	return nil
}

type room struct {
	k  kept
	id string
}

func (r room) Backend() hutch.Backend      { return r.k[r.id] }
func (r room) Sleep(context.Context) error { return nil }
func (r room) End(context.Context) error   { delete(r.k, r.id); return nil }

// A session that is worked in, sleeps, and is worked in again.
func Example() {
	ctx := context.Background()
	m, err := session.New(ctx, kept{}, &session.Options{Idle: 10 * time.Minute, MaxPerTenant: 5})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close(ctx)
	s, err := m.Create(ctx, session.Spec{Tenant: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	note := func(text string) {
		u, err := m.Use(ctx, s.ID)
		if err != nil {
			log.Fatal(err)
		}
		defer u.Done()
		old, _ := hutch.ReadFile(ctx, u.Backend(), "notes")
		if _, err := hutch.WriteFile(ctx, u.Backend(), "notes", append(old, text+"\n"...), nil); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, to %q comes %q\n", u.Info().State, old, text)
	}
	note("one")
	if err := m.Sleep(ctx, s.ID); err != nil {
		log.Fatal(err)
	}
	note("two")
	// Output:
	// open, to "" comes "one"
	// open, to "one\n" comes "two"
}
