package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch/internal/show"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4096": 4096, "1k": 1 << 10, "2KiB": 2 << 10, "3M": 3 << 20, "4gib": 4 << 30, "1T": 1 << 40, "7B": 7, "none": -1,
	} {
		var n size
		if err := n.Set(text); err != nil || n.n != want {
			t.Errorf("%q: %d, %v", text, n.n, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "k", "1kb", "1KiBB", "1 k", "1.5G", "8388608T", "99999999999999999999", "1e3"} {
		var n size
		if err := n.Set(text); err == nil {
			t.Errorf("%q is taken for %d", text, n.n)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "30s": 30 * time.Second, "1m30s": 90 * time.Second, "20ms": 20 * time.Millisecond, "none": -1, "0": -1, "00": -1,
	} {
		var d duration
		if err := d.Set(text); err != nil || d.t != want {
			t.Errorf("%q: %v, %v", text, d.t, err)
		}
	}
	for _, text := range []string{"", "-1", "-1s", "0s", "s", "1x", "99999999999999"} {
		var d duration
		if err := d.Set(text); err == nil {
			t.Errorf("%q is taken for %v", text, d.t)
		}
	}
}

// FuzzValues: whatever a flag is given, it is refused or has a sensible value.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"1:2", ":", "10", "5KiB", "1m", "none", "755", "-1", "9223372036854775807T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var lines span
		if lines.Set(s) == nil && (lines.from < 1 || lines.to < lines.from) {
			t.Errorf("lines %q: %v", s, lines)
		}
		var n size
		if n.Set(s) == nil && n.n < 1 && n.n != -1 {
			t.Errorf("size %q: %d", s, n.n)
		}
		var c count
		if c.Set(s) == nil && c.n < 1 && c.n != -1 {
			t.Errorf("count %q: %d", s, c.n)
		}
		var d duration
		if d.Set(s) == nil && d.t < 1 && d.t != -1 {
			t.Errorf("duration %q: %d", s, d.t)
		}
		var m fileMode
		if m.Set(s) == nil && (m < 1 || m > 0o777) {
			t.Errorf("mode %q: %o", s, m)
		}
		if v := show.Visible(s, false); strings.ContainsAny(v, "\x1b\n\r\x00\u009b\u202e") || !utf8.ValidString(v) {
			t.Errorf("visible %q: %q", s, v)
		}
	})
}

// FuzzConfig: no config file makes the program panic.
func FuzzConfig(f *testing.F) {
	f.Add("default = \"a\"\n[backends.a]\nurl = \"local:.\"\n[backends.a.limits]\ntime = \"1s\"\n")
	f.Add("[backends]\na = 1\n")
	f.Add("[backends.a]\nroutes = { \"/x/\" = \"a\" }\ndefault = \"a\"\n")
	f.Add("backends = { a = {} }")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(file)
		if err != nil && strings.Contains(err.Error(), "main.") {
			t.Error(err)
		}
		if err == nil {
			for name, b := range c.Backends {
				if b.options() == nil {
					t.Error(name)
				}
			}
		}
	})
}

// The config file that the help shows is one.
func TestConfigOfTheHelp(t *testing.T) {
	_, text, _ := strings.Cut(rootLong, "could have written it:\n")
	text, _, _ = strings.Cut(text, "\nPaths are")
	file := filepath.Join(t.TempDir(), "hutch.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Default != "work" || c.Backends["code"].Limits.Time.t != 5*time.Minute || len(c.Backends["work"].Routes) != 2 {
		t.Errorf("%+v", c)
	}
}

// Output is held back for a moment only.
func TestStreamFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &stream{w: bufio.NewWriter(&out)}
		written := func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return out.Len()
		}
		for i := range 3 {
			before := written()
			fmt.Fprintln(s, "found")
			if written() != before {
				t.Errorf("%d: written at once", i)
			}
			time.Sleep(flushAfter)
			synctest.Wait()
			if written() != before+6 {
				t.Errorf("%d: %d bytes after a moment", i, written())
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
