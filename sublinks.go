package hutch

import (
	"context"
	"fmt"
	"io/fs"
)

type subLinker struct {
	s *sub
	l Linker
}

func (v subLinker) Real(ctx context.Context, name string) (string, error) {
	if err := CheckName("real", name); err != nil {
		return "", err
	}
	real, err := v.l.Real(ctx, join(v.s.dir, name))
	if err != nil {
		return "", v.s.err(err)
	}
	if !within(v.s.dir, real) {
		return "", pathError("real", name, fmt.Errorf("%w: the link leads out of the directory", fs.ErrPermission))
	}
	return relative(v.s.dir, real), nil
}

func (v subLinker) Unlinked() Backend { return &sub{b: v.l.Unlinked(), dir: v.s.dir} }
