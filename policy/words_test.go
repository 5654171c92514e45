package policy_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// TestWordsAndRedirections: what a command line names is held against the rules for
// files.
func TestWordsAndRedirections(t *testing.T) {
	s := policy.Set{
		Default: allow,
		Read: policy.Rules{Rules: []policy.Rule{
			{Pattern: "docs/.env", Action: allow}, {Pattern: "**/.env", Action: deny}, {Pattern: "**/*secret*", Action: deny}, {Pattern: "hidden", Action: deny}, {Pattern: "//etc/shadow", Action: deny},
		}},
		Write: policy.Rules{Rules: []policy.Rule{{Pattern: "go.sum", Action: deny}, {Pattern: "ask/**", Action: ask}, {Pattern: "//usr/**", Action: deny}}},
	}
	k := checker(t, s)
	for script, want := range map[string]policy.Action{
		"cat .env": deny, "cat ./.env": deny, "cat /workspace/.env": deny, "cat /workspace/../workspace/.env": deny, "cat a/../.env": deny, "cat '.e'nv": deny, "cat .ENV": deny,
		"cat docs/.env": allow, "cat docs/.ENV": deny, "x --config=.env": deny, "x --config .env": deny, "F=.env x": deny, "cat hidden": deny, "cat hidden/x": deny, "ls hidden": deny, "echo hidden": deny,
		"cat /root/.env": deny, "cat ~/.env": deny, "cat $HOME/.env": allow, "cat /etc/shadow": deny, "cat /etc/passwd": allow, "cat ../etc/shadow": deny, "cat etc/shadow": allow,
		"cd sub; cat .env": deny, "cd docs; cat .env": deny, "cd docs && cat ../.env": deny, "cd /etc && cat shadow": allow,
		"cat < .env": deny, "x < hidden/a": deny, "x <> go.sum": deny, "x 3< .env": deny, "x <<< .env": allow, "x <&3": allow, "x >&2": allow, "x 2>&1": allow, "x >&-": allow,
		"x > go.sum": deny, "x >> go.sum": deny, "x >| go.sum": deny, "x 2> go.sum": deny, "bash -c 'x &> go.sum'": deny, "x > GO.SUM": deny, "x > /workspace/go.sum": deny, "x > a/../go.sum": deny,
		"x > ask/a": ask, "x > ask": allow, "x > a": allow, "> go.sum": deny, "{ x; } > go.sum": deny, "(x) > go.sum": deny, "f() { x; } > go.sum": deny, "for i in a; do x; done > go.sum": deny,
		"x > /usr/bin/x": deny, "x > ../usr/x": deny, "x > usr/x": allow, "x > $f": allow, "x > /dev/null": allow, "x > /dev/sda": allow,
		"cp a go.sum": deny, "cat go.sum": allow, "grep x go.sum": allow, "sed -i s/a/b/ go.sum": deny, "python3 x.py": allow, "rm go.sum": deny, "ls /usr/bin": allow, "cp x /usr/bin": deny, "cp x /usr/bin/x": deny,
		"grep -rn secret .": allow, "go test -run TestSecret ./x": allow, "git commit -m 'my secret plan'": allow, "cat my.secret": deny, "cat a/secret": deny, "cat secret.txt": deny, "git commit -m 'a secret. b'": allow,
		"sh -c 'cat .env'": deny, "echo $(cat .env)": deny, "xargs cat .env": deny, "timeout 3 cat .env": deny, "cat $x": allow, "cat *": allow, "cat ''": allow, "cat \xff": allow,
	} {
		if got := decide(t, k, script); got != want {
			d, _ := k.Explain(context.Background(), guard.Execute, script)
			t.Errorf("%s: %s, want %s: %+v", script, got, want, d.Parts)
		}
	}
	r := request(guard.Execute, "cat .env")
	r.Name = "docs"
	if err := k.Check(context.Background(), r); err != nil {
		t.Errorf("a word is relative to the directory of the command: %v", err)
	}
	k = checker(t, policy.Set{Execute: policy.Rules{Default: allow}})
	for script, want := range map[string]policy.Action{"x ./a": allow, "x > a": deny, "x < a": deny} {
		if got := decide(t, k, script); got != want {
			t.Errorf("all else is denied: %s: %s, want %s", script, got, want)
		}
	}
	k = checker(t, policy.Set{Execute: policy.Rules{Default: allow}, Write: policy.Rules{Default: ask}, Read: policy.Rules{Default: allow, Rules: []policy.Rule{{Pattern: "**", Action: deny}}}})
	for script, want := range map[string]policy.Action{"x": allow, "x > a": ask, "x > $a": ask, "x < a": deny, "x < $a": deny, "x ./a": allow, "x > /dev/null": allow} {
		if got := decide(t, k, script); got != want {
			t.Errorf("defaults: %s: %s, want %s", script, got, want)
		}
	}
}

