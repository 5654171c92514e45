package audit_test

import (
	"io"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/state"
)

// recorded is the record of a command, as it is stored.
func recorded(t *testing.T, o *audit.Options, cmd *hutch.Cmd) string {
	t.Helper()
	s := sandbox{state.New(nil), func(c *hutch.Cmd) (hutch.Result, error) {
		if c.Stdout != nil {
			io.WriteString(c.Stdout, "CANARY")
		}
		return hutch.Result{}, nil
	}}
	a, l := audited(s, o)
	x, _ := hutch.As[hutch.Execer](a)
	if _, err := x.Exec(ctx, cmd); err != nil {
		t.Fatal(err)
	}
	return l.buf.String()
}

func TestSecrets(t *testing.T) {
	for _, args := range [][]string{
		{"curl", "--token=CANARY"}, {"curl", "-token=CANARY"}, {"curl", "--token", "CANARY"}, {"env", "TOKEN=CANARY", "x"},
		{"env", "GITHUB_TOKEN=CANARY"}, {"env", "AWS_SECRET_ACCESS_KEY=CANARY/x+y=="}, {"x", "--api-key=CANARY"}, {"x", "--apikey", "CANARY"},
		{"x", "--password", "CANARY CANARY"}, {"mysql", "--passwd=CANARY"}, {"x", `--client-secret="CANARY CANARY"`},
		{"git", "clone", "https://user:CANARY@example.com/x"}, {"git", "clone", "https://CANARY@example.com/x"},
		{"git", "clone", "ssh+git://CANARY:x@h"}, {"curl", "-H", "Authorization: Bearer CANARY1"}, {"curl", "-H", "authorization: CANARY CANARY"},
		{"curl", "-H", "X-Api-Key: CANARY"}, {"curl", "-b", "cookie: CANARY"}, {"curl", "-H", "Cookie: a=CANARY"},
		{"sh", "-c", "curl -H 'Authorization: Basic CANARY' https://x; ls"}, {"sh", "-c", "export API_KEY=CANARY\nx"},
		{"sh", "-c", `PASSWORD="CANARY CANARY" x`}, {"sh", "-c", "x --password CANARY --verbose"}, {"sh", "-c", "PGPASSWORD='CANARY X' psql"},
		{"sh", "-c", `curl -d '{"password": "CANARY", "x": 1}' u`}, {"sh", "-c", "git clone https://a:CANARY@h/p && x"},
		{"x", "sk-CANARY0123456789abcdef"}, {"x", "ghp_CANARY0123456789abcdef"}, {"x", "eyJhbGciOiJIUzI1NiJ9.CANARYCANARY.CANARY"},
		{"x", "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----"}, {"x", "--private-key=CANARY"},
		{"x", "bearer CANARY"}, {"x", "db.password=CANARY"}, {"x", "--token", "--CANARY"},
	} {
		if got := recorded(t, nil, &hutch.Cmd{Args: args}); strings.Contains(got, "CANARY") || !strings.Contains(got, `"args":["`+args[0]+`"`) {
			t.Errorf("%q is recorded as %s", args, got)
		}
	}
	var out strings.Builder
	got := recorded(t, &audit.Options{Secrets: []string{"CANA", "CANARY", ""}}, &hutch.Cmd{
		Args: []string{"x", "aCANARYb", "valueFROMenv"}, Env: []string{"V=valueFROMenv", "W=short", "CANARY=y"},
		Stdin: strings.NewReader("IN"), Stdout: &out,
	})
	if strings.Contains(got, "valueFROMenv") || strings.Contains(got, "short") || !strings.Contains(got, `"a***b"`) {
		t.Errorf("recorded %s", got)
	}
	if strings.Contains(got, "RYb") || strings.Contains(got, "IN") && strings.Contains(got, `"IN"`) {
		t.Errorf("recorded %s", got)
	}
}

// What is no secret stays to be read.
func TestPlain(t *testing.T) {
	for _, args := range [][]string{
		{"go", "test", "./..."}, {"git", "commit", "-m", "tokens: read them one by one"}, {"ls", "secrets/", "--all"},
		{"curl", "https://example.com/a@b"}, {"sh", "-c", "grep -rn basic . | head -n 3"}, {"make", "KEY=1", "PORT=80"}, {"cat", "monkey=1"},
		{"ssh", "user@host"}, {"python3", "-m", "tokenize", "x.py"},
	} {
		got := recorded(t, nil, &hutch.Cmd{Args: args})
		if args[1] != "commit" && strings.Contains(got, "***") {
			t.Errorf("%q is recorded as %s", args, got)
		}
	}
	long := recorded(t, nil, &hutch.Cmd{Args: []string{"x", strings.Repeat("é", 4000), "y"}})
	if len(long) > 4000 || !strings.Contains(long, "(of 8000 bytes)") || !strings.Contains(long, `"y"`) {
		t.Errorf("a long argument is recorded as %d bytes", len(long))
	}
	if got := recorded(t, nil, &hutch.Cmd{Args: []string{"x", strings.Repeat("y", 70_000)}}); !strings.Contains(got, `["x","***"]`) {
		t.Errorf("what is too long to be looked at is recorded as %.200s", got)
	}
	secret := strings.Repeat("CANARY", 1000)
	for _, n := range []int{1, 10, 11, 20} { // what is cut off may be half a secret
		got := recorded(t, &audit.Options{Secrets: []string{secret}}, &hutch.Cmd{Args: []string{"x", strings.Repeat(secret, n)}})
		if strings.Contains(got, "CANARY") {
			t.Errorf("%d times a secret is recorded as %s", n, got)
		}
	}
	many := recorded(t, nil, &hutch.Cmd{Args: strings.Split(strings.Repeat("argument ", 100_000), " ")})
	if len(many) > 20_000 || !strings.Contains(many, "more)") {
		t.Errorf("many arguments are recorded as %d bytes", len(many))
	}
}

// Contents, patterns and texts of errors are not recorded.
func TestContents(t *testing.T) {
	a, l := audited(state.New(nil), nil)
	hutch.WriteFile(ctx, a, "f", []byte("CANARY line\n"), nil)
	hutch.ReadFile(ctx, a, "f")
	_, err := hutch.EditFile(ctx, a, "f", []hutch.Edit{{Old: "CANARY  line", New: "CANARY"}})
	if err == nil || !strings.Contains(err.Error(), "CANARY") {
		t.Fatal(err)
	}
	hutch.EditFile(ctx, a, "f", []hutch.Edit{{Old: "line", New: "CANARY"}})
	hutch.Collect(hutch.Grep(ctx, a, hutch.Query{Pattern: "CANARY"}))
	hutch.Collect(hutch.Grep(ctx, a, hutch.Query{Pattern: "CANARY["}))
	if got := l.buf.String(); strings.Contains(got, "CANARY") || strings.Count(got, "\n") < 5 {
		t.Errorf("recorded:\n%s", got)
	}
}
