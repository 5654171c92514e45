package policy_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// asker makes a Checker of s whose questions go to ask.
func asker(t testing.TB, s policy.Set, ask func(context.Context, policy.Question) (policy.Answer, error)) *policy.Checker {
	t.Helper()
	k, err := s.Checker(&policy.CheckerOptions{Root: "/workspace", Ask: ask})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func request(op guard.Op, name string) *guard.Request {
	r := &guard.Request{Op: op, Name: name, Path: "/workspace/" + name}
	if op == guard.Execute {
		r.Name, r.Path, r.Cmd = ".", "/workspace", hutch.Shell(name)
	}
	return r
}

// TestAskScopes: what an answer is good for.
func TestAskScopes(t *testing.T) {
	s := policy.Default()
	s.Read.Rules = append([]policy.Rule{{Pattern: "docs", Action: ask, Description: "drafts"}}, s.Read.Rules...)
	ctx := context.Background()
	for _, op := range []guard.Op{guard.Write, guard.Edit, guard.Execute, guard.Read} {
		for scope, want := range map[policy.Scope]int{policy.No: 2, policy.Once: 2, policy.Session: 1, policy.Always: 1} {
			asked := 0
			k := asker(t, s, func(_ context.Context, q policy.Question) (policy.Answer, error) {
				asked++
				if q.Op != op {
					t.Errorf("asked about %s", q.Op)
				}
				return policy.Answer{Scope: scope, Reason: "not today"}, nil
			})
			name := "docs/a"
			for range 2 {
				err := k.Check(ctx, request(op, name))
				if (err == nil) != (scope != policy.No) {
					t.Errorf("%s, scope %d: %v", op, scope, err)
				}
				if err != nil && (!errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "(not approved: not today)")) {
					t.Errorf("refusal: %v", err)
				}
			}
			if asked != want {
				t.Errorf("%s, scope %d: asked %d times, want %d", op, scope, asked, want)
			}
			_ = k.Check(ctx, request(op, "docs/b"))
			if other := asked > want; other == (op == guard.Read && scope == policy.Session) {
				t.Errorf("%s, scope %d: another name of the same rule or default: asked again %v", op, scope, other)
			}
		}
	}
}

// TestSessionIsNarrow: an approval for the session is for one operation, and for a
// command as it is.
func TestSessionIsNarrow(t *testing.T) {
	asked := 0
	s := policy.Strict()
	k := asker(t, s, func(context.Context, policy.Question) (policy.Answer, error) {
		asked++
		return policy.Answer{Scope: policy.Session}, nil
	})
	ctx := context.Background()
	requests := []*guard.Request{
		request(guard.Read, "a"), request(guard.Write, "a"), request(guard.Edit, "a"), request(guard.Read, "A"), request(guard.List, "a"),
		request(guard.Execute, "make"), request(guard.Execute, "make x"), request(guard.Execute, "make; x"),
		request(guard.Execute, "echo \xff"), request(guard.Execute, "echo \xfe"),
		{Op: guard.Execute, Name: "sub", Cmd: hutch.Shell("make")},
		{Op: guard.Execute, Name: ".", Cmd: &hutch.Cmd{Args: []string{"make"}}},
		{Op: guard.Execute, Name: ".", Cmd: &hutch.Cmd{Args: []string{"sh", "-c", "make"}, Env: []string{"A=1"}}},
	}
	for range 2 {
		for _, r := range requests {
			if err := k.Check(ctx, r); err != nil {
				t.Error(err)
			}
		}
	}
	if asked != len(requests) {
		t.Errorf("asked %d times about %d things", asked, len(requests))
	}
	if k.Check(ctx, request(guard.Read, ".env")) == nil || k.Check(ctx, request(guard.Execute, "rm -rf /")) == nil {
		t.Error("a denial was asked about")
	}
	if !k.Visible(guard.Grep, "a") || k.Visible(guard.Grep, "b") {
		t.Error("grep sees what was approved for reading, and nothing else")
	}
}

