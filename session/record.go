package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

const (
	recordVersion = 1
	recordSuffix  = ".json"
	maxRecord     = 64 << 10 // bytes
)

// stage is how far a session is known to have come.
type stage string

const (
	stageMaking stage = "making" // Create has not returned
	stageOpen   stage = "open"
	stageAsleep stage = "asleep"
	stageEnding stage = "ending"
)

// record is the form of a session in a file.
type record struct {
	Version int               `json:"version"`
	ID      string            `json:"id"`
	Serial  string            `json:"serial"`
	Stage   stage             `json:"stage"`
	Tenant  string            `json:"tenant,omitempty"`
	Runtime string            `json:"runtime,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Limits  *limitsRecord     `json:"limits,omitempty"`
	Idle    string            `json:"idle"` // "30m0s", or "never"
	TTL     string            `json:"ttl"`
	Created time.Time         `json:"created"`
	Used    time.Time         `json:"used"`
}

// limitsRecord is the form of limits in a file; times are nanoseconds.
type limitsRecord struct {
	FileBytes   int64         `json:"file_bytes,omitempty"`
	WriteBytes  int64         `json:"write_bytes,omitempty"`
	OutputBytes int64         `json:"output_bytes,omitempty"`
	Commands    int           `json:"commands,omitempty"`
	CommandTime time.Duration `json:"command_time,omitempty"`
	Memory      int64         `json:"memory,omitempty"`
	Processes   int           `json:"processes,omitempty"`
}

func limitsOf(l Limits) *limitsRecord {
	if l == (Limits{}) {
		return nil
	}
	r := limitsRecord(l)
	return &r
}

func (r *limitsRecord) limits() Limits {
	if r == nil {
		return Limits{}
	}
	return Limits(*r)
}

// records is where they are; without a backend there are none.
type records struct{ b hutch.Backend }

// put replaces the record of i. The first one is put only where there is none.
func (r records) put(ctx context.Context, i Info, at stage) error {
	if r.b == nil {
		return nil
	}
	data, err := json.Marshal(record{
		Version: recordVersion, ID: i.ID, Serial: i.Serial, Stage: at,
		Tenant: i.Tenant, Runtime: i.Runtime, Labels: i.Labels, Limits: limitsOf(i.Limits),
		Idle: timeText(i.Idle), TTL: timeText(i.TTL), Created: i.Created, Used: i.Used,
	})
	if err != nil {
		return err
	}
	opts := &hutch.WriteOptions{Mode: 0o600}
	if at == stageMaking {
		opts.IfRev = hutch.Absent
	}
	if _, err = hutch.WriteFile(ctx, r.b, i.ID+recordSuffix, append(data, '\n'), opts); err != nil {
		return fmt.Errorf("the record of the session: %w", err)
	}
	return nil
}

func (r records) remove(ctx context.Context, id string) error {
	if r.b == nil {
		return nil
	}
	if err := r.b.Remove(ctx, id+recordSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the record of the session: %w", err)
	}
	return nil
}

// found is a session of an earlier process.
type found struct {
	Info
	stage stage
}

// all reads every record.
func (r records) all(ctx context.Context) ([]found, error) {
	if r.b == nil {
		return nil, nil
	}
	var all []found
	for i, err := range r.b.List(ctx, ".") {
		if err != nil {
			return nil, err
		}
		if i.IsDir() || strings.HasPrefix(i.Name, ".") || !strings.HasSuffix(i.Name, recordSuffix) {
			continue
		}
		f, err := r.get(ctx, i.Name)
		if err != nil {
			return nil, &fs.PathError{Op: "session record", Path: i.Name, Err: err}
		}
		all = append(all, f)
	}
	return all, nil
}

func (r records) get(ctx context.Context, name string) (found, error) {
	f, err := r.b.Open(ctx, name)
	if err != nil {
		return found{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	switch {
	case err != nil:
		return found{}, err
	case len(data) > maxRecord:
		return found{}, fmt.Errorf("%w: more than %d bytes", hutch.ErrTooLarge, maxRecord)
	}
	return parse(data, strings.TrimSuffix(name, recordSuffix))
}

// parse takes a record apart, which anybody may have written.
func parse(data []byte, id string) (found, error) {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return found{}, bad("not a record: %v", err)
	}
	if v.Version != recordVersion {
		return found{}, bad("version %d, and only %d is known", v.Version, recordVersion)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return found{}, bad("not a record: %v", err)
	}
	idle, err1 := parseTime(r.Idle)
	ttl, err2 := parseTime(r.TTL)
	i := Info{
		Spec:   Spec{ID: r.ID, Tenant: r.Tenant, Runtime: r.Runtime, Labels: r.Labels, Limits: r.Limits.limits(), Idle: idle, TTL: ttl},
		Serial: r.Serial, State: Asleep, Created: r.Created.UTC(), Used: r.Used.UTC(),
	}
	switch {
	case r.ID != id:
		return found{}, bad("the record of another session")
	case r.Stage != stageMaking && r.Stage != stageOpen && r.Stage != stageAsleep && r.Stage != stageEnding:
		return found{}, bad("no stage that is known")
	case !isID(r.Serial) || r.Created.IsZero() || r.Used.IsZero():
		return found{}, bad("a record without serial or times")
	}
	return found{i, r.Stage}, errors.Join(err1, err2, i.check())
}

func timeText(d time.Duration) string {
	if d < 0 {
		return "never"
	}
	return d.String()
}

func parseTime(s string) (time.Duration, error) {
	if s == "never" {
		return never, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, bad("%q is no time", s)
	}
	return d, nil
}
