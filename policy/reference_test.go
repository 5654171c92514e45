package policy_test

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// The reference: rules in the plainest words, for patterns of letters, "*", "**",
// "?", "{a,b}" and "[ab]".

func refDecide(s *policy.Set, op guard.Op, name string) (policy.Action, int) {
	r := s.For(op)
	for i, rule := range r.Rules {
		if refMatches(rule, name) {
			return rule.Action, i
		}
	}
	for _, a := range []policy.Action{r.Default, s.Default} {
		if a != "" {
			return a, -1
		}
	}
	return policy.Deny, -1
}

func refMatches(r policy.Rule, name string) bool {
	pattern := strings.TrimPrefix(r.Pattern, "/workspace")
	pattern = strings.TrimPrefix(pattern, "/")
	if strings.HasPrefix(r.Pattern, "//") {
		return false
	}
	if pattern == "**" {
		return true
	}
	if r.Action == policy.Allow {
		return refGlob(pattern, name)
	}
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	for ; ; name = path.Dir(name) {
		if refGlob(pattern, name) {
			return true
		}
		if name == "." || !strings.Contains(name, "/") {
			return false
		}
	}
}

func refGlob(pattern, name string) bool {
	if i := strings.IndexByte(pattern, '{'); i >= 0 {
		j := strings.IndexByte(pattern, '}')
		for alt := range strings.SplitSeq(pattern[i+1:j], ",") {
			if refGlob(pattern[:i]+alt+pattern[j+1:], name) {
				return true
			}
		}
		return false
	}
	if name == "." {
		return pattern == "."
	}
	return refParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func refParts(pattern, name []string) bool {
	switch {
	case len(pattern) == 0 || len(name) == 0:
		return len(pattern) == len(name)
	case pattern[0] != "**":
		return refPart(pattern[0], name[0]) && refParts(pattern[1:], name[1:])
	case len(pattern) == 1:
		return true
	}
	return refParts(pattern[1:], name) || refParts(pattern, name[1:])
}

func refPart(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return refPart(p[1:], s) || s != "" && refPart(p, s[1:])
	case s == "":
		return false
	case p[0] == '[':
		end := strings.IndexByte(p, ']')
		return strings.Contains(p[1:end], s[:1]) && refPart(p[end+1:], s[1:])
	}
	return (p[0] == '?' || p[0] == s[0]) && refPart(p[1:], s[1:])
}

// some makes random sets, patterns and names.
type some struct{ *rand.Rand }

func (r some) of(list ...string) string { return list[r.IntN(len(list))] }

func (r some) segment() string {
	return r.of("a", "b", "A", ".env", ".ENV", "ab", "x.go", "B.go", "secret", "*", "*.go", "?", "a*", "[ab]", "{a,b}", "**", ".e*", "{.env,x.go}")
}

func (r some) pattern() string {
	var parts []string
	for range 1 + r.IntN(3) {
		parts = append(parts, r.segment())
	}
	p := strings.Join(parts, "/")
	return r.of("", "", "", "/", "/workspace/") + p
}

