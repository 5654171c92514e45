package tool_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// call is what the loop of an agent does when the model asks for a tool.
func call(tools []tool.Tool, name, args string) {
	for _, t := range tools {
		if t.Name != name {
			continue
		}
		res, err := t.Call(context.Background(), tool.Call{Input: json.RawMessage(args)})
		if err != nil {
			fmt.Println("the workspace is gone:", err)
			return
		}
		fmt.Println(res.Text)
		return
	}
	fmt.Println("no tool", name)
}

func ExampleConsole() {
	b := state.New(nil)
	_, _ = hutch.WriteFile(context.Background(), b, "main.go", []byte("package main\nvar port = 80\n"), nil)
	tools := tool.Console(b, nil)
	call(tools, "edit_file", `{"path": "main.go", "old_string": "port = 80", "new_string": "port = 8080"}`)
	call(tools, "read_file", `{"path": "main.go"}`)
	// Output:
	// Edited main.go: replaced 1 occurrence
	//      1	package main
	//      2	var port = 8080
}

func ExampleConsole_policy() {
	ctx := context.Background()
	b := state.New(nil)
	_, _ = hutch.WriteFile(ctx, b, ".env", []byte("KEY=secret\n"), nil)
	set := policy.Default()
	check, err := set.Checker(&policy.CheckerOptions{
		Ask: func(_ context.Context, q policy.Question) (policy.Answer, error) {
			fmt.Println("asked about:", q.Op, q.Path)
			return policy.Answer{Scope: policy.Once}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	guarded, err := guard.New(ctx, b, check, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	tools := tool.Console(guarded, nil)
	call(tools, "read_file", `{"path": ".env"}`)
	call(tools, "write_file", `{"path": "notes.md", "content": "buy hay\n"}`)
	// Output:
	// Permission denied for read on '.env': files that look like secrets stay out of reach
	// asked about: write notes.md
	// Created: wrote 1 line to notes.md
}
