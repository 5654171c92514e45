package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
)

// wantRecords checks which records there are, and their stages.
func wantRecords(t *testing.T, m *Manager, want string) {
	t.Helper()
	all, err := m.rec.all(t.Context())
	var got []string
	for _, f := range all {
		got = append(got, f.ID+" "+string(f.stage))
	}
	if strings.Join(got, ", ") != want || err != nil {
		t.Errorf("records %s, %v; want %s", got, err, want)
	}
}

// crash begins anew with what was recorded, as if m had never been.
func crash(t *testing.T, f *fake, records *state.Backend, opts Options) *Manager {
	t.Helper()
	f.mu.Lock()
	clear(f.held)
	f.mu.Unlock()
	opts.Records = records
	m, err := New(t.Context(), f, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// TestCrash finds the sessions as they were at every moment of their lives.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, records := newFake(t), state.New(nil)
		opts := Options{TTL: time.Hour, Idle: -1}
		m := crash(t, f, records, opts)
		spec := Spec{ID: "open", Tenant: "x", Runtime: "r", Labels: map[string]string{"k": "ä\x00"}, Limits: allLimits, Idle: -1, TTL: 90 * time.Minute}
		was, err := m.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		u := use(t, m, "open")
		defer func(u *Use) { u.Done() }(u)
		testroom.Put(t, u.Backend(), "f", "1")
		create(t, m, "asleep")
		if err := m.Sleep(t.Context(), "asleep"); err != nil {
			t.Fatal(err)
		}
		create(t, m, "ending")
		f.set(func(_ context.Context, _, id string) error {
			if id == "ending" || id == "making" {
				time.Sleep(100 * time.Hour)
			}
			return nil
		})
		go m.End(t.Context(), "ending")
		go m.Create(t.Context(), Spec{ID: "making"})
		time.Sleep(59 * time.Minute)
		wantRecords(t, m, "asleep asleep, ending ending, making making, open open")

		g := newFake(t)
		f.mu.Lock()
		g.files = maps.Clone(f.files)
		f.mu.Unlock()
		m2 := crash(t, g, records.Fork(), Options{})
		wantFound(t, m2, g, was)
		rest(200 * time.Hour) // until the first one has come to its end
	})
}

// allLimits has every limit, each another.
var allLimits = Limits{FileBytes: 1, WriteBytes: 2, OutputBytes: 3, Commands: 4, CommandTime: 5, Memory: 6, Processes: 7}

// wantFound checks what is found by m2 of the sessions of TestCrash, and what
// becomes of them.
func wantFound(t *testing.T, m2 *Manager, g *fake, was Info) {
	got, err := m2.Get("open")
	if err != nil || got.State != Asleep || got.Serial != was.Serial || got.Tenant != "x" || got.Runtime != "r" || got.Labels["k"] != "ä\x00" || got.Limits != allLimits ||
		got.Idle != -1 || got.TTL != 90*time.Minute || !got.Created.Equal(was.Created) || !got.Used.Equal(time.Now()) {
		t.Errorf("found %+v, %v", got, err)
	}
	synctest.Wait()
	wantRecords(t, m2, "asleep asleep, open asleep")
	if len(m2.List()) != 2 || len(m2.ListTenant("x")) != 1 {
		t.Errorf("found %v", m2.List())
	}
	g.want("0 opened, 0 of them again, 0 slept, 0 ended, 2 removed")
	u := use(t, m2, "open")
	testroom.Want(t, u.Backend(), "f", "1")
	u.Done()
	rest(time.Minute) // the hour of the one that slept
	wantState(t, m2, "asleep", Ended)
	wantRecords(t, m2, "open open")
	rest(89 * time.Minute)
	wantState(t, m2, "open", Ended)
	wantRecords(t, m2, "")
}

