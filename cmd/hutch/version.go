package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version of hutch, of Go, and the system.
With --json, one object: version, revision, go, system.`,
		Example: `  hutch version`,
		Args:    args(0, 0),
		RunE:    func(*cobra.Command, []string) error { return c.version() },

		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

func (c *cli) version() error {
	v := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
		System   string `json:"system"`
	}{programVersion(), "", runtime.Version(), system()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if c.json {
		return c.printJSON(v)
	}
	_, err := fmt.Fprintf(c.out, "hutch %s %s %s\n", v.Version, v.Go, v.System)
	return err
}

func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
