package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/hutch-dev/hutch/job"
)

type outputQuery struct {
	After       int64 `json:"after" jsonschema:"The cursor of an earlier answer. Last-Event-ID wins over it."`
	WaitSeconds int   `json:"wait_seconds" jsonschema:"How long to wait while there is nothing new, at most 60."`
}

type outputOut struct {
	Pieces  []pieceOut `json:"pieces"`
	Cursor  int64      `json:"cursor" jsonschema:"What to ask for next, in after."`
	Lost    int64      `json:"lost" jsonschema:"How many bytes before the first piece can no longer be read."`
	Running bool       `json:"running" jsonschema:"There is more output, or may be. False when the job has ended and all was given."`
}

type endOut struct {
	Cursor  int64 `json:"cursor"`
	Running bool  `json:"running"`
	jobOut
}

func readJob(c *Call, r *room, id string) (any, error) {
	q := c.Query.(*outputQuery)
	wait, err := waitOf(q.WaitSeconds)
	if err != nil {
		return nil, err
	}
	after, err := c.afterOf(q.After)
	if err != nil {
		return nil, err
	}
	if c.WantsEvents() {
		return nil, c.followJob(r, id, after)
	}
	k, err := c.output(r, id, after, wait)
	if err != nil {
		return nil, err
	}
	out := outputOut{Pieces: []pieceOut{}, Cursor: k.Next, Lost: k.Gone, Running: !k.End}
	for _, p := range k.Pieces {
		out.Pieces = append(out.Pieces, pieceOf(streamName(p.Stream), p.Data))
	}
	return out, nil
}

// output is output of a job. Waiting for it ends when the service does.
func (c *Call) output(r *room, id string, from int64, wait time.Duration) (job.Chunk, error) {
	if wait == 0 {
		return r.jobs.Read(c.Ctx, id, &job.ReadOptions{From: from})
	}
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-c.Draining():
			cancel()
		case <-ctx.Done():
		}
	}()
	k, err := r.jobs.Read(ctx, id, &job.ReadOptions{From: from, Wait: wait})
	cancel()
	<-watching
	if errors.Is(err, context.Canceled) && c.Ctx.Err() == nil {
		return r.jobs.Read(c.Ctx, id, &job.ReadOptions{From: from})
	}
	return k, err
}

func streamName(s job.Stream) string {
	if s == job.Stderr {
		return "stderr"
	}
	return "stdout"
}

// followJob sends the output of a job as it comes.
func (c *Call) followJob(r *room, id string, after int64) error {
	k, err := c.output(r, id, after, 0) // before the stream begins, which has no status
	if err != nil {
		return err
	}
	to := c.Events()
	for {
		if err := sendChunk(to, k, after); err != nil {
			return err
		}
		if after = k.Next; k.End {
			break
		}
		select {
		case <-c.Draining():
			return nil
		default:
		}
		if k, err = c.output(r, id, after, mostWait*time.Second); err != nil {
			return err
		}
	}
	s, err := r.jobs.Status(id)
	if err != nil {
		return err
	}
	return to.Send("", "end", endOut{Cursor: after, jobOut: r.jobOf(s)})
}

// sendChunk sends a part of the output that begins at from.
func sendChunk(to *EventStream, k job.Chunk, from int64) error {
	if k.Gone > 0 {
		from += k.Gone
		if err := to.Send(strconv.FormatInt(from, 10), "lost", lostOut{k.Gone}); err != nil {
			return err
		}
	}
	for _, p := range k.Pieces {
		from += int64(len(p.Data))
		if err := to.Send(strconv.FormatInt(from, 10), streamName(p.Stream), pieceOf("", p.Data)); err != nil {
			return err
		}
	}
	return nil
}
