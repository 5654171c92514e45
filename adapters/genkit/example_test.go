package genkit_test

import (
	"context"
	"fmt"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/genkit"
	"github.com/hutch-dev/hutch"
	hutchtools "github.com/hutch-dev/hutch/adapters/genkit"
	"github.com/hutch-dev/hutch/state"
)

func Example() {
	ctx := context.Background()
	g := genkit.Init(ctx) // with the plugin of a real model
	m := &scripted{turns: [][]use{{{"write_file", args{"path": "hay.md", "content": "buy hay\n"}}}}}
	model := genkit.DefineModel(g, "test/scripted", &ai.ModelOptions{Supports: &ai.ModelSupports{Tools: true, Multiturn: true}}, m.generate)

	b := state.New(nil) // or local.Open("workspace", nil), with commands
	answer, err := genkit.Generate(ctx, g,
		ai.WithModel(model),
		ai.WithTools(hutchtools.Tools(b, nil)...),
		ai.WithMaxTurns(30),
		ai.WithPrompt("Note that we need hay."))
	if err != nil {
		fmt.Println(err)
		return
	}
	note, _ := hutch.ReadFile(ctx, b, "hay.md")
	fmt.Printf("%s %s", answer.Text(), note)
	// Output:
	// Done. buy hay
}
