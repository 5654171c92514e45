package server

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/session"
)

// Every line is one that the format has, every sample is of the family above it, and
// the buckets of a histogram grow up to its count.
func TestExposition(t *testing.T) {
	m := newMeters()
	for _, d := range []time.Duration{0, 500 * time.Microsecond, 501 * time.Microsecond, time.Second, time.Hour} {
		m.count("exec", 200, d)
	}
	m.count("exec", 404, 0)
	m.count("files", 200, 0)
	text := string(m.text([]session.Info{{State: session.Open}, {State: session.Open}}))
	sample := regexp.MustCompile(`^([a-z_]+)(\{([a-z]+="[A-Za-z0-9.+]+",?)+\})? ([0-9.e+-]+)$`)
	family := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, _, _ = strings.Cut(name, " ")
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		got := sample.FindStringSubmatch(line)
		if got == nil || !strings.HasPrefix(got[1], family) {
			t.Errorf("%q, in %s", line, family)
			continue
		}
		if _, err := strconv.ParseFloat(got[4], 64); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{
		`hutch_requests_total{code="200",route="exec"} 5`,
		`hutch_requests_total{code="404",route="exec"} 1`,
		`hutch_request_seconds_bucket{route="exec",le="0.0005"} 3`,
		`hutch_request_seconds_bucket{route="exec",le="0.001"} 4`,
		`hutch_request_seconds_bucket{route="exec",le="0.5"} 4`,
		`hutch_request_seconds_bucket{route="exec",le="1"} 5`,
		`hutch_request_seconds_bucket{route="exec",le="600"} 5`,
		`hutch_request_seconds_bucket{route="exec",le="+Inf"} 6`,
		`hutch_request_seconds_count{route="exec"} 6`,
		`hutch_request_seconds_sum{route="exec"} 3601.001001`,
		`hutch_sessions{state="open"} 2`,
		`hutch_sessions{state="asleep"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
}
