package anthropic_test

import (
	"context"
	"fmt"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/hutch-dev/hutch"
	hutchtools "github.com/hutch-dev/hutch/adapters/anthropic"
	"github.com/hutch-dev/hutch/state"
)

func Example() {
	ctx := context.Background()
	server := newModel([]use{{"write_file", `{"path": "hay.md", "content": "buy hay\n"}`}})
	defer server.Close()
	client := sdk.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("…")) // without options: the real API

	b := state.New(nil) // or local.Open("workspace", nil), with commands
	runner := client.Beta.Messages.NewToolRunner(hutchtools.Tools(b, nil), sdk.BetaToolRunnerParams{
		BetaMessageNewParams: sdk.BetaMessageNewParams{
			Model: "claude-sonnet-5-5", MaxTokens: 4096,
			Messages: []sdk.BetaMessageParam{sdk.NewBetaUserMessage(sdk.NewBetaTextBlock("Note that we need hay."))},
		},
		MaxIterations: 30,
	})
	answer, err := runner.RunToCompletion(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	note, _ := hutch.ReadFile(ctx, b, "hay.md")
	fmt.Printf("%s %s", answer.Content[0].Text, note)
	// Output:
	// Done. buy hay
}
