package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters are what GET /metrics shows. No label has a value that a client chooses.
type meters struct {
	requests *prometheus.CounterVec   // by route and code
	seconds  *prometheus.HistogramVec // by route
	underway prometheus.Gauge
	read     prometheus.Counter
	written  prometheus.Counter
	wrong    prometheus.Counter
	commands prometheus.Gauge // running, jobs included
	handler  http.Handler
}

func newMeters(s *Service) *meters {
	m := &meters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hutch_requests_total", Help: "Requests answered."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hutch_request_seconds", Help: "From the request to the end of the answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600},
		}, []string{"route"}),
		underway: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hutch_requests_under_way", Help: "Requests that are not answered yet."}),
		read:     prometheus.NewCounter(prometheus.CounterOpts{Name: "hutch_body_read_bytes_total", Help: "Bytes of bodies of requests, without the wire."}),
		written:  prometheus.NewCounter(prometheus.CounterOpts{Name: "hutch_body_written_bytes_total", Help: "Bytes of bodies of answers."}),
		wrong:    prometheus.NewCounter(prometheus.CounterOpts{Name: "hutch_unauthorized_total", Help: "Requests without a token that is good."}),
		commands: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hutch_commands_running", Help: "Commands that run, jobs included."}),
	}
	r := prometheus.NewRegistry()
	r.MustRegister(m.requests, m.seconds, m.underway, m.read, m.written, m.wrong, m.commands,
		&sessionsCollector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{DisableCompression: true})
	return m
}

// sessionsCollector counts the sessions by their states when it is asked.
type sessionsCollector struct{ s *Service }

var sessionsDesc = prometheus.NewDesc("hutch_sessions", "Sessions by what they do.", []string{"state"}, nil)

// Describe implements [prometheus.Collector].
func (c *sessionsCollector) Describe(to chan<- *prometheus.Desc) { to <- sessionsDesc }

// Collect implements [prometheus.Collector].
func (c *sessionsCollector) Collect(to chan<- prometheus.Metric) {
	n := map[string]int{"opening": 0, "open": 0, "asleep": 0, "ending": 0}
	for _, i := range c.s.m.List() {
		n[string(i.State)]++
	}
	for state, k := range n {
		to <- prometheus.MustNewConstMetric(sessionsDesc, prometheus.GaugeValue, float64(k), state)
	}
}

func (s *Service) serveMetrics(w http.ResponseWriter, r *http.Request) {
	a, _ := s.answer(w, r, 0)
	if who, ok := s.tokens.caller(r); !ok || !who.service {
		s.unauthorized(r).write(a)
		return
	}
	s.meters.handler.ServeHTTP(a, r)
}

// observe counts a request and traces it; end is called when it is answered.
func (s *Service) observe(route *Route, a *answer, r *http.Request) (ctx context.Context, end func()) {
	begin := time.Now()
	s.meters.underway.Inc()
	ctx, traced := s.trace(route, r)
	return ctx, func() {
		code := orDefault(a.status, statusGone)
		s.meters.underway.Dec()
		s.meters.requests.WithLabelValues(route.Name, strconv.Itoa(code)).Inc()
		s.meters.seconds.WithLabelValues(route.Name).Observe(time.Since(begin).Seconds())
		s.meters.read.Add(float64(a.body.n))
		s.meters.written.Add(float64(a.n))
		traced(code)
	}
}
