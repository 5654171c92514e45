package session

import (
	"context"
	"errors"

	"github.com/hutch-dev/hutch"
)

// Manager keeps sessions. It is safe for concurrent use, and what takes long in
// one session never keeps others waiting.
type Manager struct{}

// New makes a Manager of the workspaces of p and finds the sessions in
// [Options.Records] again, all of them asleep. opts may be nil. ctx bounds New
// alone; its values go to what the Manager does by itself.
//
// A record that cannot be read, is larger than 64 KiB, has another version, or is
// not that of its file's name, is an error with the name of the file: nothing is
// changed, and whoever is in charge decides. Options that make no sense are
// fs.ErrInvalid.
func New(ctx context.Context, p Provider, opts *Options) (*Manager, error) {
	return nil, errors.ErrUnsupported
}

// Create makes a session and opens its workspace. Where there is no room for one
// more workspace, it puts another session to sleep and waits for that.
//
// Its errors match fs.ErrInvalid for a Spec that cannot be; fs.ErrExist where
// there is a session of that ID, also one that is being made or ended; ErrFull;
// ErrStart with what the provider said; hutch.ErrClosed.
//
// After an error nothing is left: what was made has been removed, or where that
// failed the session stays listed like every other whose end has failed. When ctx
// ends, Create returns its error at once and the removal goes on in the
// background; as long as it does, the session counts and its ID is taken.
func (m *Manager) Create(ctx context.Context, spec Spec) (Info, error) {
	return Info{}, errors.ErrUnsupported
}

// Use begins a use of a session and wakes it if it sleeps. Whoever calls it calls
// Done of what it returns. ctx bounds the waiting alone: when it ends, the
// workspace is opened all the same, for others who may wait.
//
// A session that is being made or falls asleep is waited for. One that ends, or is
// not there, is fs.ErrNotExist. A workspace that has vanished is ErrGone, and the
// session stays listed, asleep, until it is ended. Where no workspace can be
// opened without putting one in use to sleep it is ErrFull; what else the provider
// says comes in ErrStart. After Close it is hutch.ErrClosed.
func (m *Manager) Use(ctx context.Context, id string) (*Use, error) {
	return nil, errors.ErrUnsupported
}

// Get describes a session. It neither wakes it nor counts as a use. One that is
// not there is fs.ErrNotExist.
func (m *Manager) Get(id string) (Info, error) { return Info{}, errors.ErrUnsupported }

// List describes all sessions, sorted by ID. It neither wakes them nor counts as a
// use.
func (m *Manager) List() []Info { return nil }

// ListTenant is List of the sessions of one tenant, "" for those without.
func (m *Manager) ListTenant(tenant string) []Info { return nil }

// Sleep puts a session to sleep now. One that sleeps already is no error; one that
// is in use, or being opened, is ErrBusy; one that ends, or is not there,
// fs.ErrNotExist. When ctx ends, Sleep returns its error and the rest goes on.
func (m *Manager) Sleep(ctx context.Context, id string) error { return errors.ErrUnsupported }

// End ends a session, files included. The contexts of its uses end, and it waits
// until they are done. A second End meanwhile waits for the first and returns the
// same. When ctx ends, End returns its error and the rest goes on: an end is never
// taken back. After an error the session stays listed and End can be called again.
// One that is not there is fs.ErrNotExist.
func (m *Manager) End(ctx context.Context, id string) error { return errors.ErrUnsupported }

// Close ends the contexts of all uses, waits until they are done, puts all
// sessions to sleep, a few at a time, and returns what failed of that. What is
// being ended is ended. From its beginning on everything else is hutch.ErrClosed,
// but Get, List and ListTenant go on to tell what is known.
//
// When ctx ends, Close stops waiting for uses and leaves their sessions as a crash
// would; the provider's calls get a ctx that has ended, and Close returns when they
// have. A second Close waits for the first and returns the same.
func (m *Manager) Close(ctx context.Context) error { return errors.ErrUnsupported }

// Use is one use of a session, from [Manager.Use] to Done. It is safe for
// concurrent use.
type Use struct{}

// Backend is the workspace. It is good until Done.
func (u *Use) Backend() hutch.Backend { return nil }

// Info describes the session as it is now.
func (u *Use) Info() Info { return Info{} }

// Context ends when the session is being ended or the Manager closes, with a cause
// that matches fs.ErrNotExist or hutch.ErrClosed. Whoever uses the session should
// then stop and be done. It is the same for all uses of a session that are under
// way, does not end with Done, and knows nothing of the ctx given to Manager.Use.
func (u *Use) Context() context.Context { return nil }

// Done ends the use. Further calls do nothing.
func (u *Use) Done() {}
