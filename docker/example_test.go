package docker_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/docker"
)

// Analyze data with pandas, in a container that goes with the program. The image
// is built where the engine does not have it yet.
func Example() {
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
	if _, err := hutch.WriteFile(ctx, sb, "mean.py", []byte("import pandas\nprint(pandas.Series([1, 2, 3]).mean())\n"), nil); err != nil {
		log.Fatal(err)
	}
	res, err := sb.Exec(ctx, &hutch.Cmd{Args: []string{"python3", "mean.py"}, Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("status", res.ExitCode)
}

// Containers that are ready before they are wanted.
func ExamplePool() {
	ctx := context.Background()
	pool := &docker.Pool{Options: docker.Options{Image: "debian:bookworm"}, Min: 2, Max: 20}
	if err := pool.Start(); err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	sb, err := pool.Take(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close() // each is used once
}

// A sandbox that one process leaves and another one finds.
func ExampleAttach() {
	ctx := context.Background()
	sb, err := docker.Open(ctx, &docker.Options{Image: "debian:bookworm", Name: "work"})
	if err != nil {
		log.Fatal(err)
	}
	if err := sb.Detach(ctx); err != nil {
		log.Fatal(err)
	}
	if sb, err = docker.Attach(ctx, "work", nil); err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
}
