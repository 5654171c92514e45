package session

import (
	"context"
	"time"

	"github.com/hutch-dev/hutch"
)

// Workspace is what a session holds while it is open. Backend is called once, and
// then one of Sleep and End, once, when no use is left. Both let go of everything
// that costs, also where they fail, as far as they can: they are not called again.
type Workspace interface {
	// Backend is where the session works.
	Backend() hutch.Backend
	// Sleep lets go of everything that costs, and keeps what [Provider.Open] needs
	// to go on with it.
	Sleep(ctx context.Context) error
	// End lets go of everything, files included. After a failure
	// [Provider.Remove] is asked for what is left.
	End(ctx context.Context) error
}

// Provider makes workspaces. Its methods are called at the same time for several
// sessions, never for one. How long they may take is for the provider to say: ctx
// ends only when Create has been given up, or the session is ended while it opens,
// or the Manager closes. It carries the values of the ctx that asked.
type Provider interface {
	// Open makes the workspace of a new session, or, with again, opens the one of
	// a session that slept, whose Sleep failed, or whose process died. A workspace
	// that is not there any more is an error that matches [ErrGone], never an empty
	// one. [Info.Serial] tells the workspace from one of an earlier session of the
	// same ID. After an error nothing is held; what is left is removed with Remove
	// where the session was new.
	Open(ctx context.Context, s Info, again bool) (Workspace, error)
	// Remove removes what is left of a session that is not open. Nothing left is
	// no error.
	Remove(ctx context.Context, s Info) error
}

// Spec is what a session is made from.
type Spec struct {
	// ID names the session: 1 to 64 of the characters A-Z a-z 0-9 . _ -, the first
	// a letter or a digit. "" makes one: "s-" and 16 hexadecimal digits, random.
	ID string
	// Tenant is whose session it is, in the form of an ID, or "". The sessions
	// without a tenant count as those of one tenant.
	Tenant string
	// Runtime is for the Provider: up to 256 bytes of printable text.
	Runtime string
	// Labels are for whoever lists sessions: up to 16, with keys in the form of an
	// ID and values of up to 256 bytes of UTF-8.
	Labels map[string]string
	// Limits bound what is done in the session.
	Limits Limits
	// Idle is how long after its last use the session sleeps; 0 is that of
	// Options, less than 0 is never.
	Idle time.Duration
	// TTL is how long after its last use the session ends, files included; 0 is
	// that of Options, less than 0 is never.
	TTL time.Duration
}

// State is what a session does.
type State string

// The states of a session.
const (
	Opening State = "opening" // its workspace is being made or woken
	Open    State = "open"    // it has its workspace, maybe while that falls asleep
	Asleep  State = "asleep"  // it can be woken, or, with Err set, maybe not
	Ending  State = "ending"  // it is being ended
	Ended   State = "ended"   // it is gone; only Options.Changed is told that
)

// Limits bound what is done in a session; 0 is no bound. The Manager only keeps
// them: whoever serves the session holds to the first five, see package server, and
// the Provider to Memory and Processes.
type Limits struct {
	FileBytes   int64         // of each file that is written
	WriteBytes  int64         // written into files in all since the session woke, not by commands
	OutputBytes int64         // printed by each command
	Commands    int           // running at a time
	CommandTime time.Duration // of each command
	Memory      int64         // bytes, of commands
	Processes   int           // at a time
}

// Info describes a session at one moment.
type Info struct {
	// Spec as it was decided: the ID and the times are filled in, and a time that
	// is never is -1.
	Spec
	// Serial is random, 32 hexadecimal digits. It differs between two sessions of
	// one ID and stays the same when the process has died.
	Serial string
	State  State
	// Created is when Create began, Used when a use last began or ended, or the
	// session was made. Both are UTC.
	Created, Used time.Time
	// Uses is how many uses are under way, or wait for the workspace to open.
	Uses int
	// Err is why the last opening, sleep or end failed, nil where it did not. It
	// is not recorded.
	Err error
}

// The bounds where Options name none.
const (
	DefaultMaxOpen     = 20
	DefaultMaxSessions = 1000
	DefaultIdle        = 30 * time.Minute
)

// Options qualify a Manager. The zero value is good.
type Options struct {
	// Records keeps what must survive the process: one file of JSON for each
	// session, its ID and ".json", of at most 64 KiB. Other files and directories
	// are left alone. nil keeps nothing, and Close then puts sessions to sleep that
	// nobody will find again. Whoever made it closes it, after the Manager.
	Records hutch.Backend
	// MaxOpen is how many workspaces are open, being opened and being let go at a
	// time; 0 is DefaultMaxOpen.
	MaxOpen int
	// MaxSessions is how many sessions there are, asleep, being made and being
	// ended included; 0 is DefaultMaxSessions. New finds more where there are more.
	MaxSessions int
	// MaxPerTenant is the same for each tenant; 0 is as many as there may be in all.
	MaxPerTenant int
	// Idle is for sessions that say nothing else; 0 is DefaultIdle, less than 0 is
	// never. A session keeps what was decided when it was made.
	Idle time.Duration
	// TTL is for sessions that say nothing else; 0 and less are never.
	TTL time.Duration
	// Changed, if not nil, is told of every change of state, after it, one at a
	// time and in order; what New finds is no change. It must not call the Manager.
	// Nothing waits for it but Close: what it has not been told yet is kept in
	// memory, so it must be quick.
	Changed func(Info)
}
