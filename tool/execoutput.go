package tool

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/job"
)

// maxNews is how many bytes read_output shows at most, settle how long nothing
// must come for what has come to be shown.
const (
	maxNews = 50_000
	settle  = 200 * time.Millisecond
)

type outputIn struct {
	ShellID string `json:"shell_id" jsonschema:"The id that run_in_background gave."`
	Wait    int    `json:"wait,omitempty" default:"0" min:"0" max:"600" jsonschema:"How many seconds to wait at most until there is something new and no more is coming, or the command has ended."`
	Stream  string `json:"stream,omitempty" default:"both" enum:"both,stdout,stderr"`
	Cursor  int64  `json:"cursor,omitempty" default:"-1" min:"-1" jsonschema:"Read from this byte of the stream on, not what is new. -1 is what is new."`
}

type outputOut struct {
	Running  bool     `json:"running"`
	State    string   `json:"state"`
	ExitCode *int     `json:"exit_code,omitempty" jsonschema:"How it ended, once it has."`
	Cursor   int64    `json:"cursor" jsonschema:"Where the output shown ends."`
	More     bool     `json:"more" jsonschema:"There is more to read at once."`
	Skipped  int64    `json:"skipped" jsonschema:"New bytes before the output shown, to be read with cursor."`
	Gone     int64    `json:"gone" jsonschema:"Bytes before it that are no longer kept."`
	Files    []string `json:"files,omitempty" jsonschema:"Files with older output of both streams, the oldest first."`
}

func (x *commands) outputTool() Tool {
	return newTool(x.console, spec{name: "read_output", title: "Read output of background shell", readOnly: true}, x.output)
}

func (x *commands) output(ctx context.Context, _ Call, in outputIn) (answer[outputOut], error) {
	v := view{in.ShellID, map[string]job.Stream{"both": job.Merged, "stdout": job.Stdout, "stderr": job.Stderr}[in.Stream]}
	from, err := x.await(ctx, v, in)
	if err != nil {
		return answer[outputOut]{}, x.noShell(in.ShellID, err)
	}
	// The status comes first: what it says has ended has printed all that is read.
	s, err := x.jobs.Status(in.ShellID)
	if err != nil {
		return answer[outputOut]{}, x.noShell(in.ShellID, err)
	}
	start := from
	if newest := printed(s, v.stream) - maxNews; in.Cursor < 0 && newest > from {
		start = newest
	}
	c, err := x.jobs.Read(ctx, v.id, &job.ReadOptions{Stream: v.stream, From: start, Max: maxNews})
	if err != nil {
		return answer[outputOut]{}, x.noShell(in.ShellID, err)
	}
	data := c.Bytes()
	if start > from { // the start is in the middle of something
		n := 0
		for n < min(len(data), utf8.UTFMax-1) && !utf8.RuneStart(data[n]) {
			n++
		}
		start, data = start+int64(n), data[n:]
	}
	x.advance(v, c.Next)
	return x.news(s, from, start, c, data), nil
}

// await is where to read from, once the wait is over.
func (x *commands) await(ctx context.Context, v view, in outputIn) (from int64, err error) {
	s, err := x.jobs.Status(v.id)
	if err != nil {
		return 0, err
	}
	if end := printed(s, v.stream); in.Cursor > end {
		return 0, mistakef("`cursor` %d is beyond the end of the output, which is at %d.", in.Cursor, end)
	}
	from = in.Cursor
	if from < 0 {
		x.mu.Lock()
		from = x.read[v]
		x.mu.Unlock()
	}
	if in.Wait == 0 {
		return from, nil
	}
	return from, x.quietSince(ctx, v, from, time.Now().Add(time.Duration(in.Wait)*time.Second))
}

// quietSince waits until something has come after from and no more comes.
func (x *commands) quietSince(ctx context.Context, v view, from int64, deadline time.Time) error {
	wait := time.Until(deadline)
	for at := from; wait > 0; wait = min(settle, time.Until(deadline)) {
		c, err := x.jobs.Read(ctx, v.id, &job.ReadOptions{Stream: v.stream, From: at, Max: 1, Wait: wait})
		if err != nil {
			return err
		}
		s, err := x.jobs.Status(v.id)
		if err != nil {
			return err
		}
		if !s.Running || c.Next == at {
			return nil
		}
		at = printed(s, v.stream)
	}
	return nil
}

// advance remembers what was read, and forgets jobs that are forgotten.
func (x *commands) advance(v view, next int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read[v] = max(x.read[v], next)
	if len(x.read) > 1000 {
		for v := range x.read {
			if _, err := x.jobs.Status(v.id); err != nil {
				delete(x.read, v)
			}
		}
	}
}

func printed(s job.Status, v job.Stream) int64 {
	return []int64{s.Stdout + s.Stderr, s.Stdout, s.Stderr}[v]
}

// news is the answer of read_output.
func (x *commands) news(s job.Status, from, start int64, c job.Chunk, data []byte) answer[outputOut] {
	skipped := start - from
	out := &outputOut{Running: s.Running, State: x.state(s), Cursor: c.Next, More: c.More, Skipped: skipped, Gone: c.Gone}
	if !s.Running && s.Err == nil {
		out.ExitCode = &s.Result.ExitCode
	}
	for _, f := range s.Files {
		out.Files = append(out.Files, hutch.PathOf(x.b, f))
	}
	var t strings.Builder
	fmt.Fprintf(&t, "[%s] %s\n", s.ID, out.State)
	if skipped > 0 {
		fmt.Fprintf(&t, "... (%d bytes skipped; cursor=%d reads on from there", skipped, from)
		if n := len(out.Files); n > 0 {
			fmt.Fprintf(&t, ", or search %s and %s before it", printable(out.Files[n-1]), count(n-1, "file", "files"))
		}
		t.WriteString(") ...\n")
	}
	if c.Gone > 0 {
		fmt.Fprintf(&t, "... (%d bytes are no longer kept%s) ...\n", c.Gone, because(s.LostWhy))
	}
	switch {
	case len(data) > 0:
		t.WriteString(valid(data))
	case skipped == 0 && c.Gone == 0:
		t.WriteString("(no new output)")
	}
	if c.More {
		fmt.Fprintf(&t, "\n... (there is more: read_output again, or with cursor=%d)", c.Next)
	}
	return answer[outputOut]{text: t.String(), data: out}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + whyNotKept(err)
}
