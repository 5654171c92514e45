package wire

import (
	"context"

	"github.com/hutch-dev/hutch"
)

// unlink makes the operation one that goes through no link.
func (c *call) unlink(op string) error {
	if c.h.links == nil {
		return unable(op, c.Name)
	}
	c.b = c.h.links.Unlinked()
	return nil
}

func (c *call) real() error {
	if err := c.whole(); err != nil {
		return err
	}
	if c.h.links == nil {
		return unable("real", c.Name)
	}
	name, err := c.h.links.Real(c.ctx, c.Name)
	if err != nil {
		return err
	}
	return c.out.put(kindResult, []byte(name))
}

// files are the operations on files of a client, with links followed or not.
type files struct {
	c        *Client
	unlinked bool
}

// via is the route for an operation.
func (f files) via(r *route) *route {
	if f.unlinked {
		return r.straight
	}
	return r
}

// unlinked is a client that goes through no link, with its speeds.
type unlinked struct{ files }

func (u unlinked) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Walker:
		*t = u
	case *hutch.Scanner:
		*t = u
	case *hutch.Grepper:
		*t = u
	case *hutch.Globber:
		*t = u
	case *hutch.Renamer:
		if !u.c.has(powerRename) {
			return false
		}
		*t = u
	default:
		return false
	}
	return true
}

// Real implements [hutch.Linker].
func (c *Client) Real(ctx context.Context, name string) (string, error) {
	if err := c.ready(ctx, "real", name); err != nil {
		return "", err
	}
	p, err := c.ask(ctx, realRoute, &request{Name: name}, name)
	if err != nil {
		return "", err
	}
	if hutch.CheckName("real", string(p)) != nil {
		return "", c.lost("real", name, broken("no name"))
	}
	return string(p), nil
}

// Unlinked implements [hutch.Linker].
func (c *Client) Unlinked() hutch.Backend { return unlinked{files{c, true}} }
