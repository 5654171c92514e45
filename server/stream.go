package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often an event stream says that it is still there.
const heartbeat = 15 * time.Second

// EventStream is an answer of server-sent events. It is safe for concurrent use,
// and good until Serve returns.
type EventStream struct {
	w    http.ResponseWriter
	c    *http.ResponseController
	ctx  context.Context
	done chan struct{}
	over chan struct{}

	mu  sync.Mutex
	err error // why nothing can be sent any more
}

// WantsEvents reports whether the client accepts an event stream.
func (c *Call) WantsEvents() bool {
	for _, line := range c.R.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// Events begins an answer of events, with the status 200. A comment every 15
// seconds keeps it alive. A second call returns the same stream.
func (c *Call) Events() *EventStream {
	if c.events != nil {
		return c.events
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.W.WriteHeader(http.StatusOK)
	e := &EventStream{
		w: c.W, c: http.NewResponseController(c.W), ctx: c.Ctx,
		done: make(chan struct{}), over: make(chan struct{}),
	}
	c.events = e
	_ = e.write([]byte(": \n\n"))
	go e.beat()
	return e
}

// Send sends an event with v as JSON, and returns when it is on its way. id and
// event may be "". After an error, which is ctx's where that has ended, nothing
// more can be sent.
func (e *EventStream) Send(id, event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, f := range []struct{ name, value string }{{"id", id}, {"event", event}} {
		if f.value != "" {
			b.WriteString(f.name + ": " + oneLine.Replace(f.value) + "\n")
		}
	}
	b.WriteString("data: ")
	b.Write(data) // has no line breaks
	b.WriteString("\n\n")
	return e.write(b.Bytes())
}

// oneLine takes out what would end a field.
var oneLine = strings.NewReplacer("\r", "", "\n", "", "\x00", "")

func (e *EventStream) write(b []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = e.ctx.Err()
	}
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
	if e.err == nil {
		e.err = e.c.Flush()
	}
	return e.err
}

func (e *EventStream) beat() {
	defer close(e.over)
	t := time.NewTicker(heartbeat)
	defer t.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-t.C:
			_ = e.write([]byte(": \n\n"))
		}
	}
}

// close ends the stream; w is not used after that.
func (e *EventStream) close() {
	close(e.done)
	<-e.over
}
