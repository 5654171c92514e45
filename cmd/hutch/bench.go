package main

import "github.com/spf13/cobra"

func benchCommand(c *cli) *cobra.Command {
	return &cobra.Command{Use: "bench", Short: "Measure hutch", RunE: func(*cobra.Command, []string) error { return nil }}
}
