package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// What is asked shows all that is asked about, and does nothing to the terminal.
func TestQuestionIsHarmless(t *testing.T) {
	const evil = "\x1b[2J\r\a\u202eend"
	ruled := about{q: policy.Question{Op: guard.Execute, Path: evil, Command: evil, Pattern: evil, Diff: "+" + evil, Note: evil, Description: evil}, always: true}
	for _, a := range []about{{}, ruled} {
		q := deepagent.Question{Title: evil, Text: evil, Pattern: evil, Agent: evil, Call: deepagent.Call{Name: evil}}
		got := questionOf(q, a, printer{terminal: true})
		for _, r := range got {
			if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q is in %q", r, got)
			}
		}
		if strings.Count(got, "end") < 4 {
			t.Errorf("something is missing: %q", got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for line, want := range map[string]deepagent.Answer{
		"y": {Scope: deepagent.Once}, " YES ": {Scope: deepagent.Once}, "s": {Scope: deepagent.Session}, "a": {Scope: deepagent.Always},
		"": {}, "n": {}, "no": {}, "n, use git": {Reason: "use git"}, "no because": {Reason: "because"},
		"yes please": {Reason: "yes please"}, "not like this": {Reason: "not like this"},
	} {
		if got := answerOf(line, true); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
	if got := answerOf("a", false); got.Scope != deepagent.No {
		t.Errorf("where nothing can remember: %+v", got)
	}
}

func TestQuoted(t *testing.T) {
	for s, want := range map[string]string{"local:/a-b": "local:/a-b", "local:/a b": "'local:/a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := quoted(s); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
}
