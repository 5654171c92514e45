package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

const (
	allow = policy.Allow
	deny  = policy.Deny
	ask   = policy.Ask
)

// TestPresets: what each preset makes of each operation.
func TestPresets(t *testing.T) {
	sets := map[string]policy.Set{"zero": {}, "new": policy.New(nil), "new all": policy.New(&policy.Options{
		Default: deny, AllowWrite: true, AllowEdit: true, AllowExecute: true, NoRead: true, NoGrep: true, NoGlob: true, NoList: true, Secrets: true,
	})}
	for _, name := range policy.Presets() {
		sets[name], _ = policy.Preset(name)
	}
	ops := append(fileOps[:len(fileOps):len(fileOps)], guard.Execute)
	type row [7]policy.Action // read write edit ls glob grep execute
	for name, files := range map[string]map[string]row{
		"default": {
			"a.go":             {allow, ask, ask, allow, allow, allow, ask},
			"src/.env":         {deny, ask, ask, allow, allow, allow},
			".env.local":       {deny, ask, ask, allow, allow, allow},
			".ENV/x":           {deny, ask, ask, allow, allow, allow},
			".env.example":     {allow, ask, ask, allow, allow, allow},
			".env.EXAMPLE":     {deny, ask, ask, allow, allow, allow},
			"tls/server.key":   {deny, ask, ask, allow, allow, allow},
			"tls/server.crt":   {allow, ask, ask, allow, allow, allow},
			"home/.ssh/id_rsa": {deny, ask, ask, allow, allow, allow},
			"my_secrets":       {deny, ask, ask, allow, allow, allow},
			"etc/passwd":       {allow, ask, ask, allow, allow, allow},

			"secretary.go":              {allow, ask, ask, allow, allow, allow},
			"a/secrets_test.go":         {allow, ask, ask, allow, allow, allow},
			"internal/secrets/store.go": {allow, ask, ask, allow, allow, allow},
			"app/PasswordReset.php":     {allow, ask, ask, allow, allow, allow},
			"SECRETARY.GO":              {deny, ask, ask, allow, allow, allow}, // what allows is exact
			"internal/secrets/prod":     {deny, ask, ask, allow, allow, allow},
			"secrets/a.yaml":            {deny, ask, ask, allow, allow, allow},
			"secrets.go/prod":           {deny, ask, ask, allow, allow, allow},
			"conf/secrets.py":           {deny, ask, ask, allow, allow, allow},
			"conf/Passwords.js":         {deny, ask, ask, allow, allow, allow},
			"my.secret":                 {deny, ask, ask, allow, allow, allow},
			"secrets.sh":                {deny, ask, ask, allow, allow, allow},
			"passwords.md":              {deny, ask, ask, allow, allow, allow},
			"credentials.json":          {deny, ask, ask, allow, allow, allow},
			".env.go":                   {deny, ask, ask, allow, allow, allow},
			".ssh/a.go":                 {deny, ask, ask, allow, allow, allow},
			"a.go/.env":                 {deny, ask, ask, allow, allow, allow},
			".":                         {allow, ask, ask, allow, allow, allow},
		},
		"permissive": {
			"a.go":         {allow, allow, allow, allow, allow, allow, allow},
			"b/x.pem":      {deny, deny, deny, allow, allow, allow},
			"usr/x":        {allow, allow, allow, allow, allow, allow},
			"secretary.go": {allow, allow, allow, allow, allow, allow},
			"secret.txt":   {deny, deny, deny, allow, allow, allow},
			".env.example": {allow, allow, allow, allow, allow, allow},
		},
		"read-only": {
			"a.go": {allow, deny, deny, allow, allow, allow, deny},
			".env": {deny, deny, deny, allow, allow, allow},
		},
		"strict": {
			"a.go":         {ask, ask, ask, ask, ask, ask, ask},
			".env":         {deny, deny, deny, ask, ask, ask},
			"secretary.go": {deny, deny, deny, ask, ask, ask}, // nothing is allowed without asking
			".env.example": {deny, deny, deny, ask, ask, ask},
		},
		"zero":    {"a.go": {deny, deny, deny, deny, deny, deny, deny}, ".": {deny, deny, deny, deny, deny, deny}},
		"new":     {"a.go": {allow, ask, ask, allow, allow, allow, ask}, ".env": {deny, deny, deny, allow, allow, allow}},
		"new all": {"a.go": {deny, allow, allow, deny, deny, deny, allow}, ".env": {deny, allow, allow, deny, deny, deny}},
	} {
		k := checker(t, sets[name])
		for file, want := range files {
			for i, op := range ops {
				what := file
				if op == guard.Execute {
					if what = "ls -l"; want[i] == "" {
						continue
					}
				}
				d, err := k.Explain(context.Background(), op, what)
				if err != nil || d.Action != want[i] {
					t.Errorf("%s: %s %s: %s (%v), want %s", name, op, what, d.Action, err, want[i])
				}
			}
		}
	}
}

