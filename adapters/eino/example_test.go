package eino_test

import (
	"context"
	"fmt"

	"github.com/cloudwego/eino/adk"
	"github.com/cloudwego/eino/adk/prebuilt/deep"
	"github.com/cloudwego/eino/compose"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/state"
)

// The console toolset for an agent of one's own.
func ExampleTools() {
	ctx := context.Background()
	backend := state.New(nil)
	model := &scripted{turns: []turn{{{"write_file", `{"path":"hello.txt","content":"hello\n"}`}}}} // in place of a real one
	agent, err := adk.NewChatModelAgent(ctx, &adk.ChatModelAgentConfig{
		Name: "coder", Description: "writes files", Model: model,
		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{Tools: eino.Tools(backend, nil)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := run(ctx, agent, false); err != nil {
		fmt.Println(err)
	}
	data, _ := hutch.ReadFile(ctx, backend, "hello.txt")
	fmt.Printf("%s", data)
	// Output: hello
}

// Eino's deep agent, with its own tools, on a workspace of hutch.
func ExampleNewBackend() {
	ctx := context.Background()
	backend := state.New(nil)
	model := &scripted{turns: []turn{{{"write_file", `{"file_path":"/hello.txt","content":"hello\n"}`}}}} // in place of a real one
	files := eino.NewBackend(backend, nil)
	mend := []compose.ToolMiddleware{eino.Mend()}
	agent, err := deep.New(ctx, &deep.Config{
		Name: "deep", Description: "writes files", ChatModel: model, Backend: files,
		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{ToolCallMiddlewares: mend}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := run(ctx, agent, false); err != nil {
		fmt.Println(err)
	}
	data, _ := hutch.ReadFile(ctx, backend, "hello.txt")
	fmt.Printf("%s", data)
	// Output: hello
}
