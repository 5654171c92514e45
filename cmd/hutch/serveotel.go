package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracing sends spans to a collector.
type tracing struct {
	trace.Tracer
	p *sdk.TracerProvider
}

// newTracing sends to where a collector takes OTLP over HTTP, as
// http://localhost:4318 does; without a path that is /v1/traces.
func newTracing(to string) (*tracing, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("serve: --otlp is not the URL of a collector, like http://localhost:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(&otlp{url: u.String(), client: &http.Client{Timeout: 10 * time.Second}}),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "hutch"), attribute.String("service.version", programVersion()))))
	return &tracing{p.Tracer("github.com/hutch-dev/hutch"), p}, nil
}

// close sends what has not been sent yet.
func (t *tracing) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastWork)
	defer cancel()
	if err := t.p.Shutdown(ctx); err != nil {
		return errors.New("the last spans did not reach the collector")
	}
	return nil
}

// otlp is an exporter that speaks the JSON form of the OpenTelemetry protocol
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
type otlp struct {
	url    string
	client *http.Client
}

// Shutdown implements [sdk.SpanExporter].
func (o *otlp) Shutdown(context.Context) error { return nil }

// ExportSpans implements [sdk.SpanExporter]. Spans that do not arrive are lost.
func (o *otlp) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(document(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector says %s", resp.Status)
	}
	return nil
}

type (
	otlpList  map[string]any
	otlpSpan  map[string]any
	otlpValue map[string]any
)

// document is the request of a collector.
func document(spans []sdk.ReadOnlySpan) otlpList {
	all := make([]otlpSpan, len(spans))
	for i, s := range spans {
		all[i] = otlpOf(s)
	}
	return otlpList{"resourceSpans": []any{otlpList{
		"resource":   otlpList{"attributes": attributes(spans[0].Resource().Attributes())},
		"scopeSpans": []any{otlpList{"scope": otlpList{"name": spans[0].InstrumentationScope().Name}, "spans": all}},
	}}}
}

func otlpOf(s sdk.ReadOnlySpan) otlpSpan {
	c := s.SpanContext()
	span := otlpSpan{
		"traceId": c.TraceID().String(), "spanId": c.SpanID().String(), "name": s.Name(), "kind": int(s.SpanKind()),
		"startTimeUnixNano": strconv.FormatInt(s.StartTime().UnixNano(), 10),
		"endTimeUnixNano":   strconv.FormatInt(s.EndTime().UnixNano(), 10),
		"attributes":        attributes(s.Attributes()),
	}
	if s.Parent().IsValid() {
		span["parentSpanId"] = s.Parent().SpanID().String()
	}
	if st := s.Status(); st.Code == codes.Error {
		span["status"] = otlpList{"code": 2, "message": st.Description}
	}
	return span
}

func attributes(all []attribute.KeyValue) []otlpList {
	list := make([]otlpList, len(all))
	for i, a := range all {
		v := otlpValue{"stringValue": fmt.Sprint(a.Value.AsInterface())}
		switch a.Value.Type() {
		case attribute.INT64:
			v = otlpValue{"intValue": strconv.FormatInt(a.Value.AsInt64(), 10)}
		case attribute.BOOL:
			v = otlpValue{"boolValue": a.Value.AsBool()}
		case attribute.FLOAT64:
			v = otlpValue{"doubleValue": a.Value.AsFloat64()}
		}
		list[i] = otlpList{"key": string(a.Key), "value": v}
	}
	return list
}
