package deepagent_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/limit"
	"github.com/hutch-dev/hutch/state"
)

func TestRewind(t *testing.T) {
	b := memory("a.txt", "one\n")
	store := deepagent.Files(state.New(nil), ".")
	points := &deepagent.Checkpoints{}
	d := &deepagent.Deps{Backend: b, Store: store, Conversation: "one", Checkpoints: points}
	out := finished(t, nil, d,
		use("write_file", `{"path": "a.txt", "content": "two\n"}`), use("write_file", `{"path": "b.txt", "content": "new\n"}`), say("done"))
	saved := out.of(deepagent.Saved)
	if len(saved) != 3 || len(points.List()) != 3 {
		t.Fatalf("%+v, %+v", saved, points.List())
	}
	c, err := points.Rewind(t.Context(), saved[1].Checkpoint)
	if err != nil || len(c.Messages) != 3 || len(points.List()) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if get(t, b, "a.txt") != "two\n" {
		t.Error("too far back")
	}
	if _, err := b.Stat(t.Context(), "b.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b.txt: %v", err)
	}
	out = finished(t, nil, d, say("on from there"))
	if n := len(out.res.Messages); n != 4 {
		t.Errorf("%d messages", n)
	}
	whole(t, out.res.Messages)
	if _, err := points.Rewind(t.Context(), "cp_99"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Where the conversation cannot go back the files do not either.
func TestRewindFails(t *testing.T) {
	b := memory("a.txt", "one\n")
	kept := state.New(nil)
	fail := &failing{Store: deepagent.Files(kept, ".")}
	points := &deepagent.Checkpoints{}
	finished(t, nil, &deepagent.Deps{Backend: b, Store: fail, Conversation: "one", Checkpoints: points},
		use("write_file", `{"path": "a.txt", "content": "two\n"}`), say("done"))
	fail.err = errors.New("disk full")
	if _, err := points.Rewind(t.Context(), "cp_1"); err == nil {
		t.Error("no error")
	}
	if get(t, b, "a.txt") != "two\n" {
		t.Error("the files went back alone")
	}
}

type failing struct {
	deepagent.Store
	err error
}

func (f *failing) Save(ctx context.Context, c *deepagent.Conversation) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Save(ctx, c)
}

func TestNoCheckpoints(t *testing.T) {
	store := deepagent.Files(state.New(nil), ".")
	a, _ := made(t, nil, say("no"))
	if res, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Backend: composite.ReadOnly(memory()), Store: store, Checkpoints: &deepagent.Checkpoints{}}); !errors.Is(err, errors.ErrUnsupported) || res != nil {
		t.Errorf("a backend that cannot: %v", err)
	}
	if _, err := a.Run(t.Context(), "Do it.", &deepagent.Deps{Checkpoints: &deepagent.Checkpoints{}}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no store: %v", err)
	}
	points := &deepagent.Checkpoints{}
	d := &deepagent.Deps{Backend: memory(), Store: store, Conversation: "x", Checkpoints: points}
	rewind := ownTool("rewind", func(ctx context.Context) (string, error) { _, err := points.Rewind(ctx, "cp_1"); return "", err })
	out := finished(t, &deepagent.Options{Tools: rewind}, d, use("rewind", "{}"), say("done"))
	has(t, out.done(t, 0).Text, "a run is under way")
	var steps []step
	for range 25 {
		steps = append(steps, use("ls", `{"path": "`+strings.Repeat("./", len(steps)+1)+`"}`))
	}
	finished(t, nil, d, append(steps, say("done"))...)
	if n := len(points.List()); n != deepagent.MaxCheckpoints {
		t.Errorf("%d checkpoints", n)
	}
}

// Through wrappers that narrow nothing the power is found, and recorded.
func TestRewindThroughWrappers(t *testing.T) {
	project, fixed := memory("a.txt", "one\n"), memory("x", "y")
	c, err := composite.New(state.New(nil), composite.Routes{"project": project, "fixed": composite.ReadOnly(fixed)})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	b := audit.New(limit.New(c, limit.Options{Operations: 1000}), slog.New(slog.NewTextHandler(&log, nil)), nil)
	points := &deepagent.Checkpoints{}
	d := &deepagent.Deps{Backend: b, Store: deepagent.Files(state.New(nil), "."), Conversation: "one", Checkpoints: points}
	finished(t, nil, d, use("write_file", `{"path": "project/a.txt", "content": "two\n"}`), use("write_file", `{"path": "b.txt", "content": "new\n"}`), say("done"))
	put(t, fixed, "x", "z")
	if _, err := points.Rewind(t.Context(), "cp_1"); err != nil {
		t.Fatal(err)
	}
	if get(t, b, "project/a.txt") != "one\n" || get(t, b, "fixed/x") != "z" {
		t.Error("not what it was, or what cannot be written is not as it is")
	}
	if _, err := b.Stat(t.Context(), "b.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b.txt: %v", err)
	}
	has(t, log.String(), "msg=snapshot name=. result=ok", "msg=restore name=. result=ok")
}

