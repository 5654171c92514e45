package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/policy"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
)

const policyLong = `A policy says what may be done with which files and which commands. --policy, or
policy = "NAME" in the config file, holds every verb to one: a preset, a
[policies.NAME] of the config file, or a file of its own (TOML, or JSON).

  [policies.mine]
  base = "default"            # a preset, whose rules come behind these
  default = "ask"             # of operations without one: allow, deny, ask
  accept = ["read"]           # what commands may do that rules forbid, where the
                              # sandbox cannot keep them from it: read, write

  [policies.mine.write]       # read, write, edit, ls, glob, grep, execute
  default = "allow"
  rules = [
    { pattern = "go.sum", action = "deny", description = "made by go mod tidy" },
  ]

  [policies.mine.execute]
  rules = [
    { pattern = "go {build,test,vet} *", action = "allow" },
    { pattern = "@dangerous", action = "deny" },
  ]

The first rule that matches decides, else the default. Patterns of files are those of
glob on whole names; "**/*.pem" is at any depth. What denies or asks ignores case and
holds below directories, too. Patterns of commands are words: a * of its own is any
number of them. A command line is taken apart, and all that it runs must be allowed;
@dangerous is what destroys a system, @unknown what cannot be known before it runs.

Where a policy says ask, the person at the terminal is asked; without a terminal it
is a refusal. The answer is good once (y), until the program ends (s) for all that the
rule is about, or always (a): for that operation on that very name, or that very
command, in that workspace under that policy. It never allows what a rule denies.
Such answers are kept in the file that remember = "FILE" in the config file names,
else in hutch/remembered in your directory of configurations; remember = "none" keeps
none. hutch policy ls shows them, hutch policy forget takes them back. In a workspace
that has this file in it nothing is remembered, and a command with variables of its
own (--env) never is.`

func policyCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Show rules, and say which of them decides",
		Long:  policyLong,
		Example: `  hutch policy explain read .env --policy default
  hutch policy explain execute 'git diff | sh' --policy mine.toml`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("no verb given; see hutch policy --help")
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(policyLs(c), policyShow(c), policyExplain(c), policyForget(c))
	return cmd
}

func policyLs(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the policies",
		Long: `List the policies by name, those of the config file first, and what becomes of
operations that no rule is about. The one that is used without --policy has a star.
Behind them the answers that are good for ever, with the ID for hutch policy forget,
and the policy and the workspace where they hold.
With --json, one object a line: name, used, defaults; and id, backend, policy, op,
name, args.`,
		Example:           `  hutch policy ls`,
		Args:              args(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := loadConfig(c.config)
			if err != nil {
				return usage(err)
			}
			for _, name := range cfg.policyNames() {
				if err := c.listPolicy(cfg, name); err != nil {
					return err
				}
			}
			return c.listRemembered()
		},
	}
}

func (c *cli) listPolicy(cfg *config, name string) error {
	r, err := cfg.policy(name)
	if err != nil {
		return usage(err)
	}
	defaults := map[guard.Op]policy.Action{}
	var shown []string
	for _, op := range guard.Ops() {
		for _, a := range []policy.Action{r.set.For(op).Default, r.set.Default, policy.Deny} {
			if a != "" {
				defaults[op] = a
				break
			}
		}
		shown = append(shown, fmt.Sprintf("%s=%s", op, defaults[op]))
	}
	if c.json {
		return c.printJSON(struct {
			Name     string                     `json:"name"`
			Used     bool                       `json:"used"`
			Defaults map[guard.Op]policy.Action `json:"defaults"`
		}{name, name == cfg.Policy, defaults})
	}
	star := " "
	if name == cfg.Policy {
		star = "*"
	}
	_, err = fmt.Fprintf(c.out, "%s %-12s %s\n", star, name, strings.Join(shown, " "))
	return err
}

func policyShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [NAME|FILE]",
		Short: "Show the rules of a policy",
		Long: `Show a policy whole, with the rules of its base, in the form in which it is written
in a file of its own. Without a name it is the one that is used.
With --json, the same as JSON.`,
		Example: `  hutch policy show permissive > mine.toml`,
		Args:    args(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				c.policy = args[0]
			}
			r, err := c.mustChoose("show")
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(r.set)
			}
			return toml.NewEncoder(c.out).SetTablesInline(false).SetArraysMultiline(true).Encode(r.set)
		},
	}
	cmd.ValidArgsFunction = c.completePolicy
	return cmd
}

// mustChoose is the policy that was chosen, which must be one.
func (c *cli) mustChoose(verb string) (*rules, error) {
	cfg, err := loadConfig(c.config)
	if err != nil {
		return nil, usage(err)
	}
	r, err := c.chosen(cfg)
	if err == nil && r == nil {
		err = usagef("policy %s: no policy is chosen; use --policy, with one of %s", verb, strings.Join(cfg.policyNames(), ", "))
	}
	return r, err
}

func policyExplain(c *cli) *cobra.Command {
	root := ""
	cmd := &cobra.Command{
		Use:   "explain OP {PATH|COMMAND}",
		Short: "Say which rule decides about an operation",
		Long: `Say what a policy makes of an operation, and which rule decides. OP is read, write,
edit, ls, glob, grep or execute; a COMMAND is a script for sh, and the programs that
it runs are shown with what becomes of each. Nothing is done, nobody is asked, and no
backend is opened: links in a path are not followed.
With --json, one object: op, target, action, rule (its number from 0, -1 for the
default), pattern, description, why, parts.

Exit status: 0 allowed; 1 denied, or to be asked about; 2 wrong usage.`,
		Example: `  hutch policy explain write src/main.go --policy default
  hutch policy explain execute 'cd web && npm test' --policy strict`,
		Args: args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.explain(cmd.Context(), root, guard.Op(args[0]), args[1])
		},
	}
	cmd.Flags().StringVar(&root, "root", "/workspace", "the `PATH` under which commands see the workspace")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		var ops []string
		for _, op := range guard.Ops() {
			ops = append(ops, string(op))
		}
		if len(args) > 0 {
			ops = nil
		}
		return withPrefix(ops, start), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

func (c *cli) explain(ctx context.Context, root string, op guard.Op, what string) error {
	if !slices.Contains(guard.Ops(), op) {
		return usagef("policy explain: there is no operation %q; there are read, write, edit, ls, glob, grep, execute", op)
	}
	r, err := c.mustChoose("explain")
	if err != nil {
		return err
	}
	check, err := r.set.Checker(&policy.CheckerOptions{Root: root})
	if err != nil {
		return usage(err)
	}
	d, err := check.Explain(ctx, op, what)
	if err != nil {
		return err
	}
	if c.json {
		err = c.printJSON(d)
	} else {
		err = c.showDecision(&d)
	}
	if err == nil && d.Action != policy.Allow {
		err = exit(1)
	}
	return err
}

// showDecision prints a decision and, indented, those about its parts.
func (c *cli) showDecision(d *policy.Decision) error {
	p := c.printer()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n", d.Action, d.Op, show.Visible(d.Target, false))
	for _, part := range d.Parts {
		fmt.Fprintf(&b, "  %s: %s %s: %s\n", part.Action, part.Op, show.Visible(part.Target, false), reason(&part))
	}
	if len(d.Parts) == 0 {
		fmt.Fprintf(&b, "  %s\n", reason(d))
	}
	_, err := c.out.Write([]byte(p.text(b.String())))
	return err
}

// reason is why a decision is what it is.
func reason(d *policy.Decision) string {
	text := "the default"
	switch {
	case d.Rule >= 0:
		text = fmt.Sprintf("rule %d of %s, %q", d.Rule, d.Op, d.Pattern)
	case d.Why != "" && d.Action == policy.Allow:
		return d.Why
	}
	for _, s := range []string{d.Why, d.Description} {
		if s != "" {
			text += ": " + s
		}
	}
	return text
}

func (c *cli) completePolicy(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	cfg, err := loadConfig(c.config)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return withPrefix(cfg.policyNames(), start), cobra.ShellCompDirectiveDefault
}
