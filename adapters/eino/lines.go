package eino

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/hutch-dev/hutch"
)

// readLines is the lines of r from number offset on, limit of them or, with 0,
// all; up to most bytes.
func readLines(ctx context.Context, r io.Reader, offset, limit int, most int64) ([]byte, error) {
	in := bufio.NewReaderSize(withContext{ctx, r}, 64<<10)
	for n := 1; n < offset; {
		part, err := in.ReadSlice('\n')
		if err == io.EOF {
			return nil, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if part[len(part)-1] == '\n' {
			n++
		}
	}
	if limit <= 0 {
		return readLimited(ctx, in, most)
	}
	var out []byte
	for n := 0; n < limit; {
		part, err := in.ReadSlice('\n')
		out = append(out, part...)
		if int64(len(out)) > most {
			return nil, tooMuch(most)
		}
		if err == io.EOF {
			return out, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		if part[len(part)-1] == '\n' {
			n++
		}
	}
	return out[:len(out)-1], nil
}

func tooMuch(most int64) error {
	return fmt.Errorf("%w: more than %d bytes; read fewer lines at once", hutch.ErrTooLarge, most)
}

// readLimited is all of r; of more than most bytes it is the first ones, with an
// error.
func readLimited(ctx context.Context, r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(withContext{ctx, r}, most+1))
	if err == nil && int64(len(data)) > most {
		return data[:most], tooMuch(most)
	}
	return data, err
}

// withContext is a reader that stops with its context.
type withContext struct {
	ctx context.Context
	r   io.Reader
}

func (w withContext) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