// TestPresetsOutside: what is allowed wherever it is, is not allowed on the system.
func TestPresetsOutside(t *testing.T) {
	s := policy.Permissive()
	k := checker(t, s)
	for script, want := range map[string]policy.Action{
		"echo > /usr/lib/secretary.py": deny, "echo > /etc/a.go": deny, "echo > /etc/.env.example": deny, "echo > secretary.py": allow,
	} {
		if d, err := k.Explain(context.Background(), guard.Execute, script); err != nil || d.Action != want {
			t.Errorf("%s: %s, %v", script, d.Action, err)
		}
	}
}

// TestPresetsAtRoot: where the workspace is the system, its rules hold for names.
func TestPresetsAtRoot(t *testing.T) {
	s := policy.Permissive()
	k, err := s.Checker(&policy.CheckerOptions{Root: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := k.Explain(context.Background(), guard.Write, "/etc/passwd"); d.Action != deny {
		t.Errorf("writing /etc/passwd: %+v", d)
	}
	if !strings.Contains(strings.Join(k.Confinement().Protect, " "), "etc/**") {
		t.Error("/etc is not protected")
	}
}

func TestOutlook(t *testing.T) {
	can := func(s policy.Set, o *policy.CheckerOptions, op guard.Op) guard.Outlook {
		k, err := s.Checker(o)
		if err != nil {
			t.Fatal(err)
		}
		return k.Outlook(op)
	}
	asks := &policy.CheckerOptions{Ask: func(context.Context, policy.Question) (policy.Answer, error) { return policy.Answer{}, nil }}
	rule := func(def policy.Action, rules ...string) policy.Set {
		s := policy.Set{Write: policy.Rules{Default: def}}
		for _, r := range rules {
			action, pattern, _ := strings.Cut(r, " ")
			s.Write.Rules = append(s.Write.Rules, policy.Rule{Pattern: pattern, Action: policy.Action(action)})
		}
		s.Execute = s.Write
		return s
	}
	for _, c := range []struct {
		s                      policy.Set
		silent, asked, command guard.Outlook
	}{
		{policy.Set{}, guard.Denied, guard.Denied, guard.Denied},
		{rule(allow), guard.Allowed, guard.Allowed, guard.Allowed},
		{rule(ask), guard.Denied, guard.Asked, guard.Asked},
		{rule(deny, "allow a"), guard.Allowed, guard.Allowed, guard.Allowed},
		{rule(deny, "ask a", "allow b"), guard.Allowed, guard.Asked, guard.Asked},
		{rule(allow, "deny **"), guard.Denied, guard.Denied, guard.Denied},
		{rule(deny, "deny **", "allow a"), guard.Denied, guard.Denied, guard.Denied},
		{rule(deny, "deny a", "allow a/b/**"), guard.Denied, guard.Denied, guard.Allowed},
		{rule(deny, "deny A", "allow a"), guard.Denied, guard.Denied, guard.Allowed},
		{rule(deny, "deny a*", "ask ab"), guard.Denied, guard.Denied, guard.Asked},
		{rule(deny, "deny *", "allow a/b"), guard.Denied, guard.Denied, guard.Denied},
		{rule(deny, "allow a/**", "ask a/b"), guard.Allowed, guard.Asked, guard.Asked},
		{rule(allow, "ask **"), guard.Denied, guard.Asked, guard.Asked},
	} {
		if got := can(c.s, nil, guard.Write); got != c.silent {
			t.Errorf("%+v: %v, want %v", c.s.Write, got, c.silent)
		}
		if got := can(c.s, asks, guard.Write); got != c.asked {
			t.Errorf("%+v, with somebody to ask: %v, want %v", c.s.Write, got, c.asked)
		}
		if got := can(c.s, asks, guard.Execute); got != c.command {
			t.Errorf("%+v, as commands: %v, want %v", c.s.Write, got, c.command)
		}
	}
	recalls := &policy.CheckerOptions{Recalls: func(op guard.Op) bool { return op == guard.Execute }}
	for op, want := range map[guard.Op]guard.Outlook{guard.Execute: guard.Allowed, guard.Write: guard.Denied} {
		if got := can(rule(ask), recalls, op); got != want {
			t.Errorf("%s, where commands are recalled: %v, want %v", op, got, want)
		}
	}
	if got := can(rule(deny), recalls, guard.Execute); got != guard.Denied {
		t.Errorf("what is denied, recalled or not: %v", got)
	}
	if can(policy.Permissive(), asks, "chmod") != guard.Denied {
		t.Error("an operation that there is not")
	}
}

// TestCheckSet: nothing is inert.
func TestCheckSet(t *testing.T) {
	bad := func(p string) policy.Set {
		return policy.Set{Read: policy.Rules{Rules: []policy.Rule{{Pattern: p, Action: deny}}}}
	}
	command := func(p string) policy.Set {
		return policy.Set{Execute: policy.Rules{Rules: []policy.Rule{{Pattern: p, Action: deny}}}}
	}
	for what, s := range map[string]policy.Set{
		`pattern ""`: bad(""), `pattern "a["`: bad("a["), `pattern "{a"`: bad("{a"), `pattern "./a"`: bad("./a"), `pattern "a/../b"`: bad("a/../b"),
		`pattern "a//b"`: bad("a//b"), `pattern "a/"`: bad("a/"), `pattern "//"`: bad("//"), `pattern "///a"`: bad("///a"), "NUL byte": bad("a\x00"), "not valid UTF-8": bad("\xff"),
		`there are no commands @dangerus`: command("@dangerus"), `pattern "[ x"`: command("[ x"), `pattern " "`: command(" "), "control character": command("a\nb"),
		`read.rules[0]: pattern "a"`:         {Read: policy.Rules{Rules: []policy.Rule{{Pattern: "a"}}}},
		`"maybe" is no action`:               {Default: "maybe"},
		`write.default: invalid argument: "`: {Write: policy.Rules{Default: "x"}},
		`"Allow" is no action`:               {Execute: policy.Rules{Rules: []policy.Rule{{Pattern: "a", Action: "Allow"}}}},
	} {
		err := s.Check()
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v, want %s", s, err, what)
		}
		if _, e := s.Checker(nil); e == nil {
			t.Errorf("%s: there is a Checker", what)
		}
	}
	for _, name := range policy.Presets() {
		s, _ := policy.Preset(name)
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := policy.Default()
	if _, err := s.Checker(&policy.CheckerOptions{Root: "workspace"}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a root that is no path: %v", err)
	}
	if _, ok := policy.Preset("none"); ok {
		t.Error("a preset that there is not")
	}
}

func TestJSON(t *testing.T) {
	for _, name := range policy.Presets() {
		s, _ := policy.Preset(name)
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := policy.ParseJSON(strings.NewReader(string(data)))
		if err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, back, s)
		}
	}
	for _, doc := range []string{
		`{"raed": {}}`, `{"read": {"defualt": "deny"}}`, `{"read": {"rules": [{"pattern": "a", "action": "deny", "x": 1}]}}`,
		`{"default": "allow", "default": "deny"}`, `{"read": {"default": "deny"}, "READ": {"default": "allow"}}`, `{"default": "perhaps"}`, `{"default": ""}`,
		`{"read": {"rules": [{"pattern": "a[", "action": "deny"}]}}`, `{"read": {"rules": [{"pattern": "a"}]}}`, `{} {}`, `[]`, `{`, ``, `{"read": []}`,
	} {
		if s, err := policy.ParseJSON(strings.NewReader(doc)); err == nil {
			t.Errorf("%s is a policy: %+v", doc, s)
		}
	}
	var s policy.Set
	if err := json.Unmarshal([]byte(`{"write": {"rules": null}}`), &s); err != nil || s.Check() != nil {
		t.Errorf("%v", err)
	}
}

