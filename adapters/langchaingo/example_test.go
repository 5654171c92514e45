package langchaingo_test

import (
	"context"
	"fmt"

	"github.com/hutch-dev/hutch"
	adapter "github.com/hutch-dev/hutch/adapters/langchaingo"
	"github.com/hutch-dev/hutch/state"
	"github.com/tmc/langchaingo/agents"
	"github.com/tmc/langchaingo/chains"
)

func ExampleTools() {
	ctx := context.Background()
	backend := state.New(nil)
	model := &scripted{turns: []turn{{{"write_file", `{"path":"hello.txt","content":"hello\n"}`}}}} // in place of a real one
	tools := adapter.Tools(backend, nil)
	agent := agents.NewOpenAIFunctionsAgent(adapter.Model(model, tools), tools)
	answer, err := chains.Run(ctx, agents.NewExecutor(agent), "Say hello in a file.")
	if err != nil {
		fmt.Println(err)
		return
	}
	data, _ := hutch.ReadFile(ctx, backend, "hello.txt")
	fmt.Printf("%s%s\n", data, answer)
	// Output:
	// hello
	// done
}
