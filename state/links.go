package state

import (
	"context"

	"github.com/hutch-dev/hutch"
)

// Real implements [hutch.Linker]: there are no links, every name leads to itself.
func (b *Backend) Real(ctx context.Context, name string) (string, error) {
	if err := hutch.CheckName("real", name); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return name, nil
}

// Unlinked implements [hutch.Linker]: it is the backend itself.
func (b *Backend) Unlinked() hutch.Backend { return b }
