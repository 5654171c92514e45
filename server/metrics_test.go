package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

func TestMetrics(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	f.create("b")
	f.want(204, "", "POST", "/v1/sessions/b/sleep", master, nil)
	f.want(200, "", "POST", path+"/echo", own, `{"name":"x"}`)
	f.want(400, "invalid", "POST", path+"/echo", own, `{`)
	f.want(401, "unauthorized", "POST", path+"/echo", "wrong", `{"name":"x"}`)
	f.want(401, "unauthorized", "GET", "/metrics", own, nil)
	f.want(401, "unauthorized", "GET", "/metrics", "", nil)
	text := string(f.want(200, "", "GET", "/metrics", master, nil).body)
	for _, line := range []string{
		`hutch_requests_total{code="200",route="echo"} 1`, `hutch_requests_total{code="400",route="echo"} 1`, `hutch_requests_total{code="401",route="echo"} 1`,
		`hutch_requests_total{code="201",route="createSession"} 2`, `hutch_request_seconds_count{route="echo"} 3`, `hutch_requests_under_way 0`,
		`hutch_sessions{state="open"} 1`, `hutch_sessions{state="asleep"} 1`, `hutch_sessions{state="ending"} 0`, `hutch_unauthorized_total 3`, `hutch_commands_running 0`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, `"a"`) || strings.Contains(text, own) {
		t.Error("what a client chooses is in the metrics")
	}
	f.want(405, "method", "POST", "/metrics", master, nil)
}

// tracer keeps the spans that have ended.
type tracer struct {
	noop.Tracer
	mu   sync.Mutex
	said []string
}

type span struct {
	noop.Span
	t      *tracer
	name   string
	attrs  []attribute.KeyValue
	parent trace.SpanContext
}

func (x *tracer) Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	c := trace.NewSpanStartConfig(o...)
	s := &span{t: x, name: name, attrs: c.Attributes(), parent: trace.SpanContextFromContext(ctx)}
	return trace.ContextWithSpan(ctx, s), s
}

func (s *span) SetAttributes(a ...attribute.KeyValue) { s.attrs = append(s.attrs, a...) }

func (s *span) End(...trace.SpanEndOption) {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	text := s.name
	for _, a := range s.attrs {
		text += " " + string(a.Key) + "=" + fmt.Sprint(a.Value.AsInterface())
	}
	s.t.said = append(s.t.said, text+" below "+s.parent.TraceID().String())
}

func TestTracing(t *testing.T) {
	x := &tracer{}
	f := serving(t, func(o *ServiceOptions) {
		o.Tracer = x
		o.More = []Route{{Method: "POST", Path: "/x", Name: "x", Doc: "x", In: thing{}, Serve: func(c *Call) (any, error) {
			_, end := c.Span("command")
			end(nil)
			return nil, nil
		}}}
	})
	path, own := f.create("a")
	id := "0af7651916cd43dd8448eb211c80319c"
	f.want(204, "", "POST", path+"/x", own, `{"name":"a secret"}`, "Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	x.mu.Lock()
	defer x.mu.Unlock()
	want := "POST /v1/sessions/{id}/x http.request.method=POST http.route=/v1/sessions/{id}/x hutch.route=x http.response.status_code=204 below " + id
	if len(x.said) != 3 || !strings.HasPrefix(x.said[1], "command") || x.said[2] != want {
		t.Errorf("%q\nwant %q", x.said, want)
	}
}
