package session

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a Spec.
const (
	maxID     = 64
	maxText   = 256
	maxLabels = 16
)

// never is every time that is never, once it has been decided.
const never time.Duration = -1

// decide is spec with what it leaves open filled in, and a copy.
func (o *Options) decide(spec Spec) (Spec, error) {
	if spec.ID == "" {
		spec.ID = "s-" + random(8)
	}
	if err := spec.check(); err != nil {
		return spec, err
	}
	spec.Labels = maps.Clone(spec.Labels)
	spec.Idle = first(spec.Idle, o.Idle, DefaultIdle)
	spec.TTL = first(spec.TTL, o.TTL, never)
	return spec, nil
}

func (s *Spec) check() error {
	switch {
	case !isID(s.ID):
		return bad("an ID is 1 to %d letters, digits, dots, hyphens and underscores, the first a letter or a digit", maxID)
	case s.Tenant != "" && !isID(s.Tenant):
		return bad("a tenant is 1 to %d letters, digits, dots, hyphens and underscores, the first a letter or a digit", maxID)
	case !isText(s.Runtime):
		return bad("a runtime is at most %d bytes of printable text", maxText)
	case len(s.Labels) > maxLabels:
		return bad("%d labels, at most %d", len(s.Labels), maxLabels)
	}
	if l := s.Limits; min(l.FileBytes, l.WriteBytes, l.OutputBytes, int64(l.Commands), int64(l.CommandTime), l.Memory, int64(l.Processes)) < 0 {
		return bad("a limit is not below 0")
	}
	for k, v := range s.Labels {
		if !isID(k) || len(v) > maxText || !utf8.ValidString(v) {
			return bad("the key of a label is like an ID, its value at most %d bytes of UTF-8", maxText)
		}
	}
	return nil
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{fs.ErrInvalid}, args...)...)
}

func isID(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return 0 < len(s) && len(s) <= maxID
}

func isText(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return len(s) <= maxText && utf8.ValidString(s)
}

// first is the first time that says something.
func first(times ...time.Duration) time.Duration {
	for _, t := range times {
		if t != 0 {
			return max(t, never)
		}
	}
	return never
}

// random is n random bytes in hexadecimal digits.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// complete fills in o, or says what makes no sense in it.
func (o *Options) complete() error {
	if o.MaxOpen < 0 || o.MaxSessions < 0 || o.MaxPerTenant < 0 {
		return bad("less than no sessions")
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = DefaultMaxOpen
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = DefaultMaxSessions
	}
	if o.MaxPerTenant == 0 {
		o.MaxPerTenant = o.MaxSessions
	}
	return nil
}
