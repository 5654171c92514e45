package deepagent_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/state"
)

// The conversation of a sub-agent is in its last event, whole, and in no store.
func TestConversationOfSubAgent(t *testing.T) {
	kept := state.New(nil)
	store := deepagent.Files(kept, ".")
	out := finished(t, nil, &deepagent.Deps{Backend: memory("a.txt", "hay\n"), Store: store, Conversation: "one"},
		of("Do it.", step{Calls: []call{task("research", "Look.")}}),
		of("Look.", use("read_file", `{"path": "a.txt"}`)), of("Look.", say("It is hay.")),
		of("Do it.", step{Expect: []string{"It is hay."}, Text: "done"}))
	var began, ended deepagent.Event
	for _, e := range out.events {
		switch {
		case e.Agent != "" && e.Kind == deepagent.Begin:
			began = e
		case e.Agent != "" && e.Kind == deepagent.End:
			ended = e
		}
	}
	if ended.Result == nil || len(ended.Result.Messages) != 4 || began.Conversation != ended.Result.Conversation || began.Conversation == out.res.Conversation {
		t.Fatalf("%+v, %+v", began, ended.Result)
	}
	whole(t, ended.Result.Messages)
	has(t, ended.Result.Messages[0].Content[0].Text, "Look.")
	if ids, err := store.List(t.Context()); err != nil || !slices.Equal(ids, []string{"one"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// A run that ends within tasks is gone on with: one has its result, of the other
// it is said that nobody knows.
func TestResumeWithinTasks(t *testing.T) {
	store := deepagent.Files(state.New(nil), ".")
	d := &deepagent.Deps{Store: store, Conversation: "one"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan struct{})
	tools := append(
		ownTool("first", func(context.Context) (string, error) { return "", nil }),
		ownTool("stop", func(ctx context.Context) (string, error) { <-first; cancel(); <-ctx.Done(); return "", ctx.Err() })...)
	a, _ := made(t, &deepagent.Options{Tools: tools},
		of("Do it.", step{Calls: []call{task("general-purpose", "First."), task("general-purpose", "Second.")}}),
		of("First.", use("first", "{}")), of("First.", say("the first is done")),
		of("Second.", use("stop", "{}")))
	var ended error
	for e, err := range a.Stream(ctx, "Do it.", d) {
		if e.Kind == deepagent.ToolDone && e.Agent == "" && !e.Outcome.Failed {
			close(first)
		}
		ended = err
	}
	if !errors.Is(ended, context.Canceled) {
		t.Fatalf("%v", ended)
	}
	again, _ := made(t, nil, step{Expect: []string{"the first is done", "it is not known how far it came"}, Text: "I look."})
	res, err := again.Run(t.Context(), "", d)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, res.Messages)
}
