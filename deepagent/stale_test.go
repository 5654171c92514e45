package deepagent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// thoughts says of each thought in a conversation whether it is stale.
func thoughts(messages []llm.Message) []bool {
	var all []bool
	for _, m := range messages {
		for _, b := range m.Content {
			if b.Reasoning != nil {
				all = append(all, b.Reasoning.Stale)
			}
		}
	}
	return all
}

// What was thought after an image that is not shown any more is stale, and what was
// thought before it is not.
func TestStaleAfterImage(t *testing.T) {
	b := memory()
	var steps []step
	for i := range 5 {
		name := fmt.Sprintf("%d.png", i)
		put(t, b, name, "\x89PNG\r\n\x1a\n"+strings.Repeat("x", 100))
		s := use("read_file", `{"path": "`+name+`"}`)
		s.Reasoning = "hm"
		steps = append(steps, s)
	}
	a, m := made(t, &deepagent.Options{Console: &tool.Options{Images: true}}, append(steps, say("done"))...)
	if _, err := a.Run(t.Context(), "Look.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int][]bool{3: {false, false, false}, 4: {false, true, true, true}, 5: {false, true, true, true, true}} {
		if got := thoughts(m.Requests()[n].Messages); !slices.Equal(got, want) {
			t.Errorf("request %d: %v", n, got)
		}
	}
}

// Under other instructions all of it is, and what comes then is not; under the same
// nothing is.
func TestStaleUnderOtherInstructions(t *testing.T) {
	d := &deepagent.Deps{Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
	thinks := step{Reasoning: "hm", Text: "ok"}
	for i, c := range []struct {
		instructions string
		want         []bool
	}{
		{"", nil}, {"", []bool{false}}, {"Be kind.", []bool{true, true}}, {"Be kind.", []bool{true, true, false}},
	} {
		a, m := made(t, &deepagent.Options{Instructions: c.instructions}, thinks)
		if _, err := a.Run(t.Context(), "Go.", d); err != nil {
			t.Fatal(err)
		}
		if got := thoughts(m.Requests()[0].Messages); !slices.Equal(got, c.want) {
			t.Errorf("run %d: %v", i, got)
		}
	}
}
