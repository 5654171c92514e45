package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/spf13/cobra"
)

func runtimesCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List, build and remove the environments of docker: backends",
		Long: `A runtime is a named environment for a container: a ready image, or a base image
with what is to be installed on it. --backend docker:NAME runs in one, and builds
its image first where the engine does not have it yet. The config file adds
runtimes, and says what of the built-in ones is different:

  [runtimes.mine]
  base = "python:3.12-slim"     # or image = "…", which is used as it is
  manager = "pip"               # or npm, apt, cargo
  packages = ["pandas>=2.0"]
  setup = ["apt-get update && apt-get install -y graphviz"]   # as root, before packages
  env = { MPLBACKEND = "agg" }
  work_dir = "/workspace"
  description = "pandas and graphviz"
  memory = "4GiB"               # limits where a sandbox names none; also cpus, network

  [runtimes.python-datascience]
  memory = "8GiB"               # all else stays as it is

An image is built again when one of these changes, or its base; the old one goes
unless there is a container of it.`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("no verb given; see hutch runtimes --help")
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(runtimesLs(c), runtimesBuild(c), runtimesRm(c), runtimesShow(c))
	return cmd
}

func runtimesLs(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the runtimes and which of them are built",
		Long: `List the runtimes by name: the state, the size of the image if it was built here,
the image or base, the description. The state is image (a ready one, used as it
is), built, stale (built from other data than it has now), or a dash; without an
engine that can say, it is unknown and the exit status is 1.
With --json, one object a line: name, description, image or base, manager,
packages, setup, env, work_dir, memory, cpus, network, state, size.`,
		Args:              args(0, 0),
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.listRuntimes(cmd.Context()) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

func runtimesBuild(c *cli) *cobra.Command {
	o := &docker.BuildOptions{}
	cmd := &cobra.Command{
		Use:   "build NAME...",
		Short: "Build the images of runtimes, or pull them",
		Long: `Make sure that the images of runtimes are on the engine, and print their names.
What happens is told on the standard error. With --json, one object a line: name, image.`,
		Example: `  hutch runtimes build python-datascience
  hutch runtimes build mine --no-cache --build-network host`,
		Args: args(1, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.withRuntimes(cmd.Context(), names, func(r docker.Runtime) error { return c.buildRuntime(cmd.Context(), r, o) })
		},
		ValidArgsFunction: c.completeRuntimes,
	}
	f := cmd.Flags()
	f.BoolVar(&o.NoCache, "no-cache", false, "build also what is built, every step anew")
	f.StringVar(&o.Network, "build-network", "", "the `NETWORK` of the engine for the build: none, host or a name (default the engine's)")
	f.BoolVar(&o.Classic, "classic", false, "use the classic builder also where the engine has BuildKit")
	return cmd
}

func runtimesRm(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME...",
		Short: "Remove the images that were built of runtimes",
		Long: `Remove the images that were built of runtimes, which need not be in the config
file any more. Images of which there is a container stay, and are an error.`,
		Args: args(1, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			return c.each(ctx, names, func(name string) error {
				_, err := docker.RemoveRuntime(ctx, "", name)
				return err
			})
		},
		ValidArgsFunction: c.completeRuntimes,
	}
}

func runtimesShow(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print the Dockerfile that a runtime is built from",
		Args:  args(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.withRuntimes(cmd.Context(), names, func(r docker.Runtime) error {
				text := r.Dockerfile()
				if text == "" {
					text = "# used as it is\nFROM " + r.Image + "\n"
				}
				_, err := io.WriteString(c.out, c.printer().text(text))
				return err
			})
		},
		ValidArgsFunction: c.completeRuntimes,
	}
}

// withRuntimes does something with runtimes by their names, all of which must
// exist.
func (c *cli) withRuntimes(ctx context.Context, names []string, do func(docker.Runtime) error) error {
	all, err := c.runtimes()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := all.Find(name); err != nil {
			return usage(err)
		}
	}
	return c.each(ctx, names, func(name string) error { return do(all[name]) })
}