// TestRecordFails makes no session that would be forgotten.
func TestRecordFails(t *testing.T) {
	for n := range 3 {
		in(t, Options{MaxOpen: 1, Records: &full{Backend: state.New(nil), after: n}}, func(t *testing.T, m *Manager, f *fake) {
			_, err := m.Create(t.Context(), Spec{ID: "a"})
			if n < 2 {
				if !errors.Is(err, errNoSpace) || len(f.files) > 0 || len(m.List()) > 0 {
					t.Errorf("with room for %d: %v, %v, %v", n, err, f.files, m.List())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Sleep(t.Context(), "a"); !errors.Is(err, errNoSpace) {
				t.Error(err)
			}
			wantState(t, m, "a", Asleep)
			if _, err := m.Use(t.Context(), "a"); !errors.Is(err, errNoSpace) {
				t.Error(err)
			}
			wantState(t, m, "a", Asleep)
			f.want("2 opened, 1 of them again, 2 slept, 0 ended, 0 removed")
			if err := m.End(t.Context(), "a"); err != nil { // it makes room
				t.Error(err)
			}
		})
	}
}

var errNoSpace = errors.New("no space")

// full takes so many writes and no more.
type full struct {
	*state.Backend
	after int
}

func (f *full) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if f.after--; f.after < 0 {
		return hutch.Info{}, errNoSpace
	}
	return f.Backend.Write(ctx, name, r, opts)
}

// TestForeignRecord leaves alone what somebody else has recorded meanwhile.
func TestForeignRecord(t *testing.T) {
	records := state.New(nil)
	in(t, Options{Records: records}, func(t *testing.T, m *Manager, f *fake) {
		testroom.Put(t, records, "a.json", "other")
		if _, err := m.Create(t.Context(), Spec{ID: "a"}); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
		testroom.Want(t, records, "a.json", "other")
		f.want("0 opened, 0 of them again, 0 slept, 0 ended, 0 removed")
	})
}

const goodRecord = `{"version":1,"id":"a","serial":"00","stage":"asleep","idle":"30m0s","ttl":"never","created":"2026-01-02T03:04:05Z","used":"2026-01-02T03:04:05Z"}`

// TestHostileRecords refuses what it does not understand, and names it.
func TestHostileRecords(t *testing.T) {
	for what, r := range map[string]struct{ name, data string }{
		"empty":         {"a.json", ""},
		"text":          {"a.json", "text"},
		"null":          {"a.json", "null"},
		"list":          {"a.json", "[]"},
		"more":          {"a.json", goodRecord + "{}"},
		"huge":          {"a.json", goodRecord + strings.Repeat(" ", maxRecord)},
		"version":       {"a.json", strings.Replace(goodRecord, `"version":1`, `"version":2`, 1)},
		"no version":    {"a.json", strings.Replace(goodRecord, `"version":1,`, ``, 1)},
		"other id":      {"b.json", goodRecord},
		"bad id":        {"-.json", strings.Replace(goodRecord, `"a"`, `"-"`, 1)},
		"no id":         {"a.json", strings.Replace(goodRecord, `"id":"a",`, ``, 1)},
		"stage":         {"a.json", strings.Replace(goodRecord, `"asleep"`, `"awake"`, 1)},
		"serial":        {"a.json", strings.Replace(goodRecord, `"00"`, `"../x"`, 1)},
		"idle":          {"a.json", strings.Replace(goodRecord, `"30m0s"`, `"0s"`, 1)},
		"ttl":           {"a.json", strings.Replace(goodRecord, `"never"`, `"soon"`, 1)},
		"used":          {"a.json", strings.Replace(goodRecord, `"used"`, `"unused"`, 1)},
		"bad label":     {"a.json", strings.Replace(goodRecord, `"idle"`, `"labels":{"/":""},"idle"`, 1)},
		"type of label": {"a.json", strings.Replace(goodRecord, `"idle"`, `"labels":{"a":1},"idle"`, 1)},
	} {
		records := state.New(nil)
		testroom.Put(t, records, r.name, r.data)
		m, err := New(t.Context(), newFake(t), &Options{Records: records})
		if err == nil || !strings.Contains(err.Error(), r.name) {
			t.Errorf("%s: %v", what, err)
		}
		if m != nil {
			m.Close(t.Context())
		}
		testroom.Want(t, records, r.name, r.data)
	}
}

// TestOtherFiles leaves alone what is no record, and ignores fields from later.
func TestOtherFiles(t *testing.T) {
	records := state.New(nil)
	for _, name := range []string{"README", ".a.json", "dir/a.json", "dir.json/x"} {
		testroom.Put(t, records, name, "x")
	}
	testroom.Put(t, records, "a.json", strings.Replace(goodRecord, `"idle"`, `"news":{},"idle"`, 1))
	m, err := New(t.Context(), newFake(t), &Options{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	if all := m.List(); len(all) != 1 || all[0].ID != "a" {
		t.Error(all)
	}
}

// TestClockSetBack does not wait for a time that may never come.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in the year 2000
		records := state.New(nil)
		testroom.Put(t, records, "a.json", strings.Replace(goodRecord, "never", "1h0m0s", 1))
		f := newFake(t)
		m := crash(t, f, records, Options{})
		rest(time.Hour)
		wantState(t, m, "a", Ended)
	})
}

// FuzzRecord takes anything apart, and what it takes can be put and is the same.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(goodRecord))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parse(data, "a")
		if err != nil {
			return
		}
		r := records{state.New(nil)}
		if err := r.put(t.Context(), got.Info, got.stage); err != nil {
			t.Skip(err) // a year that JSON cannot say
		}
		again, err := r.get(t.Context(), "a.json")
		if err != nil || fmt.Sprint(again) != fmt.Sprint(got) {
			t.Errorf("%v, %v; want %v", again, err, got)
		}
	})
}
