package deepagent

import (
	"regexp"
	"testing"
)

// Names are what these expressions say.
func FuzzNames(f *testing.F) {
	agent := regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	tool := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	conversation := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	for _, s := range []string{"", "a", "-a", "A", "_", "a.b", ".a", "a\n", "\n", "é", "a/b", "\xff", "a\x00"} {
		f.Add(s, 1)
		f.Add(s, 64)
		f.Add(s, 65)
		f.Add(s, 100)
		f.Add(s, 101)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		for n = min(n, 102); n > 0 && len(s) > 0 && len(s) < n; { // lengths are what it is about
			s += s[:1]
		}
		for what, got := range map[string][2]bool{
			"agent":        {isAgentName(s), agent.MatchString(s)},
			"tool":         {isToolName(s), tool.MatchString(s)},
			"conversation": {isConversation(s), conversation.MatchString(s)},
		} {
			if got[0] != got[1] {
				t.Errorf("%q is a name of %s: %v", s, what, got[0])
			}
		}
	})
}
