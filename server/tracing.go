package server

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// trace begins the span of a request, which belongs to the one that the client
// names, if it does.
func (s *Service) trace(route *Route, r *http.Request) (ctx context.Context, end func(status int)) {
	ctx = r.Context()
	if s.o.Tracer == nil {
		return ctx, func(int) {}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	ctx, span := s.o.Tracer.Start(ctx, route.Method+" "+route.path(), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("http.request.method", route.Method),
			attribute.String("http.route", route.path()),
			attribute.String("hutch.route", route.Name),
		))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Span begins a span below that of the request, of a command for instance; end is
// called with how it ended. Its texts must hold no contents.
func (c *Call) Span(name string) (ctx context.Context, end func(err error)) {
	if c.service.o.Tracer == nil {
		return c.Ctx, func(error) {}
	}
	ctx, span := c.service.o.Tracer.Start(c.Ctx, name)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