// bombs are texts that are hard to read.
func bombs() map[string]string {
	list := map[string]string{}
	for _, unit := range []string{
		"(", "( ", "((", "$(", "$((", "$[", "${a:-", "${a/", "${a[", "((a[", "((-", "((a?", "`", "\"$(", "<(", "{ ", "if ", "while ", "if a; then ", "for x in a; do ", "case x in x) ", "f() ",
		"a | ", "a && ", "a;", "a & ", "{a,b}", "[[ ( ", "<<a ", "<<a\n", "a>b ", "\\", "'", "\"", "@(", "time ", "coproc ", "! ", "f(){ a|", "x=", "sh -c '", "eval ", "env ", "A=1 ", "$a", "{", "}", ")", "a |& ", "\x00", "\xff", "~", "*",
	} {
		list[unit] = strings.Repeat(unit, (1<<20)/len(unit))
		list[unit+" 64k"] = strings.Repeat(unit, (64<<10)/len(unit))
	}
	list["closed parentheses"] = strings.Repeat("(", 50_000) + "ls" + strings.Repeat(")", 50_000)
	list["pipes in a function"] = "f() { a" + strings.Repeat("|a", 60_000) + "; }"
	list["nested sh"] = strings.Repeat("sh -c \"", 20) + "ls"
	list["wrappers"] = strings.Repeat("env ", 10_000) + "ls"
	list["substitutions"] = strings.Repeat("$(", 300) + "ls" + strings.Repeat(")", 300)
	list["many programs"] = strings.Repeat("ls -l a b c;", 10_000)
	list["many different programs"] = func() string {
		var b strings.Builder
		r := rand.New(rand.NewPCG(1, 1))
		for b.Len() < 120_000 {
			b.WriteString("p" + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26))) + "\n")
		}
		return b.String()
	}()
	return list
}

// TestBombs: whatever the text is, there is an answer soon, and an allow rule does
// not take what could not be read.
func TestBombs(t *testing.T) {
	k := checker(t, allowing("ls *", "a *", "p*"))
	open := checker(t, allowing("*"))
	for what, script := range bombs() {
		begin := time.Now()
		got := decide(t, k, script)
		if took := time.Since(begin); took > time.Second {
			t.Logf("%.20q: %v", what, took)
		}
		switch what {
		case "many programs", "a;", "a; 64k", "a &  64k", "a>b  64k": // plain commands
		default:
			if got != ask {
				t.Errorf("%.20q: %s", what, got)
			}
		}
		if got := decide(t, open, script); got != allow {
			t.Errorf("%.20q: the pattern * allows everything, and it is %s", what, got)
		}
	}
}

// TestPatternBombs: patterns that blow up elsewhere.
func TestPatternBombs(t *testing.T) {
	for _, p := range []string{
		strings.Repeat("{a,b}", 600), strings.Repeat("*a", 1500), strings.Repeat("**/", 1000) + "a", strings.Repeat("{", 1000), strings.Repeat("[", 4000), strings.Repeat("{a,", 30) + strings.Repeat("}", 30),
		strings.Repeat("* ", 1000), strings.Repeat("{* ,", 30) + strings.Repeat("}", 30), strings.Repeat("a", 100_000),
	} {
		for _, op := range []guard.Op{guard.Read, guard.Execute} {
			s := policy.Set{Default: allow}
			s.For(op).Rules = []policy.Rule{{Pattern: p, Action: deny}}
			k, err := s.Checker(nil)
			if err != nil {
				continue
			}
			_ = k.Check(context.Background(), request(op, strings.Repeat("ab/", 100)+"a"))
			_ = k.Outlook(op)
			_ = k.Confinement()
		}
	}
}
