package guard_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// runner is a sandbox that runs nothing, and can confine some of what is asked.
type runner struct {
	*linked
	ran      []*hutch.Cmd
	no       string // parts that it cannot keep commands from; "-": it has no such power
	confined []hutch.Confinement
}

func (r *runner) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Execer:
		*t = r
	case *hutch.Rooted:
		*t = r
	case *hutch.Confiner:
		*t = r
		return r.no != "-"
	default:
		return r.linked.As(target)
	}
	return true
}

func (r *runner) Root() string { return "/work" }

func (r *runner) Exec(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	r.ran = append(r.ran, cmd)
	switch cmd.Args[0] {
	case "missing":
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: "missing", Err: fs.ErrNotExist}
	case "dirless":
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: cmd.Dir, Err: fs.ErrNotExist}
	}
	return hutch.Result{ExitCode: 7}, nil
}

func (r *runner) Confine(_ context.Context, c hutch.Confinement) error {
	if len(c.Hide) > 0 && strings.Contains(r.no, "hide") || len(c.Protect) > 0 && strings.Contains(r.no, "protect") {
		return errors.ErrUnsupported
	}
	r.confined = append(r.confined, c)
	return nil
}

func newRunner() *runner { return &runner{linked: newLinked()} }

func TestExec(t *testing.T) {
	r := newRunner()
	put(t, r, "d/x")
	r.link("d", "l")
	var seen *guard.Request
	c := &rules{outlook: map[guard.Op]guard.Outlook{guard.Execute: guard.Asked}}
	c.check = func(q *guard.Request) error {
		seen = q
		if strings.Contains(strings.Join(q.Cmd.Args, " "), "rm") {
			return &guard.Refusal{Text: "no rm"}
		}
		if q.Cmd.Stdin != nil {
			if _, err := q.Cmd.Stdin.Read(make([]byte, 1)); err == nil {
				t.Error("the Check can take what the command was to read")
			}
		}
		q.Cmd.Args[0] = "evil"
		q.Cmd.Env = append(q.Cmd.Env[:0], "X=evil")
		return nil
	}
	g := guarded(t, r, c)
	x, ok := hutch.As[hutch.Execer](g)
	if !ok {
		t.Fatal("no commands")
	}
	var out strings.Builder
	cmd := &hutch.Cmd{Args: []string{"ls", "-l"}, Env: []string{"A=1"}, Dir: "l", Stdin: strings.NewReader("input"), Stdout: &out}
	if res, err := x.Exec(ctx, cmd); err != nil || res.ExitCode != 7 {
		t.Fatal(res, err)
	}
	ran := r.ran[0]
	in, _ := io.ReadAll(ran.Stdin)
	if !slices.Equal(ran.Args, []string{"ls", "-l"}) || !slices.Equal(ran.Env, []string{"A=1"}) || ran.Dir != "d" || string(in) != "input" || ran.Stdout != &out {
		t.Errorf("what runs is %+v", ran)
	}
	if seen.Name != "d" || seen.Path != "/work/d" || seen.Cmd.Dir != "d" || seen.Cmd.Stdout != nil || cmd.Dir != "l" || cmd.Args[0] != "ls" {
		t.Errorf("shown was %+v, %+v; the caller's is %+v", seen, seen.Cmd, cmd)
	}
	_, err := x.Exec(ctx, &hutch.Cmd{Args: []string{"rm"}, Dir: "l"})
	refused(t, "rm", err, "l")
	if len(r.ran) != 1 {
		t.Error("what was refused has run")
	}
	for program, at := range map[string]string{"missing": "missing", "dirless": "l"} {
		c.check = nil
		_, err := x.Exec(ctx, &hutch.Cmd{Args: []string{program}, Dir: "l"})
		var pe *fs.PathError
		if !errors.As(err, &pe) || pe.Path != at || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", program, err)
		}
	}
	if _, err := x.Exec(ctx, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no command: %v", err)
	}
}

// altering changes the command of its caller while it is checked.
func TestAltered(t *testing.T) {
	r := newRunner()
	cmd := &hutch.Cmd{Args: []string{"ls"}, Env: []string{"A=1"}}
	g := guarded(t, r, &rules{check: func(*guard.Request) error {
		cmd.Args[0], cmd.Env[0], cmd.Dir = "rm", "A=2", "x"
		return nil
	}})
	x, _ := hutch.As[hutch.Execer](g)
	if _, err := x.Exec(ctx, cmd); err != nil {
		t.Fatal(err)
	}
	if ran := r.ran[0]; ran.Args[0] != "ls" || ran.Env[0] != "A=1" || ran.Dir != "." {
		t.Errorf("what runs is %+v", ran)
	}
}

