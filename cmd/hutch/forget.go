package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/policy"
	"github.com/spf13/cobra"
)

func policyForget(c *cli) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "forget {ID... | --all}",
		Short: "Forget answers that were remembered",
		Long: `Forget answers that somebody has given with "always". hutch policy ls shows them
with their IDs. What is forgotten is asked about again, also by programs that run.`,
		Example: `  hutch policy forget 8f0c2a91d3`,
		Args:    args(0, -1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if all == (len(ids) > 0) {
				return usagef("policy forget: write the IDs that hutch policy ls shows, or --all")
			}
			return c.forget(cmd.Context(), ids)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().BoolVar(&all, "all", false, "forget all of them")
	return cmd
}

// forget forgets the answers with these ids, or all where there are none. An id
// that is none changes nothing.
func (c *cli) forget(ctx context.Context, ids []string) error {
	file, list, err := c.book()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(r remembered) bool { return r.id() == id }) {
			return fmt.Errorf("policy forget: no answer is remembered as %q; see hutch policy ls", id)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return changeBook(ctx, file, func(list []remembered) []remembered {
		return slices.DeleteFunc(list, func(r remembered) bool { return len(ids) == 0 || slices.Contains(ids, r.id()) })
	})
}

// book is the file of answers and what is in it.
func (c *cli) book() (file string, list []remembered, err error) {
	cfg, err := loadConfig(c.config)
	if err != nil {
		return "", nil, usage(err)
	}
	if file = cfg.bookFile(); file == "" {
		return "", nil, nil
	}
	list, err = readBook(file)
	return file, list, err
}

// listRemembered prints the answers that are remembered, in all workspaces.
func (c *cli) listRemembered() error {
	_, list, err := c.book()
	if err != nil {
		return err
	}
	p := c.printer()
	for i, r := range list {
		if c.json {
			err = c.printJSON(struct {
				ID string `json:"id"`
				remembered
			}{r.id(), r})
		} else {
			if i == 0 {
				fmt.Fprintf(c.out, "always:\n")
			}
			_, err = fmt.Fprintf(c.out, "  %s  %s  (%s)\n", r.id(), p.text(approvalText(r.Approval)), p.text(r.Policy+", "+r.Backend))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// approvalText is what an approval is for, in one line.
func approvalText(a policy.Approval) string {
	if a.Op != guard.Execute {
		return show.Visible(fmt.Sprintf("%s of %s", a.Op, a.Name), false)
	}
	text := fmt.Sprintf("%q", a.Args)
	if len(a.Args) == 3 && a.Args[0] == "sh" && a.Args[1] == "-c" {
		text = a.Args[2]
	}
	return show.Visible(fmt.Sprintf("execute in %s: %s", a.Name, text), false)
}