// TestWithoutAsk: what nobody can approve is refused with a sentence.
func TestWithoutAsk(t *testing.T) {
	k := checker(t, policy.Default())
	for r, want := range map[*guard.Request]string{
		request(guard.Write, "a.go"):                  "Permission denied for write on '/workspace/a.go' (approval required)",
		request(guard.Execute, "ls; x"):               "Permission denied for execute on 'ls; x': it runs ls (approval required)",
		request(guard.Execute, "ls"):                  "Permission denied for execute on 'ls' (approval required)",
		request(guard.Execute, "$x"):                  "Permission denied for execute on '$x': its program is known only when it runs (approval required)",
		request(guard.Read, "b/.env"):                 "Permission denied for read on '/workspace/b/.env': files that look like secrets stay out of reach",
		request(guard.Execute, "cat ./.env"):          "Permission denied: command references '.env', which is denied for read: files that look like secrets stay out of reach",
		request(guard.Execute, "x --f=/root/.ssh/id"): "Permission denied: command references '/root/.ssh/id', which is denied for read: files that look like secrets stay out of reach",
	} {
		err := k.Check(context.Background(), r)
		var ref *guard.Refusal
		if err == nil || err.Error() != want || !errors.As(err, &ref) || ref.Text != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	k = checker(t, policy.Permissive())
	for script, want := range map[string]string{
		"rm -rf /; ls": "Permission denied for execute on 'rm -rf /; ls': it runs rm -rf /: this would destroy a system or a whole home directory",
		"ls > /etc/x":  "Permission denied for execute on 'ls > /etc/x': it would write '/etc/x': system directories are not changed",
		"ls > .env":    "Permission denied for execute on 'ls > .env': it would write '.env': files that look like secrets stay out of reach",
	} {
		if err := k.Check(context.Background(), request(guard.Execute, script)); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// TestAskTroubles: errors are refusals, and the end of ctx is its error.
func TestAskTroubles(t *testing.T) {
	lost := errors.New("the terminal is gone")
	k := asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) {
		return policy.Answer{Scope: policy.Session}, lost
	})
	err := k.Check(context.Background(), request(guard.Write, "a"))
	var ref *guard.Refusal
	if !errors.Is(err, fs.ErrPermission) || !errors.Is(err, lost) || !errors.As(err, &ref) || strings.Contains(err.Error(), "terminal") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k = asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) {
		cancel()
		return policy.Answer{Scope: policy.Session}, nil
	})
	if err := k.Check(ctx, request(guard.Write, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("an answer after the end: %v", err)
	}
	for _, scope := range []policy.Scope{-1, 4, 99} {
		k = asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) {
			return policy.Answer{Scope: scope}, nil
		})
		if k.Check(context.Background(), request(guard.Write, "a")) == nil {
			t.Errorf("scope %d is an approval", scope)
		}
	}
}

// TestUnasked: what was approved for the session holds where nobody may be asked;
// all else is refused there without a question.
func TestUnasked(t *testing.T) {
	asked := 0
	k := asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) {
		asked++
		return policy.Answer{Scope: policy.Session}, nil
	})
	if err := k.Check(context.Background(), request(guard.Write, "a")); err != nil {
		t.Fatal(err)
	}
	quiet := guard.Unasked(context.Background())
	if err := k.Check(quiet, request(guard.Write, "a")); err != nil {
		t.Errorf("what was approved: %v", err)
	}
	if err := k.Check(quiet, request(guard.Write, "b")); !errors.Is(err, fs.ErrPermission) || asked != 1 {
		t.Errorf("what was not: %v, asked %d times", err, asked)
	}
}

func TestRemember(t *testing.T) {
	s := policy.Default()
	var got []policy.Approval
	var fails error
	k, err := s.Checker(&policy.CheckerOptions{
		Ask: func(context.Context, policy.Question) (policy.Answer, error) {
			return policy.Answer{Scope: policy.Always}, nil
		},
		Remember: func(_ context.Context, a policy.Approval) error { got = append(got, a); return fails },
	})
	if err != nil {
		t.Fatal(err)
	}
	fails = errors.New("disk full")
	if err := k.Check(context.Background(), request(guard.Write, "a")); !errors.Is(err, fails) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("what could not be remembered: %v", err)
	}
	fails = nil
	for range 2 {
		if err := k.Check(context.Background(), request(guard.Write, "a")); err != nil {
			t.Error(err)
		}
	}
	if len(got) != 2 || !got[1].Equal(policy.Approval{Op: guard.Write, Name: "a"}) {
		t.Errorf("remembered: %+v", got)
	}
}

