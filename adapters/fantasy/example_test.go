package fantasy_test

import (
	"context"
	"fmt"

	"charm.land/fantasy"
	"github.com/hutch-dev/hutch"
	adapter "github.com/hutch-dev/hutch/adapters/fantasy"
	"github.com/hutch-dev/hutch/state"
)

func ExampleTools() {
	ctx := context.Background()
	backend := state.New(nil)
	model := &scripted{turns: []turn{{{"write_file", `{"path":"hello.txt","content":"hello\n"}`}}}} // in place of a real one
	agent := fantasy.NewAgent(model, fantasy.WithTools(adapter.Tools(backend, nil)...))
	result, err := agent.Generate(ctx, fantasy.AgentCall{Prompt: "Say hello in a file."})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := hutch.ReadFile(ctx, backend, "hello.txt")
	fmt.Printf("%s%s\n", data, result.Response.Content.Text())
	// Output:
	// hello
	// done
}
