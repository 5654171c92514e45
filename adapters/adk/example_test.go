package adk_test

import (
	"context"
	"fmt"

	"github.com/hutch-dev/hutch"
	hutchtools "github.com/hutch-dev/hutch/adapters/adk"
	"github.com/hutch-dev/hutch/state"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	"google.golang.org/genai"
)

func Example() {
	ctx := context.Background()
	m := &scripted{turns: [][]use{{{"write_file", args{"path": "hay.md", "content": "buy hay\n"}}}}} // or gemini.NewModel

	b := state.New(nil) // or local.Open("workspace", nil), with commands
	a, err := llmagent.New(llmagent.Config{Name: "coder", Model: m, Tools: hutchtools.Tools(b, nil)})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := runner.New(runner.Config{AppName: "notes", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	prompt := genai.NewContentFromText("Note that we need hay.", genai.RoleUser)
	for event, err := range r.Run(ctx, "user", "session", prompt, agent.RunConfig{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if text := event.Content.Parts[0].Text; text != "" {
			fmt.Println(text)
		}
	}
	note, _ := hutch.ReadFile(ctx, b, "hay.md")
	fmt.Printf("%s", note)
	// Output:
	// Done.
	// buy hay
}