// TestRecall: what was approved for ever is that and nothing more, and only as long
// as it is recalled.
func TestRecall(t *testing.T) {
	s := policy.Strict()
	s.Read.Rules = append([]policy.Rule{{Pattern: "docs", Action: ask}}, s.Read.Rules...)
	var book []policy.Approval
	asked, scope := 0, policy.Always
	k, err := s.Checker(&policy.CheckerOptions{
		Ask: func(context.Context, policy.Question) (policy.Answer, error) {
			asked++
			return policy.Answer{Scope: scope}, nil
		},
		Remember: func(_ context.Context, a policy.Approval) error { book = append(book, a); return nil },
		Recall:   func(a policy.Approval) bool { return slices.ContainsFunc(book, a.Equal) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	first := []*guard.Request{
		request(guard.Read, "docs/a"), request(guard.Write, "a"), request(guard.Execute, "make \xff"),
		{Op: guard.Execute, Name: ".", Cmd: &hutch.Cmd{Args: []string{"make"}, Env: []string{"A=1"}}},
	}
	for _, r := range first {
		if err := k.Check(ctx, r); err != nil {
			t.Error(err)
		}
		if err := k.Check(guard.Unasked(ctx), r); err != nil {
			t.Errorf("what is recalled: %v", err)
		}
	}
	if asked != len(first) || !k.Visible(guard.Grep, "docs/a") || k.Visible(guard.Grep, "docs/b") {
		t.Errorf("asked %d times about %d things", asked, len(first))
	}
	asked, scope = 0, policy.No
	others := []*guard.Request{
		request(guard.Read, "docs/b"), request(guard.Edit, "docs/a"), request(guard.Write, "A"), request(guard.Write, "b"),
		request(guard.Execute, "make"), request(guard.Execute, "make \xfe"), request(guard.Execute, "make \xff; x"),
		{Op: guard.Execute, Name: "sub", Cmd: first[2].Cmd}, {Op: guard.Execute, Name: ".", Cmd: &hutch.Cmd{Args: []string{"make"}}},
	}
	for _, r := range others {
		if k.Check(ctx, r) == nil {
			t.Errorf("%s of %s came with something else", r.Op, r.Name)
		}
	}
	if asked != len(others) {
		t.Errorf("asked %d times about %d other things", asked, len(others))
	}
	book = append(book, policy.Approval{Op: guard.Read, Name: ".env"})
	if k.Check(ctx, request(guard.Read, ".env")) == nil {
		t.Error("what is remembered allows what is denied")
	}
	book = nil
	for _, r := range first {
		if k.Check(ctx, r) == nil {
			t.Errorf("%s of %s is still approved when it is forgotten", r.Op, r.Name)
		}
	}
}

// TestAskPanics: nobody waits for ever for who panicked.
func TestAskPanics(t *testing.T) {
	k := asker(t, policy.Default(), func(context.Context, policy.Question) (policy.Answer, error) { panic("no") })
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_ = k.Check(context.Background(), request(guard.Write, "a"))
			t.Error("no panic")
		}()
	}
}

func TestQuestionShowsChange(t *testing.T) {
	for _, c := range []struct {
		change     *guard.Change
		diff, note string
	}{
		{nil, "", ""},
		{&guard.Change{Before: []byte("a\nb\n"), After: []byte("a\nc\n")}, "-b\n+c\n", ""},
		{&guard.Change{After: []byte("a\n")}, "+a\n", "the file is new"},
		{&guard.Change{After: []byte{}}, "", "the file is new"},
		{&guard.Change{Before: []byte("a\n")}, "-a\n", "the file is removed"},
		{&guard.Change{Before: []byte("a\n"), After: []byte("a\n")}, "", "the file stays as it is"},
		{&guard.Change{Before: []byte("a\x00"), After: []byte("abc")}, "", "the file is binary: 2 bytes become 3"},
		{&guard.Change{Before: []byte("a"), After: []byte(strings.Repeat("a", 2<<20))}, "", "the change is too large to be shown: 1 bytes become 2097152"},
		{&guard.Change{TooLarge: true, Size: 9 << 20}, "", "the file is too large to be shown; it will have 9437184 bytes or more"},
	} {
		var got policy.Question
		k := asker(t, policy.Default(), func(_ context.Context, q policy.Question) (policy.Answer, error) {
			got = q
			return policy.Answer{}, nil
		})
		r := request(guard.Write, "a")
		r.Change = c.change
		_ = k.Check(context.Background(), r)
		if !strings.Contains(got.Diff, c.diff) || (got.Diff == "") != (c.diff == "") || got.Note != c.note || got.Path != "/workspace/a" || got.Pattern != "a" {
			t.Errorf("%+v: %+v", c.change, got)
		}
	}
}
