package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/local"
	"github.com/spf13/cobra"
)

// row is one line of the summary.
type row struct {
	What    string  `json:"what"`
	Unit    string  `json:"unit,omitempty"` // ns or bytes
	Hutch   float64 `json:"hutch"`
	Against string  `json:"against,omitempty"` // what it is compared with
	Other   float64 `json:"other,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"`
	Goal    string  `json:"goal"`
	Met     *bool   `json:"met,omitempty"`  // not there: nothing to compare with
	Note    string  `json:"note,omitempty"` // why a number is missing, or what it means
}

// bench is the verb bench.
type bench struct {
	*cli
	ctx context.Context
	dir string // of its own, with the workspace in it

	image string // for the measurements of containers
	sb    *local.Sandbox

	opened []*local.Sandbox // by the measurement of opening
}

func benchCommand(c *cli) *cobra.Command {
	b := &bench{cli: c}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure hutch next to what it is compared with",
		Long: `Measure how fast the local backend, its jail, the search and the state backend
are on this machine, each next to what it is compared with, in turns and in one
run, and print medians. Takes some seconds and a temporary directory that it
removes. What is compared with and not installed is said, not guessed.
With --json, one object a line: what, unit (ns or bytes), hutch, against, other,
ratio (hutch by other), goal, met, note.
Exit status: 0 measured, whatever came of it; 1 something could not be measured.`,
		Example: `  hutch bench`,
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.ctx = cmd.Context()
			return b.run()
		},

		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&b.image, "image", "", "measure containers too, of this `IMAGE`, next to the docker program")
	return cmd
}

func (b *bench) run() (err error) {
	if b.dir, err = os.MkdirTemp("", "hutch-bench-"); err != nil {
		return hostError(os.TempDir(), err)
	}
	defer os.RemoveAll(b.dir)
	if err := os.Mkdir(b.path("ws"), 0o755); err != nil {
		return hostError(b.dir, err)
	}
	if b.sb, err = local.Open(b.path("ws"), nil); err != nil {
		return err
	}
	defer b.sb.Close()
	if err := b.header(); err != nil {
		return err
	}
	for _, measure := range []func() ([]row, error){
		b.read, b.write, b.command, b.memory, b.open, b.fork, b.grep, b.docker,
	} {
		rows, err := measure()
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := b.print(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// path is a path of the host in the temporary directory.
func (b *bench) path(parts ...string) string {
	return strings.Join(append([]string{b.dir}, parts...), string(os.PathSeparator))
}

// timed makes the row of two medians and the most that their ratio should be.
func timed(what string, mine time.Duration, against string, other time.Duration, most float64) row {
	r := row{What: what, Unit: "ns", Hutch: float64(mine), Against: against, Goal: fmt.Sprintf("at most %.1f x", most)}
	if other > 0 {
		r.Other, r.Ratio = float64(other), float64(mine)/float64(other)
		met := r.Ratio <= most
		r.Met = &met
	}
	return r
}

// medians times mine and other in turns, batch calls at a time, and returns the
// median time of one call. other may be nil.
func medians(ctx context.Context, rounds, batch int, mine, other func() error) (a, b time.Duration, err error) {
	var as, bs []time.Duration
	for range rounds {
		t, err := timeOf(batch, mine)
		if err == nil {
			as = append(as, t)
			err = ctx.Err()
		}
		if err != nil {
			return 0, 0, err
		}
		if other == nil {
			continue
		}
		if t, err = timeOf(batch, other); err != nil {
			return 0, 0, err
		}
		bs = append(bs, t)
	}
	return median(as), median(bs), nil
}

func timeOf(batch int, f func() error) (time.Duration, error) {
	start := time.Now()
	for range batch {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(batch), nil
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

const benchLine = "%-46s %10s  %-26s %10s %8s  %-14s %s\n"

func (b *bench) header() error {
	if b.json {
		return nil
	}
	_, err := fmt.Fprintf(b.out, benchLine, "", "hutch", "", "", "ratio", "goal", "")
	return err
}

func (b *bench) print(r row) error {
	if b.json {
		return b.printJSON(r)
	}
	mine, other, ratio, verdict := quantity(r.Hutch, r.Unit), quantity(r.Other, r.Unit), "", ""
	if r.Ratio > 0 {
		ratio = fmt.Sprintf("%.2f x", r.Ratio)
	}
	if r.Met != nil {
		verdict = map[bool]string{true: "met", false: "missed"}[*r.Met]
	}
	if r.Note != "" {
		verdict = strings.TrimSpace(verdict + " (" + show.Visible(r.Note, false) + ")")
	}
	_, err := fmt.Fprintf(b.out, benchLine, r.What, mine, r.Against, other, ratio, r.Goal, verdict)
	return err
}

// quantity shows a number with three digits and a unit.
func quantity(v float64, unit string) string {
	switch {
	case v == 0:
		return "-"
	case unit == "bytes":
		return fmt.Sprintf("%.1f MiB", v/(1<<20))
	case v < 1e3:
		return fmt.Sprintf("%.0f ns", v)
	case v < 1e6:
		return fmt.Sprintf("%.2f us", v/1e3)
	case v < 1e9:
		return fmt.Sprintf("%.2f ms", v/1e6)
	}
	return fmt.Sprintf("%.2f s", v/1e9)
}
