package llmtest

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
)

// Fuzz feeds m with anything: it must not panic, must end with a reply or an error,
// its parts must be those of its reply, and no reply comes from a stream in which
// none of the marks is that only a whole answer has.
func Fuzz(f *testing.F, m func(t testing.TB, client *http.Client) llm.Model, cases []Case, marks ...string) {
	for _, c := range cases {
		f.Add([]byte(stream(c.Events, "\n")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := ask(t, m(t, canned(bytes.NewReader(data))), t.Context())
		if (reply == nil) == (err == nil) {
			t.Fatalf("%v and %v", reply, err)
		}
		if reply != nil && plainASCII(data) && !marked(data, marks) {
			t.Fatalf("a reply without an end: %s", Encode(reply))
		}
	})
}

// plainASCII reports whether data says what it says without other ways to write a
// letter.
func plainASCII(data []byte) bool {
	return !bytes.ContainsFunc(data, func(r rune) bool { return r >= 0x80 || r == '\\' })
}

func marked(data []byte, marks []string) bool {
	data = bytes.ToLower(data)
	for _, m := range marks {
		if bytes.Contains(data, bytes.ToLower([]byte(m))) {
			return true
		}
	}
	return false
}
