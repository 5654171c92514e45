package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch/guard"
)

// Action is what becomes of an operation. "" is no action of a rule; as a default
// it is what stands behind it, in the end Deny.
type Action string

// The actions.
const (
	Allow Action = "allow"
	Deny  Action = "deny"
	Ask   Action = "ask" // somebody is asked
)

// UnmarshalText takes the words of the actions, and no other.
func (a *Action) UnmarshalText(text []byte) error {
	switch v := Action(text); v {
	case Allow, Deny, Ask:
		*a = v
		return nil
	}
	return fmt.Errorf("%q is no action; write allow, deny or ask", text)
}

// Rule says what becomes of what a pattern matches.
type Rule struct {
	Pattern     string `toml:"pattern" json:"pattern"`
	Action      Action `toml:"action" json:"action"`
	Description string `toml:"description,omitempty" json:"description,omitempty"` // why; it is shown in refusals
}

// Rules are those of one operation.
type Rules struct {
	Default Action `toml:"default,omitempty" json:"default,omitempty"` // "" is that of the set
	Rules   []Rule `toml:"rules,omitempty" json:"rules,omitempty"`
}

// Set is a policy. The zero value denies everything.
type Set struct {
	Default Action `toml:"default,omitempty" json:"default,omitempty"`
	Read    Rules  `toml:"read,omitempty" json:"read,omitzero"`
	Write   Rules  `toml:"write,omitempty" json:"write,omitzero"`
	Edit    Rules  `toml:"edit,omitempty" json:"edit,omitzero"`
	List    Rules  `toml:"ls,omitempty" json:"ls,omitzero"`
	Glob    Rules  `toml:"glob,omitempty" json:"glob,omitzero"`
	Grep    Rules  `toml:"grep,omitempty" json:"grep,omitzero"`
	Execute Rules  `toml:"execute,omitempty" json:"execute,omitzero"`
}

// For returns the rules of an operation, nil if there is no such operation.
func (s *Set) For(op guard.Op) *Rules {
	switch op {
	case guard.Read:
		return &s.Read
	case guard.Write:
		return &s.Write
	case guard.Edit:
		return &s.Edit
	case guard.List:
		return &s.List
	case guard.Glob:
		return &s.Glob
	case guard.Grep:
		return &s.Grep
	case guard.Execute:
		return &s.Execute
	}
	return nil
}

// Check finds the first thing that is wrong with a Set: an action that is none, a
// pattern that cannot be read or could never match. The error names it and
// matches fs.ErrInvalid. A Set with nothing wrong works with every Root.
func (s *Set) Check() error {
	_, err := compile(s, "")
	return err
}

// Over is s with base behind it: for every operation the rules of s come first,
// and what s leaves open, base decides.
func (s Set) Over(base Set) Set {
	out := s
	if s.Default == "" {
		out.Default = base.Default
	}
	for _, op := range guard.Ops() {
		own, under, to := s.For(op), base.For(op), out.For(op)
		to.Rules = append(append([]Rule(nil), own.Rules...), under.Rules...)
		switch {
		case own.Default != "":
		case under.Default != "" || s.Default == "":
			to.Default = under.Default
		}
	}
	return out
}

// UnmarshalJSON takes a Set as Marshal writes it. Keys that are unknown or there
// twice are an error.
func (s *Set) UnmarshalJSON(data []byte) error {
	if err := uniqueKeys(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return err
	}
	type plain Set
	var p plain
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return err
	}
	*s = Set(p)
	return nil
}

// uniqueKeys reads one value and refuses objects that have a key twice, in
// whatever case: package json would let the last one win.
func uniqueKeys(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil || t != json.Delim('{') && t != json.Delim('[') {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		if t == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			k := strings.ToLower(fmt.Sprint(key))
			if seen[k] {
				return fmt.Errorf("key %q is there twice", key)
			}
			seen[k] = true
		}
		if err := uniqueKeys(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// ParseJSON reads a Set from a JSON document and checks it.
func ParseJSON(r io.Reader) (Set, error) {
	var s Set
	d := json.NewDecoder(r)
	if err := d.Decode(&s); err != nil {
		return Set{}, fmt.Errorf("policy: %w: %w", fs.ErrInvalid, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Set{}, fmt.Errorf("policy: %w: something follows the JSON document", fs.ErrInvalid)
	}
	return s, s.Check()
}
