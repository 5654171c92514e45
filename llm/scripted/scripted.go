// Package scripted is a language model whose answers are written in advance, for
// tests and for demonstrations without a provider. It says that it is scripted: in
// its name, and before the first text that it says.
package scripted

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// Notice is said once by every Model, before its first text.
const Notice = "(This is a script: no language model is at work.)\n\n"

// Step is one answer. It encodes as JSON, so a script can be a file.
type Step struct {
	// When is a text of the instructions or of the first message of those
	// conversations that the step is for; "" is for all. So the agents that share a
	// Model each get their own steps.
	When string `json:"when,omitempty"`
	// Expect are texts that the results of the last calls must hold, else the
	// answer is an error that says what they are: the world is not as the script
	// needs it.
	Expect []string `json:"expect,omitempty"`
	// Take gives names to pieces of the last results: what the first group of the
	// regular expression matches. In Text and Calls of this and of later steps
	// "{{name}}" is then that piece.
	Take map[string]string `json:"take,omitempty"`

	Reasoning string     `json:"reasoning,omitempty"`
	Text      string     `json:"text,omitempty"`
	Calls     []Call     `json:"calls,omitempty"`
	Stop      llm.Stop   `json:"stop,omitempty"` // "" is llm.Calls with calls, else llm.End
	Usage     *llm.Usage `json:"usage,omitempty"`
	// Error ends the answer after Text and Calls.
	Error *Failure `json:"error,omitempty"`
	// Wait is how many milliseconds pass before the answer.
	Wait int `json:"wait,omitempty"`
}

// Call is a call of a tool.
type Call struct {
	ID    string    `json:"id,omitempty"` // "" is a new one
	Name  string    `json:"name"`
	Input llm.Input `json:"input"` // a JSON string that holds it, where it is not JSON
}

// Failure is an error of a provider.
type Failure struct {
	// Kind is "auth", "request", "too long", "quota", "limited", "trouble", "cut",
	// "answer" or "unknown".
	Kind       string `json:"kind"`
	Text       string `json:"text,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"` // seconds
}

var kinds = map[string]error{
	"auth": llm.ErrAuth, "request": llm.ErrRequest, "too long": llm.ErrTooLong, "quota": llm.ErrQuota,
	"limited": llm.ErrLimited, "trouble": llm.ErrTrouble, "cut": llm.ErrCut, "answer": llm.ErrAnswer, "unknown": llm.ErrUnknown,
}

// Model plays a script. It is safe for concurrent use; every step is played once.
type Model struct {
	name string

	mu    sync.Mutex
	steps []Step
	used  []bool
	taken map[string]string
	said  bool // the notice was
	calls int
	seen  []*llm.Request
}

// New makes a Model of steps. Its name is "scripted:" and name. A step with a
// regular expression or a kind of error that is none is an error.
func New(name string, steps []Step) (*Model, error) {
	for i, s := range steps {
		for _, key := range slices.Sorted(maps.Keys(s.Take)) {
			if re, err := regexp.Compile(s.Take[key]); err != nil || re.NumSubexp() < 1 {
				return nil, fmt.Errorf("scripted: step %d: take %q: not a regular expression with a group", i+1, key)
			}
		}
		if s.Error != nil && kinds[s.Error.Kind] == nil {
			return nil, fmt.Errorf("scripted: step %d: no kind of error %q: there is %s", i+1, s.Error.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
	}
	return &Model{name: "scripted:" + name, steps: slices.Clone(steps), used: make([]bool, len(steps)), taken: map[string]string{}}, nil
}

// Must is New for steps that are part of the program. It panics on an error.
func Must(steps ...Step) *Model {
	m, err := New("steps", steps)
	if err != nil {
		panic(err)
	}
	return m
}

// Parse is New for a script in JSON: a list of steps. A field that does not exist
// is an error.
func Parse(name string, script []byte) (*Model, error) {
	var steps []Step
	d := json.NewDecoder(strings.NewReader(string(script)))
	d.DisallowUnknownFields()
	if err := d.Decode(&steps); err != nil {
		return nil, fmt.Errorf("scripted: %w", err)
	}
	return New(name, steps)
}

// Name implements [llm.Model].
func (m *Model) Name() string { return m.name }

// Left is how many steps were not played.
func (m *Model) Left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, u := range m.used {
		if !u {
			n++
		}
	}
	return n
}

// Requests are all requests so far.
func (m *Model) Requests() []*llm.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.seen)
}

// Stream implements [llm.Model] with the first step for the conversation that was
// not played. Without any left it is an error that matches llm.ErrRequest.
func (m *Model) Stream(ctx context.Context, req *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		s, err := m.next(req)
		if err == nil {
			err = wait(ctx, time.Duration(s.Wait)*time.Millisecond)
		}
		if err != nil {
			yield(llm.Part{}, err)
			return
		}
		play(ctx, m.name, s, yield)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
