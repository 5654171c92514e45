package main

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

// completeTime is how long somebody who pressed a key is kept waiting.
const completeTime = time.Second

// completions adds the verb completion and what completes the common flags.
func (c *cli) completions(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if verb, _, err := root.Find([]string{"completion"}); err == nil {
		verb.Args = cobra.ArbitraryArgs
		verb.RunE = func(*cobra.Command, []string) error {
			return usagef("completion: name a shell: bash, zsh, fish or powershell")
		}
		verb.Example = "  source <(hutch completion bash)"
	}
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(
		[]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("backend", c.completeBackend)
	_ = root.RegisterFlagCompletionFunc("policy", func(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		return c.completePolicy(cmd, nil, start)
	})
	_ = root.RegisterFlagCompletionFunc("accept", cobra.FixedCompletions([]string{"read", "write"}, cobra.ShellCompDirectiveNoFileComp))
}

// completeBackend offers the schemes and the names of the config file.
func (c *cli) completeBackend(_ *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	found := []string{"local:", "state:"}
	if cfg, err := loadConfig(c.config); err == nil {
		for name := range cfg.Backends {
			found = append(found, name)
		}
	}
	return withPrefix(found, start), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func withPrefix(all []string, start string) []string {
	var some []string
	for _, s := range all {
		if strings.HasPrefix(s, start) {
			some = append(some, s)
		}
	}
	return some
}

// completeNames offers the names in the backend that begin as start does.
func (c *cli) completeNames(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
	return c.names(cmd.Context(), start, false)
}

// completeAfterFirst is completeNames for all but the first argument.
func (c *cli) completeAfterFirst(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.names(cmd.Context(), start, false)
}

// completeDir offers directories for a flag.
func (c *cli) completeDir(cmd *cobra.Command, flag string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		return c.names(cmd.Context(), start, true)
	})
}

// names lists the directory that start names as far as its last slash. Errors
// offer nothing: a completion has nobody to tell.
func (c *cli) names(ctx context.Context, start string, dirs bool) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	w, err := c.open(nil)
	if err != nil {
		return nil, directive
	}
	typed := start[:strings.LastIndexByte(start, '/')+1]
	dir, err := hutch.Resolve(w.b, ".", typed)
	if err != nil {
		return nil, directive
	}
	var found []string
	for info, err := range w.b.List(ctx, dir) {
		if err != nil {
			break
		}
		base := path.Base(info.Name)
		name := typed + base
		switch {
		case !strings.HasPrefix(name, start) || strings.ContainsAny(name, "\n\t\r"):
			continue
		case base[0] == '.' && !strings.HasPrefix(start, typed+"."):
			continue // as ls has it
		case info.IsDir():
			name += "/"
		case dirs:
			continue
		}
		found = append(found, name)
	}
	if len(found) == 1 && !strings.HasSuffix(found[0], "/") {
		directive = cobra.ShellCompDirectiveNoFileComp
	}
	return found, directive
}