func (c *cli) runtimes() (docker.Catalog, error) {
	cfg, err := loadConfig(c.config)
	if err != nil {
		return nil, usage(err)
	}
	return cfg.catalog()
}

func (c *cli) completeRuntimes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := c.runtimes()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, r := range all.All() {
		names = append(names, r.Name+"\t"+r.Description)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (c *cli) buildRuntime(ctx context.Context, r docker.Runtime, o *docker.BuildOptions) error {
	own := *o
	own.Progress = harmless{c.err}
	image, err := r.Build(ctx, &own)
	if err != nil {
		return c.buildFailure(err)
	}
	if c.json {
		return c.printJSON(struct {
			Name  string `json:"name"`
			Image string `json:"image"`
		}{r.Name, image})
	}
	_, err = io.WriteString(c.out, image+"\n")
	return err
}

// buildFailure is the error of a build whose output was shown as it went.
func (c *cli) buildFailure(err error) error {
	var failed *docker.BuildError
	if !errors.As(err, &failed) {
		return err
	}
	short := *failed
	short.Output = ""
	return &short
}

// harmless takes the power over the terminal from text of whole lines.
type harmless struct{ w io.Writer }

func (h harmless) Write(p []byte) (int, error) {
	if _, err := io.WriteString(h.w, show.Visible(string(p), true)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// runtimeEntry is a runtime in JSON.
type runtimeEntry struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Image       string            `json:"image,omitempty"`
	Base        string            `json:"base,omitempty"`
	Manager     string            `json:"manager,omitempty"`
	Packages    []string          `json:"packages,omitempty"`
	Setup       []string          `json:"setup,omitempty"`
	Env         map[string]string `json:"env,omitempty"`
	WorkDir     string            `json:"work_dir"`
	Memory      int64             `json:"memory,omitempty"`
	CPUs        float64           `json:"cpus,omitempty"`
	Network     string            `json:"network,omitempty"`
	State       string            `json:"state"`
	Size        int64             `json:"size,omitempty"`
}

// listRuntimes lists also where no engine can say what is built.
func (c *cli) listRuntimes(ctx context.Context) error {
	all, err := c.runtimes()
	if err != nil {
		return err
	}
	built, noEngine := docker.BuiltImages(ctx, "")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, r := range all.All() {
		e := runtimeEntry{
			Name: r.Name, Description: r.Description, Image: r.Image, Base: r.Base, Manager: r.Manager,
			Packages: r.Packages, Setup: r.Setup, Env: r.Env, WorkDir: cmp.Or(r.WorkDir, "/workspace"),
			Memory: r.Memory, CPUs: r.CPUs, Network: r.Network, State: "unknown",
		}
		switch {
		case r.Image != "":
			e.State = "image"
		case noEngine == nil:
			e.State, e.Size = stateOf(r, built)
		}
		if err := c.showRuntime(e); err != nil {
			return err
		}
	}
	return noEngine
}

// stateOf says whether an image of r is among those that were built.
func stateOf(r docker.Runtime, built []docker.BuiltImage) (state string, size int64) {
	state = "-"
	for _, b := range slices.Backward(built) { // the newest last
		switch {
		case b.Image != "" && b.Of(r):
			return "built", b.Size
		case b.Runtime == r.Name:
			state, size = "stale", b.Size
		}
	}
	return state, size
}

func (c *cli) showRuntime(e runtimeEntry) error {
	if c.json {
		return c.printJSON(e)
	}
	size := "-"
	if e.Size > 0 {
		size = fmt.Sprintf("%d MB", (e.Size+500_000)/1_000_000)
	}
	p := c.printer()
	name := p.paint(nameColor, e.Name) + strings.Repeat(" ", max(0, 20-len(e.Name)))
	_, err := fmt.Fprintf(c.out, "%s %-7s %8s  %-22s %s\n", name, e.State, size, p.text(e.Image+e.Base), p.text(e.Description))
	return err
}