func TestNoCommands(t *testing.T) {
	r := newRunner()
	c := &rules{outlook: map[guard.Op]guard.Outlook{guard.Execute: guard.Denied}, confine: hutch.Confinement{Hide: []string{"x"}}}
	r.no = "-"
	g := guarded(t, r, c)
	powerless := func(what string) {
		t.Helper()
		_, exec := hutch.As[hutch.Execer](g)
		_, rooted := hutch.As[hutch.Rooted](g)
		_, confiner := hutch.As[hutch.Confiner](g)
		if exec || rooted || confiner || g.Outlook(guard.Execute) != guard.Denied {
			t.Errorf("%s: %v %v %v %v", what, exec, rooted, confiner, g.Outlook(guard.Execute))
		}
	}
	powerless("denied")
	delete(c.outlook, guard.Execute)
	powerless("allowed later: nothing was confined")
	g = guarded(t, newLinked(), c)
	powerless("no sandbox")
	r.no = ""
	g = guarded(t, r, c)
	if _, ok := hutch.As[hutch.Execer](g); !ok {
		t.Fatal("no commands")
	}
	c.outlook[guard.Execute] = guard.Denied
	powerless("denied later")
}

func TestConfinement(t *testing.T) {
	hide, protect := []string{".env", "**/*.pem"}, []string{".git/hooks"}
	whole := hutch.Confinement{Hide: hide, Protect: protect}
	for _, test := range []struct {
		no     string
		c      hutch.Confinement
		accept []guard.Op
		want   *hutch.Confinement // what the sandbox is asked for
		says   []string           // of the error
	}{
		{"", whole, nil, &whole, nil},
		{"", whole, []guard.Op{guard.Read, guard.Write}, &whole, nil},
		{"-", hutch.Confinement{}, nil, nil, nil},
		{"-", whole, nil, nil, []string{"read", "*.pem", "change", ".git/hooks"}},
		{"-", whole, []guard.Op{guard.Read}, nil, []string{"change", ".git/hooks"}},
		{"-", whole, []guard.Op{guard.Write}, nil, []string{"read", "*.pem"}},
		{"-", whole, []guard.Op{guard.Write, guard.Read}, nil, nil},
		{"hide", whole, nil, nil, []string{"read"}},
		{"hide", whole, []guard.Op{guard.Write}, nil, []string{"read"}},
		{"hide", whole, []guard.Op{guard.Read}, &hutch.Confinement{Protect: protect}, nil},
		{"protect", whole, []guard.Op{guard.Read}, nil, []string{"change"}},
		{"protect", whole, []guard.Op{guard.Write}, &hutch.Confinement{Hide: hide}, nil},
		{"hide protect", whole, []guard.Op{guard.Write}, nil, []string{"read"}},
		{"hide protect", whole, []guard.Op{guard.Read, guard.Write}, nil, nil},
		{"-", hutch.Confinement{Hide: hide}, []guard.Op{guard.Read}, nil, nil},
		{"-", hutch.Confinement{Protect: protect}, []guard.Op{guard.Read}, nil, []string{"change"}},
	} {
		r := newRunner()
		r.no = test.no
		_, err := guard.New(ctx, r, &rules{confine: test.c}, &guard.Options{Accept: test.accept})
		if test.says == nil && err != nil || test.says != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%q, %v: %v", test.no, test.accept, err)
		}
		for _, word := range test.says {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%q, %v: %q does not say %q", test.no, test.accept, err, word)
			}
		}
		switch {
		case test.want == nil && len(r.confined) > 0,
			test.want != nil && (len(r.confined) != 1 || !slices.Equal(r.confined[0].Hide, test.want.Hide) || !slices.Equal(r.confined[0].Protect, test.want.Protect)):
			t.Errorf("%q, %v: confined to %v, want %v", test.no, test.accept, r.confined, test.want)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := guard.New(ctx, nil, &rules{}, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := guard.New(ctx, newLinked(), nil, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := guard.New(ctx, newLinked(), &rules{}, &guard.Options{Accept: []guard.Op{guard.Execute}}); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	linkless := struct{ hutch.Backend }{newLinked()} // has no As, and so no Linker
	if _, err := guard.New(ctx, linkless, &rules{}, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "links") {
		t.Error(err)
	}
}

// A guard on a guard allows what both allow.
func TestTwice(t *testing.T) {
	r := newRunner()
	put(t, r, "a", "b", "c")
	r.link("a", "la")
	r.link("b", "lb")
	inner := guarded(t, r, &rules{check: deny("read", "a").check, visible: deny("ls", "a").visible,
		outlook: map[guard.Op]guard.Outlook{guard.Write: guard.Asked}, confine: hutch.Confinement{Hide: []string{"a"}}})
	g := guarded(t, inner, &rules{check: deny("read", "b").check, visible: deny("ls", "b").visible, confine: hutch.Confinement{Hide: []string{"b"}}})
	for _, name := range []string{"a", "b", "la", "lb"} {
		_, err := hutch.ReadFile(ctx, g, name)
		refused(t, "read "+name, err, name)
	}
	if _, err := hutch.ReadFile(ctx, g, "c"); err != nil {
		t.Error(err)
	}
	want(t, "list", infoNames(t, g.List(ctx, ".")), "c", "la", "lb")
	if len(r.confined) != 2 || g.Outlook(guard.Write) != guard.Asked || g.Outlook(guard.Read) != guard.Allowed {
		t.Error(r.confined, g.Outlook(guard.Write))
	}
	if _, ok := hutch.As[hutch.Execer](g); !ok {
		t.Error("no commands")
	}
}