func TestOver(t *testing.T) {
	own := policy.Set{
		Write: policy.Rules{Default: allow, Rules: []policy.Rule{{Pattern: "go.sum", Action: deny}}},
		Read:  policy.Rules{Rules: []policy.Rule{{Pattern: ".env", Action: allow}}},
	}
	base := policy.Default()
	k := checker(t, own.Over(base))
	for _, c := range []struct {
		op   guard.Op
		name string
		want policy.Action
	}{
		{guard.Write, "go.sum", deny}, {guard.Write, "a", allow}, {guard.Edit, "a", ask},
		{guard.Read, ".env", allow}, {guard.Read, "x/.env", deny}, {guard.Read, "a", allow}, {guard.Execute, "ls", ask},
	} {
		if d, _ := k.Explain(context.Background(), c.op, c.name); d.Action != c.want {
			t.Errorf("%s %s: %s, want %s", c.op, c.name, d.Action, c.want)
		}
	}
	closed := policy.Set{Default: deny}
	if k := checker(t, closed.Over(base)); k.Outlook(guard.Read) == guard.Denied || decide(t, k, "ls") != ask {
		t.Error("defaults of operations of the base hold below a default of the set")
	}
	if k := checker(t, (policy.Set{}).Over(policy.Set{})); k.Outlook(guard.Read) != guard.Denied {
		t.Error("nothing over nothing")
	}
	if len(base.Read.Rules) == 0 || base.Read.Rules[0].Pattern == ".env" {
		t.Error("the base was changed")
	}
}
