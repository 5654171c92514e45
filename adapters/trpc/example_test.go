package trpc_test

import (
	"context"
	"fmt"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/trpc"
	"github.com/hutch-dev/hutch/state"
	"trpc.group/trpc-go/trpc-agent-go/agent/llmagent"
	"trpc.group/trpc-go/trpc-agent-go/model"
	"trpc.group/trpc-go/trpc-agent-go/runner"
)

func ExampleTools() {
	ctx := context.Background()
	backend := state.New(nil)
	scripted := &scripted{turns: []turn{{{"write_file", `{"path":"hello.txt","content":"hello\n"}`}}}} // in place of a real model
	agent := llmagent.New("coder", llmagent.WithModel(scripted), llmagent.WithTools(trpc.Tools(backend, nil)))
	r := runner.NewRunner("app", agent)
	defer r.Close()
	events, err := r.Run(ctx, "somebody", "session", model.NewUserMessage("Say hello in a file."))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range events {
	}
	data, _ := hutch.ReadFile(ctx, backend, "hello.txt")
	fmt.Printf("%s", data)
	// Output: hello
}
