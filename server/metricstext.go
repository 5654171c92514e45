package server

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/hutch-dev/hutch/session"
)

// exposition is text as Prometheus reads it
// (https://prometheus.io/docs/instrumenting/exposition_formats/). All names and
// labels are ours, and need no escapes.
type exposition struct{ bytes.Buffer }

// family begins a metric.
func (x *exposition) family(name, kind, help string) {
	fmt.Fprintf(x, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// one is a metric that is a single number.
func (x *exposition) one(name, kind, help string, value any) {
	x.family(name, kind, help)
	fmt.Fprintf(x, "%s %v\n", name, value)
}

// text is everything that there is to tell, in an order that does not change.
func (m *meters) text(sessions []session.Info) []byte {
	x := &exposition{}
	m.requests(x)
	x.one("hutch_requests_under_way", "gauge", "Requests that are not answered yet.", m.underway.Load())
	x.one("hutch_body_read_bytes_total", "counter", "Bytes of bodies of requests, without the wire.", m.read.Load())
	x.one("hutch_body_written_bytes_total", "counter", "Bytes of bodies of answers.", m.written.Load())
	x.one("hutch_unauthorized_total", "counter", "Requests without a token that is good.", m.wrong.Load())
	x.one("hutch_commands_running", "gauge", "Commands that run, jobs included.", m.commands.Load())
	n := map[session.State]int{session.Opening: 0, session.Open: 0, session.Asleep: 0, session.Ending: 0}
	for _, i := range sessions {
		n[i.State]++
	}
	x.family("hutch_sessions", "gauge", "Sessions by what they do.")
	for _, state := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(x, "hutch_sessions{state=%q} %d\n", state, n[state])
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	x.one("go_goroutines", "gauge", "Goroutines that there are.", runtime.NumGoroutine())
	x.one("go_memstats_heap_alloc_bytes", "gauge", "Bytes of the heap that are in use.", mem.HeapAlloc)
	x.one("go_memstats_sys_bytes", "gauge", "Bytes that the program has from the system.", mem.Sys)
	return x.Bytes()
}

// requests are those that were answered, by route.
func (m *meters) requests(x *exposition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := slices.Sorted(maps.Keys(m.routes))
	x.family("hutch_requests_total", "counter", "Requests answered.")
	for _, name := range names {
		for _, code := range slices.Sorted(maps.Keys(m.routes[name].codes)) {
			fmt.Fprintf(x, "hutch_requests_total{code=\"%d\",route=%q} %d\n", code, name, m.routes[name].codes[code])
		}
	}
	x.family("hutch_request_seconds", "histogram", "From the request to the end of the answer.")
	for _, name := range names {
		r := m.routes[name]
		sum := int64(0)
		for i, n := range r.buckets {
			sum += n
			le := "+Inf"
			if i < len(bounds) {
				le = fmt.Sprint(bounds[i])
			}
			fmt.Fprintf(x, "hutch_request_seconds_bucket{route=%q,le=%q} %d\n", name, le, sum)
		}
		fmt.Fprintf(x, "hutch_request_seconds_sum{route=%q} %v\nhutch_request_seconds_count{route=%q} %d\n", name, r.seconds, name, sum)
	}
}
