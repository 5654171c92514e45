package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"time"

	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/spf13/cobra"
)

// docker opens the container of an image or a runtime: the one that an earlier
// run has left, else a new one.
func (o *opener) docker(image string, with *backendConfig) (made, error) {
	if image == "" {
		return made{}, usagef("docker: names no image; write docker:IMAGE or docker:RUNTIME, as in docker:python-datascience")
	}
	opts, err := o.dockerOptions(image, with)
	if err != nil {
		return made{}, usage(err)
	}
	opts.Build.Progress = harmless{o.c.err}
	sb, err := docker.Open(o.c.in.ctx, opts)
	if err != nil {
		return made{}, fmt.Errorf("open docker:%s: %w", image, o.c.buildFailure(bare(err)))
	}
	if why := sb.Plain(); why != "" {
		fmt.Fprintf(o.c.err, "hutch: slower than it could be, no helper in the container: %s\n", show.Visible(why, false))
	}
	o.w.docks = append(o.w.docks, sb)
	return made{b: sb, id: "docker:" + image + " in " + opts.Name}, nil
}

// dockerOptions takes what the flags and the config file of a local backend and
// a container have in common. A name that is that of a runtime is the runtime.
func (o *opener) dockerOptions(image string, with *backendConfig) (*docker.Options, error) {
	common := with.options()
	if o.adjust != nil {
		o.adjust(common)
	}
	opts := &docker.Options{Image: image, Env: common.Env, Limits: common.Limits, Hide: common.Hide, Protect: common.Protect}
	catalog, err := o.cfg.catalog()
	if err != nil {
		return nil, err
	}
	if r, err := catalog.Find(image); err == nil {
		opts.Image, opts.Runtime = "", &r
	}
	if common.Network {
		opts.Network = "bridge"
	}
	opts.Memory, opts.Processes = opts.Limits.Memory, int64(opts.Limits.Processes)
	opts.Limits.Memory, opts.Limits.Processes = 0, 0
	if opts.Name = with.Name; opts.Name == "" {
		opts.Name = dockName(image, common.Network)
	}
	return opts, nil
}

// dockName is the name of the container that a user has of an image.
func dockName(image string, network bool) string {
	who := fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		who = u.Uid
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%v", who, image, network))
	return "hutch-" + hex.EncodeToString(sum[:6])
}

// leave lets a container go on for the next run.
func leave(d *docker.Sandbox) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return d.Detach(ctx)
}

func dockerCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "docker",
		Short: "Look after the containers of docker: backends",
		Long: `With --backend docker:IMAGE the files are in a container, and commands run there.
The first run makes it: an unprivileged user, no capabilities, a read-only system,
limits, no network unless the config file or exec --network asks for it. It waits
an hour for the next run, with its files; then it is removed. Who names other
limits or another environment than the run before gets an error, until the
container is removed.`,
		Example: `  hutch --backend docker:python-minimal exec -- python3 --version
  hutch docker rm python-minimal`,
		Args: args(1, 0),
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "rm IMAGE...",
		Short:   "Remove the container of an image, with its files",
		Example: `  hutch docker rm debian:bookworm`,
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, images []string) error {
			return c.each(cmd.Context(), images, func(image string) error { return removeDock(cmd.Context(), image) })
		},
	}, &cobra.Command{
		Use:     "sweep",
		Short:   "Remove what crashes have left behind",
		Example: `  hutch docker sweep`,
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := docker.Sweep(cmd.Context(), "")
			if err == nil {
				_, err = fmt.Fprintf(c.out, "%d removed\n", n)
			}
			return err
		},
	})
	return cmd
}

// removeDock removes the containers of an image, with and without network.
func removeDock(ctx context.Context, image string) error {
	found := false
	for _, network := range []bool{false, true} {
		sb, err := docker.Attach(ctx, dockName(image, network), nil)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = sb.Close()
		}
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fmt.Errorf("docker:%s has no container", image)
	}
	return nil
}
