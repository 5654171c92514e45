package deepagent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/llm"
)

// Conversation is what a Store keeps. It encodes as JSON.
type Conversation struct {
	ID       string        `json:"id"`
	Model    string        `json:"model"` // its name, for people
	Messages []llm.Message `json:"messages"`
	Todos    []Todo        `json:"todos,omitempty"`
	Usage    llm.Usage     `json:"usage"` // of all runs
	Cost     float64       `json:"cost"`  // the same

	// Beginning is a digest of instructions and tools, which what the model has
	// thought belongs to.
	Beginning string `json:"beginning,omitempty"`

	// Rev is the version that was loaded or saved last, as the Store calls it.
	Rev string `json:"-"`
}

// Store keeps conversations. It is safe for concurrent use.
type Store interface {
	// Load returns a conversation; one that is not there is fs.ErrNotExist.
	Load(ctx context.Context, id string) (*Conversation, error)
	// Save keeps all of c, or nothing, and sets c.Rev. Where what is kept is not
	// the version c.Rev ("" for none), the error matches hutch.ErrConflict.
	Save(ctx context.Context, c *Conversation) error
	// List returns the IDs of all conversations, the one saved last first.
	List(ctx context.Context) ([]string, error)
}

// DefaultConversations is a good directory for [Files].
const DefaultConversations = ".hutch/conversations"

// MaxConversation is how many bytes a file of [Files] has at most: who can write
// there cannot fill the memory of who goes on. More is hutch.ErrTooLarge.
const MaxConversation = 64 << 20

// Files keeps conversations as files of dir in b, one JSON file each. b need not
// be the workspace: whoever can write there can change what the agent remembers
// to have said and done.
func Files(b hutch.Backend, dir string) Store { return &files{b, dir} }

type files struct {
	b   hutch.Backend
	dir string
}

func (f *files) name(id string) (string, error) {
	if !isConversation(id) {
		return "", badID(id)
	}
	return path.Join(f.dir, id+".json"), nil
}

func badID(id string) error {
	return fmt.Errorf("deepagent: %w: conversation %q: up to 100 letters, digits, '.', '_' and '-', the first one a letter or a digit", fs.ErrInvalid, id)
}

func (f *files) Load(ctx context.Context, id string) (*Conversation, error) {
	name, err := f.name(id)
	if err != nil {
		return nil, err
	}
	file, err := f.b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if file.Info().Size > MaxConversation {
		return nil, &fs.PathError{Op: "load", Path: name, Err: hutch.ErrTooLarge}
	}
	c := &Conversation{Rev: file.Info().Rev}
	if err := json.NewDecoder(io.LimitReader(file, MaxConversation)).Decode(c); err != nil {
		return nil, &fs.PathError{Op: "load", Path: name, Err: fmt.Errorf("not a conversation: %w", err)}
	}
	if c.ID != id {
		return nil, &fs.PathError{Op: "load", Path: name, Err: fmt.Errorf("%w: it holds the conversation %q", fs.ErrInvalid, c.ID)}
	}
	return c, nil
}

func (f *files) Save(ctx context.Context, c *Conversation) error {
	name, err := f.name(c.ID)
	if err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return &fs.PathError{Op: "save", Path: name, Err: err}
	}
	if len(data) >= MaxConversation {
		return &fs.PathError{Op: "save", Path: name, Err: hutch.ErrTooLarge}
	}
	o := &hutch.WriteOptions{IfRev: orElse(c.Rev, hutch.Absent), Mode: 0o600}
	info, err := f.b.Write(ctx, name, bytes.NewReader(append(data, '\n')), o)
	if err != nil {
		return err
	}
	c.Rev = info.Rev
	if o.IfRev == hutch.Absent && strings.HasPrefix(f.dir, ".hutch/") { // out of commits; nothing depends on it
		_, _ = hutch.WriteFile(ctx, f.b, path.Join(f.dir, ".gitignore"), []byte("*\n"), &hutch.WriteOptions{IfRev: hutch.Absent})
	}
	return nil
}

func (f *files) List(ctx context.Context) ([]string, error) {
	var found []hutch.Info
	for i, err := range f.b.List(ctx, f.dir) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if id, ok := strings.CutSuffix(path.Base(i.Name), ".json"); ok && i.Mode.IsRegular() && isConversation(id) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b hutch.Info) int { return b.ModTime.Compare(a.ModTime) })
	var ids []string
	for _, i := range found {
		ids = append(ids, strings.TrimSuffix(path.Base(i.Name), ".json"))
	}
	return ids, nil
}

// load is the conversation to go on with, or a new one.
func (r *run) load(ctx context.Context, id string) error {
	r.todos = &todoList{}
	r.conv = &Conversation{ID: orElse(id, newID()), Model: r.model.Name()}
	if !isConversation(r.conv.ID) {
		return badID(id)
	}
	if id == "" || r.store == nil {
		return nil
	}
	c, err := r.store.Load(ctx, id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("deepagent: conversation %s: %w", id, err)
	}
	c.Model = r.model.Name()
	r.conv = c
	r.before = Usage{Total: c.Usage, Cost: c.Cost}
	r.todos.set(c.Todos)
	return nil
}

// save keeps the conversation as it is now.
func (r *run) save(ctx context.Context) error {
	used := r.tree.meter.usage()
	r.conv.Todos = r.todos.list()
	r.conv.Usage, r.conv.Cost = r.before.Total.Add(used.Total), r.before.Cost+used.Cost
	if r.store == nil {
		return nil
	}
	err := r.store.Save(ctx, r.conv)
	switch {
	case errors.Is(err, hutch.ErrConflict):
		return fmt.Errorf("deepagent: conversation %s: another run has gone on with it: %w", r.conv.ID, err)
	case err != nil:
		return fmt.Errorf("deepagent: conversation %s: %w", r.conv.ID, err)
	}
	return nil
}

// settle gives a result to calls of the last reply that have none: whoever saved
// them was killed.
func settle(messages *[]llm.Message) {
	m := *messages
	if n := len(m); n == 0 || m[n-1].Role != llm.Assistant || len(callsOf(m[n-1])) == 0 {
		return
	}
	var blocks []llm.Block
	for _, res := range without(callsOf(m[len(m)-1]), "The run ended while this call was under way: it is not known whether it was executed, or how far it came. Look before you do it again.") {
		blocks = append(blocks, llm.Block{Result: &res})
	}
	*messages = append(slices.Clip(m), llm.Message{Role: llm.User, Content: blocks})
}
