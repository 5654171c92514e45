package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// read is the reading of 4 KiB five directories deep.
func (b *bench) read() ([]row, error) {
	const name = "one/two/three/four/five/file"
	if _, err := hutch.WriteFile(b.ctx, b.sb, name, make([]byte, 4<<10), nil); err != nil {
		return nil, err
	}
	path := b.path("ws", "one", "two", "three", "four", "five", "file")
	mine, other, err := medians(b.ctx, 200, 50, func() error {
		_, err := hutch.ReadFile(b.ctx, b.sb, name)
		return err
	}, func() error {
		_, err := os.ReadFile(path)
		return err
	})
	return []row{timed("read 4 KiB, five directories deep", mine, "os.ReadFile", other, 0.8)}, err
}

// write is the atomic writing of 4 KiB.
func (b *bench) write() ([]row, error) {
	data := make([]byte, 4<<10)
	path, n := b.path("byhand"), 0
	mine, other, err := medians(b.ctx, 200, 20, func() error {
		_, err := b.sb.Write(b.ctx, "file", bytes.NewReader(data), nil)
		return err
	}, func() error {
		n++
		temporary := fmt.Sprint(path, n)
		if err := os.WriteFile(temporary, data, 0o644); err != nil {
			return err
		}
		return os.Rename(temporary, path)
	})
	return []row{timed("atomic write of 4 KiB", mine, "create, write, rename", other, 1.5)}, err
}

// fork is a fork of a state, which must not depend on how much is in it.
func (b *bench) fork() ([]row, error) {
	small, err := stateWith(b, 1)
	if err != nil {
		return nil, err
	}
	large, err := stateWith(b, 100_000)
	if err != nil {
		return nil, err
	}
	mine, other, err := medians(b.ctx, 200, 1000, func() error {
		large.Fork()
		return nil
	}, func() error {
		small.Fork()
		return nil
	})
	r := timed("fork of a state with 100 000 files", mine, "fork of one with 1 file", other, 2)
	r.Goal = "constant"
	return []row{r}, err
}

func stateWith(b *bench, files int) (*state.Backend, error) {
	s := state.New(nil)
	for i := range files {
		name := fmt.Sprintf("d%d/f%d", i/100, i)
		if _, err := s.Write(b.ctx, name, bytes.NewReader(nil), nil); err != nil {
			return nil, err
		}
	}
	return s, nil
}