// A guard hides the power, also behind other wrappers; who has made it hands over
// what is inside, and no rule keeps that from going back.
func TestRewindGuarded(t *testing.T) {
	inner := memory("a.txt", "one\n", ".env", "KEY=1\n")
	g := ruled(t, inner)
	sub, err := hutch.Sub(inner, "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]hutch.Backend{"guard": g, "outside of a guard": limit.New(g, limit.Options{}), "a part": sub, "read-only": composite.ReadOnly(inner)} {
		if _, ok := hutch.As[hutch.Snapshotter](b); ok {
			t.Errorf("%s: whoever holds it can write everything", name)
		}
	}
	points := &deepagent.Checkpoints{Files: inner}
	d := &deepagent.Deps{Backend: g, Store: deepagent.Files(state.New(nil), "."), Conversation: "one", Checkpoints: points}
	o := &deepagent.Options{Approve: func(context.Context, deepagent.Question) (deepagent.Answer, error) {
		return deepagent.Answer{Scope: deepagent.Once}, nil
	}}
	finished(t, o, d, use("write_file", `{"path": "a.txt", "content": "two\n"}`), say("done"))
	put(t, inner, ".env", "KEY=2\n")
	if _, err := points.Rewind(t.Context(), "cp_1"); err != nil || get(t, inner, "a.txt") != "one\n" || get(t, inner, ".env") != "KEY=1\n" {
		t.Errorf("%v", err)
	}
}

// Copies of a guarded backend go back with the rights of the guard.
func TestRewindCopiesOfGuarded(t *testing.T) {
	inner := memory("a.txt", "one\n", ".env", "KEY=1\n")
	snap := snapshot(t, deepagent.Copied(ruled(t, inner), nil))
	put(t, inner, ".env", "KEY=2\n")
	if err := snap.Restore(t.Context()); err != nil || get(t, inner, ".env") != "KEY=2\n" {
		t.Errorf("what is hidden was touched: %v", err)
	}
	put(t, inner, "a.txt", "two\n")
	if err := snap.Restore(t.Context()); !errors.Is(err, fs.ErrPermission) || get(t, inner, "a.txt") != "two\n" {
		t.Errorf("what asks was written: %v", err)
	}
}

// nobody is a rule that asks about everything, where it may.
type nobody struct{ t *testing.T }

func (n nobody) Check(ctx context.Context, r *guard.Request) error {
	if guard.MayAsk(ctx) {
		n.t.Errorf("somebody is asked about %s of %s", r.Op, r.Name)
	}
	if r.Op == guard.Write {
		return &guard.Refusal{Text: "nobody is there to ask"}
	}
	return nil
}

func (nobody) Visible(guard.Op, string) bool  { return true }
func (nobody) Outlook(guard.Op) guard.Outlook { return guard.Asked }
func (nobody) Confinement() hutch.Confinement { return hutch.Confinement{} }

func TestCopiesAskNobody(t *testing.T) {
	inner := memory("a.txt", "one\n")
	g, err := guard.New(t.Context(), inner, nobody{t}, nil)
	if err != nil {
		t.Fatal(err)
	}
	snap := snapshot(t, deepagent.Copied(g, nil))
	put(t, inner, "a.txt", "two\n")
	if err := snap.Restore(t.Context()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

// In a directory, with commands.
func TestRewindDirectory(t *testing.T) {
	s := testroom.Jail(t)
	put(t, s, "a.txt", "one\n")
	points := &deepagent.Checkpoints{Files: deepagent.Copied(s, nil)}
	d := &deepagent.Deps{Backend: s, Store: deepagent.Files(state.New(nil), "."), Conversation: "one", Checkpoints: points}
	finished(t, nil, d, use("execute", `{"command": "echo two > a.txt; mkdir -p d; echo x > d/x; ln -s a.txt link"}`), say("done"))
	if _, err := points.Rewind(t.Context(), "cp_1"); err != nil {
		t.Fatal(err)
	}
	sameWorld(t, s, map[string]string{"a.txt": "644 one\n"})
	if _, err := points.Rewind(t.Context(), "cp_1"); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// Where copies take too much the oldest go, and only where one alone is too large
// the run ends.
func TestCheckpointsMakeRoom(t *testing.T) {
	b := memory()
	points := &deepagent.Checkpoints{Files: deepagent.Copied(b, &deepagent.CopyOptions{MaxBytes: 250})}
	d := &deepagent.Deps{Backend: b, Store: deepagent.Files(state.New(nil), "."), Conversation: "one", Checkpoints: points}
	var steps []step
	for i := range 6 {
		steps = append(steps, use("write_file", `{"path": "a", "content": "`+strings.Repeat(string(rune('a'+i)), 100)+`"}`))
	}
	finished(t, nil, d, append(steps, say("done"))...)
	all := points.List()
	if len(all) != 2 || all[1].ID != "cp_7" {
		t.Errorf("%+v", all)
	}
	a, _ := made(t, nil, use("write_file", `{"path": "b", "content": "`+strings.Repeat("b", 200)+`"}`), say("no"))
	if _, err := a.Run(t.Context(), "Do it.", d); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}
