package deepagent

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hutch-dev/hutch/llm"
)

const (
	stuckTold  = 3  // times the same within stuckSteps: the model is told
	stuckEnded = 6  // the run ends
	stuckSteps = 12 // steps that are looked at
)

// stuck finds a model that does the same again and again: the same calls with the
// same results, in a row or in turns.
type stuck struct {
	last []sum        // of the last steps
	ever map[sum]bool // calls that have changed something, of the whole run
}

type sum [sha256.Size]byte

// look notes a step, and tells the model in the first of its results.
func (s *stuck) look(calls []llm.Call, results []llm.Result, find func(string) *action) error {
	if waiting(calls) {
		return nil
	}
	h := sha256.New()
	for i, c := range calls {
		one := sumOf(c, results[i])
		h.Write(one[:])
		if a := find(c.Name); a != nil && !a.ReadOnly && !results[i].Failed && !s.ever[one] {
			s.note(one) // something new was done: what is the same now may not be the same
		}
	}
	now := sum(h.Sum(nil))
	same := 1
	for _, old := range s.last {
		if old == now {
			same++
		}
	}
	s.last = append(s.last, now)
	s.last = s.last[max(0, len(s.last)-stuckSteps+1):]
	switch {
	case same >= stuckEnded:
		return fmt.Errorf("deepagent: %w: %s, %d times with the same result", ErrStuck, calls[0].Name, same)
	case same >= stuckTold:
		results[0].Text += fmt.Sprintf("\n\n(You have done the same with the same result %d times. Do something else, or say what keeps you from going on.)", same)
	}
	return nil
}

// waiting reports whether a step only looks at commands in the background, which
// may well take their time.
func waiting(calls []llm.Call) bool {
	return !slices.ContainsFunc(calls, func(c llm.Call) bool { return c.Name != "read_output" && c.Name != "list_shells" })
}

func (s *stuck) note(one sum) {
	if s.ever == nil {
		s.ever = map[sum]bool{}
	}
	s.ever[one] = true
	s.last = nil
}

func sumOf(c llm.Call, r llm.Result) sum {
	input := []byte(c.Input)
	var tidy bytes.Buffer
	if json.Compact(&tidy, input) == nil {
		input = tidy.Bytes()
	}
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t", c.Name, input, r.Text, r.Failed))
}