func (r some) name() string {
	var parts []string
	for range 1 + r.IntN(4) {
		parts = append(parts, r.of("a", "b", "A", "B", "ab", ".env", ".Env", "x.go", "b.GO", "B.go", "secret", "Secret", "c"))
	}
	if r.IntN(30) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

func (r some) action() policy.Action {
	return policy.Action(r.of(string(policy.Allow), string(policy.Deny), string(policy.Ask)))
}

func (r some) rules() policy.Rules {
	var out policy.Rules
	if r.IntN(2) == 0 {
		out.Default = r.action()
	}
	for range r.IntN(6) {
		out.Rules = append(out.Rules, policy.Rule{Pattern: r.pattern(), Action: r.action()})
	}
	return out
}

func (r some) set() policy.Set {
	s := policy.Set{Read: r.rules(), Write: r.rules(), Edit: r.rules(), List: r.rules(), Glob: r.rules(), Grep: r.rules()}
	if r.IntN(3) > 0 {
		s.Default = r.action()
	}
	return s
}

var fileOps = []guard.Op{guard.Read, guard.Write, guard.Edit, guard.List, guard.Glob, guard.Grep}

// TestAgainstReference: Check, Explain, Visible and Outlook say what the reference
// says, for random rules and names.
func TestAgainstReference(t *testing.T) {
	r := some{rand.New(rand.NewPCG(7, 11))}
	ctx := context.Background()
	count := map[policy.Action]int{}
	for range 4000 {
		s := r.set()
		k := checker(t, s)
		for range 12 {
			op, name := fileOps[r.IntN(len(fileOps))], r.name()
			want, rule := refDecide(&s, op, name)
			count[want]++
			d, err := k.Explain(ctx, op, name)
			if err != nil || d.Action != want || d.Rule != rule {
				t.Fatalf("%+v\n%s %s: %s by %d (%v), want %s by %d", s, op, name, d.Action, d.Rule, err, want, rule)
			}
			err = k.Check(ctx, &guard.Request{Op: op, Name: name, Path: "/workspace/" + name})
			if (err == nil) != (want == policy.Allow) || err != nil && !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("%+v\n%s %s: %v, want %s", s, op, name, err, want)
			}
			read, _ := refDecide(&s, guard.Read, name)
			for _, op := range fileOps[3:] {
				own, _ := refDecide(&s, op, name)
				want := own != policy.Deny && read != policy.Deny && (op != guard.Grep || read == policy.Allow)
				if k.Visible(op, name) != want {
					t.Fatalf("%+v\n%s %s: visible %v", s, op, name, !want)
				}
			}
			switch outlook := k.Outlook(op); {
			case outlook == guard.Asked, outlook == guard.Denied && want == policy.Allow:
				t.Fatalf("%+v\n%s %s: outlook %v, and it is %s", s, op, name, outlook, want)
			}
		}
	}
	if len(count) != 3 || count[policy.Allow] < 5000 || count[policy.Deny] < 5000 || count[policy.Ask] < 5000 {
		t.Errorf("decisions tried: %v", count)
	}
}

// TestConfinementAgainstReference: what commands are kept from is what the rules
// deny, and what they ask about; never less.
func TestConfinementAgainstReference(t *testing.T) {
	r := some{rand.New(rand.NewPCG(3, 5))}
	exact, more := 0, 0
	for range 4000 {
		s := r.set()
		c := checker(t, s).Confinement()
		for range 12 {
			name := r.name()
			if name == "." {
				continue
			}
			read := refConfined(&s, guard.Read, name)
			if got := refListed(c.Hide, name); got != read {
				t.Fatalf("%+v\n%q\nread %s: hidden %v, want %v", s, c.Hide, name, got, read)
			}
			write := refConfined(&s, guard.Write, name) || refConfined(&s, guard.Edit, name)
			got := refListed(c.Protect, name)
			if write && !got {
				t.Fatalf("%+v\n%q\nwrite %s is not protected", s, c.Protect, name)
			}
			if got == write {
				exact++
			} else {
				more++
			}
		}
	}
	if more > exact/10 {
		t.Errorf("too much is protected: %d names of %d", more, exact+more)
	}
}

func refConfined(s *policy.Set, op guard.Op, name string) bool {
	a, rule := refDecide(s, op, name)
	return a == policy.Deny || a == policy.Ask && rule >= 0
}

// refListed reads a list of a [hutch.Confinement] as its comment says.
func refListed(list []string, name string) bool {
	for _, p := range list {
		text, except := strings.CutPrefix(p, "!")
		if except && refGlob(text, name) {
			return false
		}
		if !except && refMatches(policy.Rule{Pattern: text, Action: policy.Deny}, name) {
			return true
		}
	}
	return false
}

var _ = hutch.Confinement{}
