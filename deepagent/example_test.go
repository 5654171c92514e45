package deepagent_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
)

// In place of a script stands the model of a provider.
func writes(name, content string) *scripted.Model {
	return scripted.Must(
		scripted.Step{Calls: []scripted.Call{{Name: "write_file", Input: input("path", name, "content", content)}}},
		scripted.Step{Text: "I wrote " + name + "."},
	)
}

// A directory of this machine, with commands in a jail.
func Example_local() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	ctx := context.Background()

	agent, err := deepagent.New(writes("hello.py", "print('hello')\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	ws, err := local.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ws.Close()
	res, err := agent.Run(ctx, "Write a script that says hello.", &deepagent.Deps{Backend: ws})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Text)
	// Output:
	// (This is a script: no language model is at work.)
	//
	// I wrote hello.py.
}

// Files in memory.
func Example_state() {
	ctx := context.Background()
	b := state.New(nil)
	hutch.WriteFile(ctx, b, "src/app.py", []byte("print('hello')\n"), nil)

	agent, err := deepagent.New(scripted.Must(
		scripted.Step{Calls: []scripted.Call{{Name: "read_file", Input: `{"path": "/src/app.py"}`}}},
		scripted.Step{Expect: []string{"print('hello')"}, Text: "It says hello."},
	), nil)
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range agent.Stream(ctx, "What does the program do?", &deepagent.Deps{Backend: b}) {
		switch {
		case err != nil:
			log.Fatal(err)
		case e.Kind == deepagent.ToolCall:
			fmt.Println("→", e.Call.Name, e.Call.Input)
		case e.Kind == deepagent.Text:
			fmt.Print(e.Text)
		}
	}
	// Output:
	// → read_file {"path": "/src/app.py"}
	// (This is a script: no language model is at work.)
	//
	// It says hello.
}

// A container, which goes when it is closed.
func Example_docker() {
	ctx := context.Background()
	catalog, err := docker.NewCatalog()
	if err != nil {
		log.Fatal(err)
	}
	rt, err := catalog.Find("python-datascience")
	if err != nil {
		log.Fatal(err)
	}
	sb, err := docker.Open(ctx, &docker.Options{Runtime: &rt})
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()

	agent, err := deepagent.New(writes("mean.py", "import pandas\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	res, err := agent.Run(ctx, "Analyze data with pandas", &deepagent.Deps{Backend: sb})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Text)
}

// Several backends as one, by prefix.
func Example_composite() {
	ctx := context.Background()
	project := state.New(nil) // or local.Open("/my/project", nil)
	b, err := composite.New(state.New(nil), composite.Routes{"project": project})
	if err != nil {
		log.Fatal(err)
	}
	agent, err := deepagent.New(writes("/project/README.md", "# Hay\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := agent.Run(ctx, "Write a README for the project.", &deepagent.Deps{Backend: b}); err != nil {
		log.Fatal(err)
	}
	data, _ := hutch.ReadFile(ctx, project, "README.md")
	fmt.Print(string(data))
	// Output:
	// # Hay
}

// Rules that ask: the questions go to whoever looks on.
func ExampleAsk() {
	ctx := context.Background()
	set := policy.Default()
	check, err := set.Checker(&policy.CheckerOptions{
		Ask: func(ctx context.Context, q policy.Question) (policy.Answer, error) {
			a, err := deepagent.Ask(ctx, deepagent.Question{Title: fmt.Sprintf("May it %s %s?", q.Op, q.Path), Text: q.Command + q.Diff, Pattern: q.Pattern})
			return policy.Answer{Scope: policy.Scope(a.Scope), Reason: a.Reason}, err
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	b, err := guard.New(ctx, state.New(nil), check, nil)
	if err != nil {
		log.Fatal(err)
	}
	agent, err := deepagent.New(writes("notes.md", "buy hay\n"), &deepagent.Options{
		Approve: func(_ context.Context, q deepagent.Question) (deepagent.Answer, error) {
			fmt.Println(q.Title)
			fmt.Print(q.Text)
			return deepagent.Answer{Scope: deepagent.Once}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := agent.Run(ctx, "Note that hay is to be bought.", &deepagent.Deps{Backend: b}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// May it write notes.md?
	// --- notes.md
	// +++ notes.md
	// @@ -0,0 +1 @@
	// +buy hay
}
