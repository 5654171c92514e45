package deepagent

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzFrontMatter: whatever a SKILL.md is, a skill is two lines of bounded length,
// and nothing of its text is lost.
func FuzzFrontMatter(f *testing.F) {
	for _, s := range []string{
		"", "---", "---\n---", "---\n---\nBody", "---\nname: a\ndescription: >-\n  Does\n  this.\n---\nBody\n",
		"\ufeff---\r\nname: 'it''s'\r\n---\r\n# T\r\n\r\nx", "---\nname: \"\n---\n", "---\n: :\n\t x\n---- no end", "---\nname: a\nname: b\n---\n\u2028\u0085\v\x1b[31mred",
		"---\ndescription: " + strings.Repeat("ä", 400) + "\n---\n",
	} {
		f.Add("dir", s)
		f.Add("a b\u2028c\x1b", s)
	}
	f.Fuzz(func(t *testing.T, dir, text string) {
		text = strings.ToValidUTF8(text, "\ufffd") // as it is read
		head, body, ok := frontMatter(text)
		whole := strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
		if !strings.HasSuffix(whole, body) || !ok && (body != whole || head != nil) {
			t.Errorf("the text is %q, the body %q", text, body)
		}
		for k := range head {
			if k != strings.ToLower(strings.TrimSpace(k)) {
				t.Errorf("a key %q", k)
			}
		}
		s := readSkill(strings.ToValidUTF8(dir, "\ufffd"), text)
		if len(s.description) > maxSkillLine+len("...") || strings.Contains(s.name, " ") {
			t.Errorf("%q: %d bytes", s.name, len(s.description))
		}
		for _, l := range []string{s.name, s.description} {
			if !utf8.ValidString(l) || strings.ContainsFunc(l, func(c rune) bool { return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' }) {
				t.Errorf("more than a line: %q", l)
			}
		}
	})
}
