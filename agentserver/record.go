package agentserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/llm"
)

// state is how far a run is.
type state string

// The states. A run in one of the first two is under way.
const (
	isRunning     state = "running"
	isWaiting     state = "waiting" // for an answer to a question
	isDone        state = "done"
	isFailed      state = "failed"
	isCancelled   state = "cancelled"
	isInterrupted state = "interrupted" // by the end of the Server or of the process
)

const (
	recordDir     = ".hutch/runs"
	recordVersion = 1
	maxRecords    = 200    // of one session; the oldest go
	maxLook       = 10_000 // entries of the directory
	maxListed     = 32 << 20
	recordSlack   = 1 << 20 // what a record has besides the prompt
	maxText       = 64 << 10
	maxExcerpt    = 1 << 10
	lifeEvents    = 1_000_000_000
	maxLives      = 1_000_000
)

// record is what the workspace keeps of a run.
type record struct {
	Version      int        `json:"version"`
	ID           string     `json:"id"`
	Conversation string     `json:"conversation"`
	Model        string     `json:"model"` // as it was asked for
	State        state      `json:"state"`
	Asked        bool       `json:"asked,omitempty"` // it waited when it was interrupted
	Prompt       string     `json:"prompt"`          // the beginning of it
	Ending       string     `json:"ending,omitempty"`
	Text         string     `json:"text,omitempty"`
	Error        string     `json:"error,omitempty"`
	MaxSteps     int        `json:"max_steps,omitempty"` // as they were asked for
	MaxCost      float64    `json:"max_cost,omitempty"`
	Created      time.Time  `json:"created"`
	Ended        *time.Time `json:"ended,omitempty"`
	Usage        llm.Usage  `json:"usage"`
	Steps        int        `json:"steps"`
	Cost         float64    `json:"cost"`

	// Unsaid is a prompt that the conversation may not have yet: it has not as long
	// as its digest is Before.
	Unsaid string `json:"unsaid,omitempty"`
	Before string `json:"before,omitempty"`

	// Life counts the processes that have worked on the run, Last is the number of
	// the last event that was known when this was written.
	Life int64 `json:"life,omitempty"`
	Last int64 `json:"last,omitempty"`
}

// over reports whether a run in that state is not under way.
func (s state) over() bool { return s != isRunning && s != isWaiting && s != "" }

var states = []state{isRunning, isWaiting, isDone, isFailed, isCancelled, isInterrupted}

// isRunID reports whether id is one that newID has made.
func isRunID(id string) bool {
	hex, ok := strings.CutPrefix(id, "r-")
	return ok && len(hex) == 16 && strings.Trim(hex, "0123456789abcdef") == ""
}

// check finds what cannot be in a record of that id.
func (r *record) check(id string) error {
	switch {
	case r.Version != recordVersion || r.ID != id:
		return errors.New("of another version or another run")
	case !slices.Contains(states, r.State):
		return errors.New("no such state")
	case r.MaxSteps < 0 || !(r.MaxCost >= 0) || r.Life < 0 || r.Life > maxLives || r.Last < 0 || r.Last > (r.Life+1)*lifeEvents:
		return errors.New("a number that cannot be")
	case r.Steps < 0 || !(r.Cost >= 0) || min(r.Usage.Input, r.Usage.Output, r.Usage.CacheRead, r.Usage.CacheWrite) < 0:
		return errors.New("a number that cannot be")
	case len(r.Model) > maxModel || !isConversation(r.Conversation):
		return errors.New("a name that cannot be")
	}
	return nil
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// isConversation reports whether s names a conversation.
func isConversation(s string) bool {
	return s != "" && len(s) <= 100 && strings.Contains(alphanumeric, s[:1]) && strings.Trim(s, alphanumeric+"._-") == ""
}

// records are the records of a workspace.
type records struct {
	b   hutch.Backend
	max int64 // bytes of one
}

func recordName(id string) string { return path.Join(recordDir, id+".json") }

// load reads a record. What is under way nowhere is interrupted.
func (s records) load(ctx context.Context, id string) (*record, error) {
	if !isRunID(id) {
		return nil, &fs.PathError{Op: "load", Path: recordDir, Err: fs.ErrNotExist}
	}
	name := recordName(id)
	f, err := s.b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, s.max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > s.max {
		return nil, &fs.PathError{Op: "load", Path: name, Err: hutch.ErrTooLarge}
	}
	r := &record{}
	if err = json.Unmarshal(data, r); err == nil {
		err = r.check(id)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "load", Path: name, Err: fmt.Errorf("%w: not a record: %w", fs.ErrInvalid, err)}
	}
	r.Prompt, r.Text = clip(r.Prompt, maxExcerpt), clip(r.Text, maxText)
	r.Ending, r.Error = clip(r.Ending, maxExcerpt), clip(r.Error, maxText)
	if !r.State.over() {
		r.Asked = r.Asked || r.State == isWaiting
		r.State = isInterrupted
	}
	return r, nil
}

// save writes a record, whole.
func (s records) save(ctx context.Context, r *record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.b.Write(ctx, recordName(r.ID), bytes.NewReader(append(data, '\n')), &hutch.WriteOptions{Mode: 0o600})
	return err
}

// list is what could be records, the one written last first.
func (s records) list(ctx context.Context) ([]hutch.Info, error) {
	var found []hutch.Info
	looked := 0
	for i, err := range s.b.List(ctx, recordDir) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if looked++; looked > maxLook {
			break
		}
		if i.Mode.IsRegular() && isRunID(idOf(i.Name)) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b hutch.Info) int {
		return cmp.Or(b.ModTime.Compare(a.ModTime), strings.Compare(a.Name, b.Name))
	})
	return found, nil
}

// idOf is the ID of the run whose record has that name.
func idOf(name string) string { return strings.TrimSuffix(path.Base(name), ".json") }

// ready makes the directory one that git ignores, and makes room for one more record
// by removing the oldest that keep does not want.
func (s records) ready(ctx context.Context, keep func(id string) bool) error {
	found, err := s.list(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 { // nothing depends on it
		_, _ = hutch.WriteFile(ctx, s.b, path.Join(recordDir, ".gitignore"), []byte("*\n"), &hutch.WriteOptions{IfRev: hutch.Absent})
	}
	for i := len(found) - 1; i >= maxRecords-1; i-- {
		if keep(idOf(found[i].Name)) {
			continue
		}
		if err := s.b.Remove(ctx, found[i].Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// clip shortens s to n bytes, whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
