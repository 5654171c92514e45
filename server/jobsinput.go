package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

type signalIn struct {
	Signal string `json:"signal" jsonschema:"Such as SIGTERM or TERM."`
}

func signalJob(c *Call, r *room, id string) (any, error) {
	name := c.In.(*signalIn).Signal
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	return nil, r.jobs.Signal(c.Ctx, id, name)
}

type stdinQuery struct {
	Close bool `json:"close" jsonschema:"End the input after this."`
}

// writeJob hands on the body as it comes.
func writeJob(c *Call, r *room, id string) (any, error) {
	if _, err := r.jobs.Status(id); err != nil {
		return nil, err
	}
	buf := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(buf)
	for {
		n, err := c.R.Body.Read(buf[:])
		if n > 0 {
			if err := writeInput(c, r, id, buf[:n]); err != nil {
				return nil, err
			}
		}
		switch {
		case err == io.EOF && c.Query.(*stdinQuery).Close:
			return nil, r.jobs.CloseInput(id)
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, err
		}
	}
}

// inputTime is how long a job may read nothing of what is written to it: as long
// as the body was not read, nobody notices that the client has gone.
const inputTime = 30 * time.Second

func writeInput(c *Call, r *room, id string, b []byte) error {
	ctx, cancel := context.WithTimeout(c.Ctx, inputTime)
	defer cancel()
	_, err := r.jobs.Write(ctx, id, b)
	if errors.Is(err, context.DeadlineExceeded) {
		return Problem(http.StatusGatewayTimeout, "timeout", "the job does not read its standard input; some of the body may have been taken")
	}
	return err
}
