package main

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/limit"
)

// caps is [limit] of the config file, and --limit: how much is done with the
// backend in one run.
type caps struct {
	FileBytes   size  `toml:"file_bytes"`
	WriteBytes  size  `toml:"write_bytes"`
	ReadBytes   size  `toml:"read_bytes"`
	Operations  count `toml:"operations"`
	Entries     count `toml:"entries"`
	Matches     count `toml:"matches"`
	Commands    count `toml:"commands"`
	AtOnce      count `toml:"at_once"`
	OutputBytes size  `toml:"output_bytes"`
}

// capNamed is a cap with its key.
type capNamed struct {
	name string
	to   encoding.TextUnmarshaler
}

// named are the caps, in the order in which they are shown.
func (c *caps) named() []capNamed {
	return []capNamed{
		{"file_bytes", &c.FileBytes}, {"write_bytes", &c.WriteBytes}, {"read_bytes", &c.ReadBytes},
		{"operations", &c.Operations}, {"entries", &c.Entries}, {"matches", &c.Matches},
		{"commands", &c.Commands}, {"at_once", &c.AtOnce}, {"output_bytes", &c.OutputBytes},
	}
}

// options are c for package limit; none is a number below zero in both.
func (c *caps) options() limit.Options {
	return limit.Options{
		FileBytes: c.FileBytes.n, WriteBytes: c.WriteBytes.n, ReadBytes: c.ReadBytes.n,
		Operations: int64(c.Operations.n), Entries: int64(c.Entries.n), Matches: int64(c.Matches.n),
		Commands: int64(c.Commands.n), AtOnce: int64(c.AtOnce.n), OutputBytes: c.OutputBytes.n,
	}
}

// add takes KEY=N,KEY=N over what is in c.
func (c *caps) add(text string) error { return setCaps(text, c.named()) }

// setCaps takes KEY=N,KEY=N.
func setCaps(text string, all []capNamed) error {
	for part := range strings.SplitSeq(text, ",") {
		name, n, ok := strings.Cut(part, "=")
		i := slices.IndexFunc(all, func(one capNamed) bool { return one.name == name })
		if !ok || i < 0 {
			var names []string
			for _, one := range all {
				names = append(names, one.name)
			}
			return fmt.Errorf("%q is no limit; write KEY=N, with one of %s", part, strings.Join(names, ", "))
		}
		if err := all[i].to.UnmarshalText([]byte(n)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// capsFlag is the flag --limit, which is read before the config file that it wins
// over.
type capsFlag struct{ to *[]string }

func (f capsFlag) Type() string { return "KEY=N" }

func (f capsFlag) String() string {
	if f.to == nil {
		return ""
	}
	return strings.Join(*f.to, ",")
}

func (f capsFlag) Set(text string) error {
	*f.to = append(*f.to, text)
	return new(caps).add(text)
}

// guarded is b behind the policy that was chosen, if there is one; in front of that
// the caps, which count what is asked for and not what the policy looks at; and
// outermost the record, which has what both refuse. ask may be nil.
func (c *cli) guarded(ctx context.Context, w *workspace, b hutch.Backend, ask asker) (hutch.Backend, error) {
	b, err := c.ruled(ctx, w, b, ask)
	if err == nil {
		b, err = c.capped(w.cfg, b)
	}
	if err != nil {
		return nil, err
	}
	return c.audited(w.cfg, b)
}

// capped is b with the caps of the config file, over which those of --limit win.
func (c *cli) capped(cfg *config, b hutch.Backend) (hutch.Backend, error) {
	all := cfg.Limit
	for _, text := range c.limit {
		if err := all.add(text); err != nil {
			return nil, usagef("--limit: %w", err)
		}
	}
	if o := all.options(); o != (limit.Options{}) {
		return limit.New(b, o), nil
	}
	return b, nil
}

// audited is b with a record of what is done with it in the file of --audit, else
// that of the config file. That stays open until the program ends.
func (c *cli) audited(cfg *config, b hutch.Backend) (hutch.Backend, error) {
	file := c.audit
	if file == "" && cfg.Audit != "" && cfg.Audit != noPolicy {
		file = inDir(cfg.dir, cfg.Audit)
	}
	if file == "" || file == noPolicy {
		return b, nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %s: %w", file, bare(err))
	}
	o := &audit.Options{}
	if u, err := user.Current(); err == nil {
		o.Who = u.Username
	}
	return audit.New(b, slog.New(slog.NewJSONHandler(f, nil)), o), nil
}
