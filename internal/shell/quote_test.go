//go:build linux

package shell

import (
	"bytes"
	"iter"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// nasty are words that careless quoting changes.
var nasty = []string{
	"", " ", "a b", "'", "''", `'\''`, `"`, `\`, `\'`, "$(id)", "`id`", "$HOME", "${x}", "a\nb", "\n", "\r\n", "-n", "--", "*", "?", "[a]",
	"~", "#", "!x", "&", "|", ";", "{", "}", "; }", "<", ">", "\x01\x7f", "\xff\xfe", "é", "日本", "%s", `\n`, "$'x'", "'$(id)'", "//:x ok",
}

// TestQuote gives words to real shells, in one line each.
func TestQuote(t *testing.T) {
	for i, f := range flavours {
		p := newPlace(t, i)
		sh, err := lookup("sh", pathOf(p.opts.Env))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(sh)
		cmd.Env = servingEnv(p.opts.Env)
		cmd.Stdin = strings.NewReader("f() { printf '%s\\0' \"$@\"; }\n" + line("f", nasty) + "\n")
		out, err := cmd.Output()
		if want := strings.Join(nasty, "\x00") + "\x00"; err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", f.name, out, err, want)
		}
	}
}

// TestCutLine: a line that breaks off runs nothing, wherever it does.
func TestCutLine(t *testing.T) {
	for i, f := range flavours {
		p := newPlace(t, i)
		sh, err := lookup("sh", pathOf(p.opts.Env))
		if err != nil {
			t.Fatal(err)
		}
		whole := line("f", []string{"a", "it's", "b"})
		closed := len(whole) - len(" </dev/null")
		for _, n := range append(slices.Collect(ints(closed)), len(whole)) {
			cmd := exec.Command(sh)
			cmd.Stdin = strings.NewReader("f() { echo ran; }\n" + whole[:n])
			if out, _ := cmd.Output(); (len(out) > 0) != (n == len(whole)) {
				t.Errorf("%s: %q prints %q", f.name, whole[:n], out)
			}
		}
	}
}

// ints are those below n.
func ints(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// FuzzQuote reads quoted words back by the rules of the shell.
func FuzzQuote(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got strings.Builder
		q := quote(s)
		for len(q) > 0 {
			switch {
			case strings.HasPrefix(q, `\'`):
				got.WriteByte('\'')
				q = q[2:]
			case q[0] == '\'':
				inside, rest, ok := strings.Cut(q[1:], "'")
				if !ok {
					t.Fatalf("%q is left open", quote(s))
				}
				got.WriteString(inside)
				q = rest
			default:
				t.Fatalf("%q stands outside of quotes in %q", q, quote(s))
			}
		}
		if got.String() != s {
			t.Errorf("%q becomes %q", s, got.String())
		}
	})
}

// FuzzCollect cuts an answer into pieces: the body may hold anything but its end.
func FuzzCollect(f *testing.F) {
	f.Add([]byte("//:81a4 1 2 body"), "ok", "more", uint8(3))
	f.Add([]byte("\n//:tok.1"), "", "", uint8(1))
	f.Add([]byte("\n//:tok.2 ok\n"), "x", "y z", uint8(7))
	f.Fuzz(func(t *testing.T, body []byte, word, rest string, step uint8) {
		end := []byte("\n//:tok.1 ")
		if strings.ContainsAny(word+rest, "\n") || strings.Contains(word, " ") || bytes.Contains(append(body, end[:len(end)-1]...), end) {
			return
		}
		text := append(append([]byte{}, body...), (string(end) + word + " " + rest + "\nleft")...)
		c := collector{end: end, most: 1 << 20}
		for i := 0; ; {
			n := min(len(text), i+1+int(step))
			done, err := c.add(text[i:n])
			if err != nil {
				t.Fatal(err)
			}
			i = n
			if done {
				left := string(c.left) + string(text[i:])
				if string(c.body) != string(body) || c.word != word || c.answer.rest != rest || left != "left" {
					t.Fatalf("%q: %q, %q, %q, left %q", text, c.body, c.word, c.answer.rest, left)
				}
				return
			}
			if i == len(text) {
				t.Fatalf("%q has no end", text)
			}
		}
	})
}

// FuzzNodes never panics, and gives back what it accepts.
func FuzzNodes(f *testing.F) {
	f.Add([]byte("//:81a4 242 10004546 1795516714 2026-11-24 10:38:34.321020554 +0000 1795516714 2026-11-24 10:38:34.321020554 +0000 ./a\nb\n"))
	f.Add([]byte("\n//:"))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := nodes(body)
		whole(body)
		if err == nil && len(all) != bytes.Count(body, mark) {
			t.Errorf("%d records of %q", len(all), body)
		}
		for _, n := range all {
			if n.rev == "" || n.size < 0 || strings.Contains(n.base, "/") && n.base != "/" {
				t.Errorf("%+v", n)
			}
		}
	})
}

// TestText reads what a shell prints of a small file without a program.
func TestText(t *testing.T) {
	for i, f := range flavours {
		s := sandbox(t, i)
		for _, content := range append([]string{"x\n", "\n\n", "\n\nx", ".", ",", ".\n,", "a\tb\n", `a\b\n`, "a\\\nb", " a \n b ", "a\x00b", "a\r\n", "\x00", "//:\n//:"}, nasty...) {
			write(t, s, "f", content)
			for range 2 {
				if got, err := hutch.ReadFile(t.Context(), s, "f"); err != nil || string(got) != content {
					t.Errorf("%s: %q, %v; want %q", f.name, got, err, content)
				}
			}
		}
	}
}

// FuzzFilter cuts standard error with the line of the wrapper into pieces.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("before"), []byte("after"), "end", uint8(1))
	f.Add([]byte("//:TO"), []byte("//:TOK end 1\n"), "end", uint8(2))
	f.Fuzz(func(t *testing.T, before, after []byte, word string, step uint8) {
		mark := []byte("//:TOK ")
		if strings.ContainsAny(word, " \n") || len(word) > maxVerdict/2 || bytes.Contains(append(before, mark[:len(mark)-1]...), mark) {
			return
		}
		text := append(append(append([]byte{}, before...), (string(mark)+word+" 1\n")...), after...)
		var out bytes.Buffer
		var said []verdict
		fl := &filter{w: &out, mark: mark, said: func(v verdict) { said = append(said, v) }}
		for i := 0; i < len(text); i += 1 + int(step) {
			fl.Write(text[i:min(len(text), i+1+int(step))])
		}
		fl.flush()
		if len(said) != 1 || said[0] != (verdict{word, "1"}) {
			t.Errorf("%q says %q", text, said)
		}
		if want := string(before) + string(after); out.String() != want {
			t.Errorf("%q passes %q", text, out.String())
		}
	})
}
