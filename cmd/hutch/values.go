package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
	"github.com/spf13/pflag"
)

// The values below are read alike from flags and from the config file. For a
// limit 0 says nothing and -1 is no limit, which is written "none". They are
// structs so that a number in the config file is read as its text, too.

// duration is a time: "30s", "1m30s", or a number of seconds.
type duration struct{ t time.Duration }

func (d *duration) String() string {
	if d.t == 0 {
		return ""
	}
	return d.t.String()
}
func (d *duration) Type() string       { return "TIME" }
func (d *duration) Set(s string) error { return d.UnmarshalText([]byte(s)) }
func (d *duration) UnmarshalText(text []byte) error {
	s := string(text)
	n, err := strconv.ParseUint(s, 10, 64)
	if s == "none" || err == nil && n == 0 {
		d.t = -1
		return nil
	}
	if err == nil && n <= math.MaxInt64/uint64(time.Second) {
		d.t = time.Duration(n) * time.Second
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is no time; write 30s, 1m30s or none", s)
	}
	d.t = v
	return nil
}

// size is a number of bytes: "1048576", "512KiB", "2G".
type size struct{ n int64 }

func (n *size) String() string {
	if n.n == 0 {
		return ""
	}
	return strconv.FormatInt(n.n, 10)
}
func (n *size) Type() string       { return "SIZE" }
func (n *size) Set(s string) error { return n.UnmarshalText([]byte(s)) }
func (n *size) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "none" {
		n.n = -1
		return nil
	}
	digits := strings.TrimRight(s, "KMGTkmgtiBb")
	shift, ok := map[string]uint{
		"": 0, "b": 0, "k": 10, "kib": 10, "m": 20, "mib": 20, "g": 30, "gib": 30, "t": 40, "tib": 40,
	}[strings.ToLower(s[len(digits):])]
	v, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || v <= 0 || v > math.MaxInt64>>shift {
		return fmt.Errorf("%q is no size; write bytes, or 512KiB, 100MiB, 2GiB, or none", s)
	}
	n.n = v << shift
	return nil
}

// count is a number of things.
type count struct{ n int }

func (n *count) String() string {
	if n.n == 0 {
		return ""
	}
	return strconv.Itoa(n.n)
}
func (n *count) Type() string       { return "N" }
func (n *count) Set(s string) error { return n.UnmarshalText([]byte(s)) }
func (n *count) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		n.n = -1
		return nil
	}
	v, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is no number above 0, nor none", text)
	}
	n.n = int(v)
	return nil
}

// isolation is a level of isolation by its name.
type isolation local.Isolation

func (i *isolation) String() string {
	if i == nil {
		return ""
	}
	return local.Isolation(*i).String()
}
func (i *isolation) Type() string       { return "LEVEL" }
func (i *isolation) Set(s string) error { return i.UnmarshalText([]byte(s)) }
func (i *isolation) UnmarshalText(text []byte) error {
	v, err := local.ParseIsolation(string(text))
	if err != nil {
		return fmt.Errorf("%q is no isolation; write isolated, capped, restricted or unconfined", text)
	}
	*i = isolation(v)
	return nil
}

// apply sets in to what l says.
func (l limits) apply(to *hutch.Limits) {
	set(&to.Time, l.Time.t)
	set(&to.CPU, l.CPU.t)
	set(&to.Memory, l.Memory.n)
	set(&to.Processes, l.Processes.n)
	set(&to.FileSize, l.FileSize.n)
	set(&to.OpenFiles, l.OpenFiles.n)
}

func set[T comparable](to *T, v T) {
	var none T
	if v != none {
		*to = v
	}
}

// flags defines the limits as flags.
func (l *limits) flags(f *pflag.FlagSet) {
	f.Var(&l.Time, "timeout", "kill the command after this `TIME` (30s, 5m, none)")
	f.Var(&l.CPU, "cpu", "most processor `TIME` of a process")
	f.Var(&l.Memory, "memory", "most memory, a `SIZE` (512MiB, 2GiB, none)")
	f.Var(&l.Processes, "processes", "most processes and threads")
	f.Var(&l.FileSize, "file-size", "largest file a process may write, a `SIZE`")
	f.Var(&l.OpenFiles, "open-files", "most open files of a process")
}

// span is a range of lines: "10:20", "10:", ":20" or "10".
type span struct{ from, to int }

func (s *span) String() string {
	if *s == (span{}) {
		return ""
	}
	return fmt.Sprintf("%d:%d", s.from, s.to)
}
func (s *span) Type() string { return "A:B" }

func (s *span) Set(text string) error {
	a, b, ranged := strings.Cut(text, ":")
	from, err1 := lineNumber(a, 1)
	to, err2 := lineNumber(b, math.MaxInt)
	if !ranged {
		to = from
	}
	if text == "" || errors.Join(err1, err2) != nil || from > to {
		return fmt.Errorf("%q is no range of lines; write 10:20, 10:, :20 or 10", text)
	}
	*s = span{from, to}
	return nil
}

func lineNumber(s string, none int) (int, error) {
	if s == "" {
		return none, nil
	}
	n, err := strconv.Atoi(s)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}
