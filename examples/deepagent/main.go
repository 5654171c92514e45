// Command deepagent is one agent on four backends, of which an argument names
// one: "state", "local", "docker" or "composite". It writes a script, runs it
// where commands run, and reads what came of it.
//
//	go run ./examples/deepagent local ./workspace
//	go run ./examples/deepagent docker debian:bookworm
//
// Its model is a script, so that it needs no key; models.Open of llm/models gives
// one that thinks.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/state"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run opens the backend, and has the agent work on it and tell of it.
func run(ctx context.Context, args []string, out io.Writer) error {
	b, err := open(ctx, append(args, "", ""))
	if err != nil {
		return err
	}
	if c, ok := b.(io.Closer); ok {
		defer c.Close()
	}
	_, runs := hutch.As[hutch.Execer](b)
	agent, err := deepagent.New(model(runs), nil)
	if err != nil {
		return err
	}
	for e, err := range agent.Stream(ctx, "Write a script that adds up numbers, and run it.", &deepagent.Deps{Backend: b}) {
		if err != nil {
			return err
		}
		tell(out, e)
	}
	return nil
}

// open is the backend of that kind; of is its directory or its image.
func open(ctx context.Context, args []string) (hutch.Backend, error) {
	switch kind, of := args[0], args[1]; kind {
	case "state":
		return state.New(nil), nil
	case "local":
		return opened(local.Open(of, nil))
	case "docker":
		return opened(docker.Open(ctx, &docker.Options{Image: of}))
	case "composite":
		return opened(composite.New(state.New(nil), composite.Routes{"/project/": state.New(nil)}))
	}
	return nil, fmt.Errorf("usage: deepagent state | local DIR | docker IMAGE | composite")
}

// opened keeps a nil of one type from becoming a backend that is not nil.
func opened[B hutch.Backend](b B, err error) (hutch.Backend, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

// model does what a language model might do.
func model(runs bool) llm.Model {
	steps := []scripted.Step{
		{Calls: []scripted.Call{{Name: "write_file", Input: `{"path": "project/sum.sh", "content": "echo \"the sum is $((40 + 2))\"\n"}`}}},
		{Calls: []scripted.Call{{Name: "execute", Input: `{"command": "sh sum.sh | tee result.txt", "cwd": "project"}`}}},
		{Expect: []string{"the sum is 42"}, Calls: []scripted.Call{{Name: "read_file", Input: `{"path": "project/result.txt"}`}}},
		{Expect: []string{"the sum is 42"}, Text: "The script works: the sum is 42."},
	}
	if runs {
		return scripted.Must(steps...)
	}
	read := scripted.Step{Calls: []scripted.Call{{Name: "read_file", Input: `{"path": "project/sum.sh"}`}}}
	return scripted.Must(steps[0], read, scripted.Step{Expect: []string{"40 + 2"}, Text: "The script is written. No commands run here."})
}

// tell prints an event for people.
func tell(out io.Writer, e deepagent.Event) {
	switch e.Kind {
	case deepagent.Text:
		fmt.Fprint(out, e.Text)
	case deepagent.ToolCall:
		fmt.Fprintf(out, "-> %s %s\n", e.Call.Name, e.Call.Input)
	case deepagent.ToolDone:
		fmt.Fprintf(out, "%s\n\n", e.Outcome.Text)
	case deepagent.End:
		fmt.Fprintf(out, "\n\n%s after %d steps.\n", e.Result.Ending, e.Result.Usage.Steps)
	}
}
