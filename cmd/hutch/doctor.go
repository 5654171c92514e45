package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/local"
	"github.com/spf13/cobra"
)

func doctorCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say how well this machine can confine commands",
		Long: `Try out, layer by layer, how well this machine can confine the commands of local:
backends: what holds, what is missing and how to get it.
With --json, one object: level, default (the level that is asked for unless told
otherwise), ok (whether it can be had), system, layers (name, ok, detail, missing,
remedy), error.
Exit status: 0 the default isolation can be had, 1 it cannot.`,
		Example: `  hutch doctor`,
		Args:    args(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context()) },

		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

func (c *cli) doctor(ctx context.Context) error {
	r := local.Doctor(ctx)
	ok := r.Err == nil && r.Level >= local.Isolated
	var err error
	if c.json {
		doc := struct {
			Level   string        `json:"level"`
			Default string        `json:"default"`
			OK      bool          `json:"ok"`
			System  string        `json:"system"`
			Layers  []local.Layer `json:"layers"`
			Error   string        `json:"error,omitempty"`
		}{Level: r.Level.String(), Default: local.Isolated.String(), OK: ok, System: system(), Layers: r.Layers}
		if r.Err != nil {
			doc.Level, doc.Error = local.Unconfined.String(), r.Err.Error()
		}
		err = c.printJSON(doc)
	} else {
		err = c.showReport(r, ok)
	}
	if err == nil && !ok {
		return exit(1)
	}
	return err
}

func (c *cli) showReport(r local.Report, ok bool) error {
	p := c.printer()
	for _, l := range r.Layers {
		mark, text := p.paint(show.Added, "yes"), l.Detail
		if !l.OK {
			mark = p.paint(matchColor, "no ")
			if l.Missing != "" {
				text = l.Missing
			}
		}
		if _, err := fmt.Fprintf(c.out, "%s  %-18s %s\n", mark, l.Name, p.text(text)); err != nil {
			return err
		}
		if l.Remedy != "" && !l.OK {
			fmt.Fprintf(c.out, "     %-18s remedy: %s\n", "", p.text(l.Remedy))
		}
	}
	switch {
	case r.Err != nil:
		fmt.Fprintf(c.out, "\nOn %s commands run unconfined or not at all: %s\n", system(), p.text(r.Err.Error()))
	case ok:
		fmt.Fprintf(c.out, "\nCommands are %s here; isolated is the default.\n", r.Level)
	default:
		fmt.Fprintf(c.out, "\nCommands can be %s here, which is less than the default, isolated: allow it with --isolation %s.\n", r.Level, r.Level)
	}
	return c.out.Err()
}

func system() string { return runtime.GOOS + "/" + runtime.GOARCH }
