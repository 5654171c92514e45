package tool_test

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

// TestTooLarge: even what is kept has a bound.
func TestTooLarge(t *testing.T) {
	const size = 64<<20 + 12345
	b := newBox(map[string]script{"huge": func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		block := []byte(numbers(1000))
		for n := 0; n < size; n += len(block) {
			cmd.Stdout.Write(block[:min(len(block), size-n)])
		}
		return hutch.Result{}, nil
	}})
	c := console(t, b, &tool.Options{Keep: forgets{b.Backend}})
	r := c.call("execute", args{"command": "huge"})
	if len(r.Kept) != 1 || r.Kept[0].Size != 64<<20 || !strings.Contains(r.Text, "; the first 67108864 bytes are in /workspace/.hutch/out/execute-") {
		t.Errorf("kept %+v, %q", r.Kept, r.Text[7900:8200])
	}
	if d := data(t, r); d["bytes"] != float64(size) {
		t.Errorf("%v", d)
	}
}

// forgets takes files and does not remember them.
type forgets struct{ hutch.Backend }

func (forgets) As(any) bool { return false }
func (forgets) Write(_ context.Context, name string, r io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	n, err := io.Copy(io.Discard, r)
	return hutch.Info{Name: name, Size: n, Rev: "1"}, err
}
func (forgets) List(context.Context, string) iter.Seq2[hutch.Info, error] {
	return func(func(hutch.Info, error) bool) {}
}

// TestNotKept: where the rules let nothing be written the output is cut, the
// answer says so, and nobody is asked.
func TestNotKept(t *testing.T) {
	all := numbers(200_000)
	asked := 0
	for name, c := range map[string]check{
		"denied": {outlook: map[guard.Op]guard.Outlook{guard.Write: guard.Denied}, decide: func(_ context.Context, r *guard.Request) error {
			if r.Op == guard.Write {
				return &guard.Refusal{Text: "no"}
			}
			return nil
		}},
		"asked": {outlook: map[guard.Op]guard.Outlook{guard.Write: guard.Asked}, decide: func(ctx context.Context, r *guard.Request) error {
			if r.Op == guard.Write && guard.MayAsk(ctx) {
				asked++
			}
			if r.Op == guard.Write {
				return &guard.Refusal{Text: "nobody was asked"}
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(map[string]script{"large": says(all, "", 0)})
			r := console(t, guarded(t, b, c), nil).call("execute", args{"command": "large"})
			if want := "(1900000 bytes of 2000000 are left out here and could not be kept in a file: writing there is not permitted)"; !strings.Contains(r.Text, want) || r.Failed {
				t.Errorf("%q", r.Text[49_900:50_200])
			}
			if !strings.HasPrefix(r.Text, all[:49_000]) || !strings.HasSuffix(r.Text, all[len(all)-50_000:]) || len(r.Kept) > 0 {
				t.Errorf("%d bytes are shown, kept %v", len(r.Text), r.Kept)
			}
			if d := data(t, r); d["truncated"] != true || d["file"] != nil {
				t.Errorf("%v", d)
			}
			if names := outFiles(t, b); len(names) > 0 {
				t.Errorf("files %v", names)
			}
		})
	}
	if asked > 0 {
		t.Errorf("somebody was asked %d times", asked)
	}
	b := newBox(map[string]script{"large": says(all, "", 0)})
	allowed := func(_ context.Context, r *guard.Request) error {
		if r.Op == guard.Write && !strings.HasPrefix(r.Name, ".hutch/out/") {
			return fs.ErrPermission
		}
		return nil
	}
	c := console(t, guarded(t, b, check{outlook: map[guard.Op]guard.Outlook{guard.Write: guard.Asked}, decide: allowed}), nil)
	if r := c.call("execute", args{"command": "large"}); len(r.Kept) != 1 {
		t.Errorf("allowed there: %q", r.Text[:100])
	}
	c = console(t, guarded(t, b, check{decide: func(_ context.Context, r *guard.Request) error {
		if r.Op == guard.Write {
			return fs.ErrPermission
		}
		return nil
	}}), &tool.Options{Keep: b})
	if r := c.call("execute", args{"command": "large"}); len(r.Kept) != 1 {
		t.Errorf("kept elsewhere: %q", r.Text[:100])
	}
}

// TestRefused: the sentence of a refusal is the answer.
func TestRefused(t *testing.T) {
	b := guarded(t, newBox(map[string]script{"rm -rf .": says("", "", 0)}), check{decide: func(_ context.Context, r *guard.Request) error {
		if r.Op == guard.Execute {
			return &guard.Refusal{Text: "Not that command."}
		}
		return nil
	}})
	c := console(t, b, nil)
	for _, name := range execNames[:2] {
		if r := c.call(name, args{"command": "rm -rf ."}); !r.Failed || r.Text != "Not that command." {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestPolicyNotAsked: with rules that ask before writing, the question is about
// the command and not about where its output is kept.
func TestPolicyNotAsked(t *testing.T) {
	b := newBox(map[string]script{"echo large": says(numbers(200_000), "", 0)})
	var asked []guard.Op
	rules := policy.Default()
	k, err := rules.Checker(&policy.CheckerOptions{Root: "/workspace", Ask: func(_ context.Context, q policy.Question) (policy.Answer, error) {
		asked = append(asked, q.Op)
		return policy.Answer{Scope: policy.Once}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(t.Context(), b, k, &guard.Options{Accept: []guard.Op{guard.Read, guard.Write}})
	if err != nil {
		t.Fatal(err)
	}
	r := console(t, g, nil).call("execute", args{"command": "echo large"})
	if len(r.Kept) > 0 || !strings.Contains(r.Text, "could not be kept in a file") {
		t.Errorf("kept %v: %.100q", r.Kept, r.Text)
	}
	r = console(t, g, &tool.Options{Keep: b}).call("execute", args{"command": "echo large"})
	if len(r.Kept) != 1 {
		t.Errorf("kept %v: %.100q", r.Kept, r.Text)
	}
	if len(asked) != 2 || asked[0] != guard.Execute || asked[1] != guard.Execute {
		t.Errorf("asked %v", asked)
	}
}
