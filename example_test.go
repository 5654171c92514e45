package hutch_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/state"
)

// A directory of this machine, with commands in a jail.
func Example_local() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	ws, err := local.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ws.Close()
	hutch.WriteFile(ctx, ws, "hello.sh", []byte("echo Hello from $PWD\n"), nil)

	var out hutch.Capture
	cmd := hutch.Shell("sh hello.sh")
	cmd.Stdout = &out
	res, err := ws.Exec(ctx, cmd)
	fmt.Println(res.ExitCode, out.String(), err)
}

// Files in memory, for tests and for agents that need no disk.
func Example_state() {
	ctx := context.Background()
	b := state.New(nil)
	hutch.WriteFile(ctx, b, "src/app.py", []byte("print('hello')\n"), nil)
	hutch.EditFile(ctx, b, "src/app.py", []hutch.Edit{{Old: "hello", New: "hello, world"}})
	data, _ := hutch.ReadFile(ctx, b, "src/app.py")
	fmt.Print(string(data))

	fork := b.Fork() // costs the same with a hundred thousand files
	hutch.RemoveAll(ctx, fork, "src")
	_, err := b.Stat(ctx, "src/app.py")
	fmt.Println(err)
	// Output:
	// print('hello, world')
	// <nil>
}

// Several backends as one, by prefix.
func Example_composite() {
	ctx := context.Background()
	project := state.New(nil)
	hutch.WriteFile(ctx, project, "main.go", []byte("package main\n"), nil)

	b, err := composite.New(state.New(nil), composite.Routes{"/project/": project})
	if err != nil {
		log.Fatal(err)
	}
	hutch.WriteFile(ctx, b, "notes.md", []byte("see project/main.go\n"), nil)
	for m, err := range hutch.Grep(ctx, b, hutch.Query{Pattern: `main`}) {
		fmt.Println(m.Name, m.Line, m.Text, err)
	}
	// Output:
	// notes.md 1 see project/main.go <nil>
	// project/main.go 1 package main <nil>
}
