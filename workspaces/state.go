package workspaces

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/state"
)

// State keeps every session in memory, and as a JSON document while it sleeps. What
// was written since a session woke is lost where the process is killed: it is then
// what it was when it fell asleep last, and one that never slept is gone.
type State struct {
	// Dir is the folder of the documents.
	Dir string
}

type stateWorkspace struct {
	b    *state.Backend
	file string
}

// Open implements [session.Provider].
func (p *State) Open(_ context.Context, s session.Info, again bool) (session.Workspace, error) {
	if err := privately(p.Dir); err != nil {
		return nil, err
	}
	w := &stateWorkspace{state.New(nil), p.file(s)}
	if !again {
		return w, nil
	}
	data, err := os.ReadFile(w.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gone("what was in memory")
	}
	if err != nil {
		return nil, bare(err)
	}
	if err := w.b.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return w, nil
}

func (p *State) file(s session.Info) string { return place(p.Dir, s) + ".json" }

// Remove implements [session.Provider].
func (p *State) Remove(_ context.Context, s session.Info) error { return removeFile(p.file(s)) }

// Backend implements [session.Workspace].
func (w *stateWorkspace) Backend() hutch.Backend { return w.b }

// Sleep implements [session.Workspace].
func (w *stateWorkspace) Sleep(context.Context) error {
	data, err := w.b.MarshalJSON()
	if err != nil {
		return err
	}
	return replace(w.file, data)
}

// End implements [session.Workspace].
func (w *stateWorkspace) End(context.Context) error { return removeFile(w.file) }

// replace writes a file in one step.
func replace(file string, data []byte) error {
	next := file + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		_ = os.Remove(next)
		return bare(err)
	}
	return bare(os.Rename(next, file))
}

func removeFile(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return bare(err)
	}
	return nil
}
