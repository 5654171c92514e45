package hutch_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

func TestCapture(t *testing.T) {
	c := hutch.Capture{Max: 10}
	fmt.Fprint(&c, "abc")
	if got := c.String(); got != "abc" || c.Dropped() != 0 || c.Len() != 3 {
		t.Errorf("short output: %q, dropped %d, length %d", got, c.Dropped(), c.Len())
	}
	fmt.Fprint(&c, "defghij")
	if got := c.String(); got != "abcdefghij" {
		t.Errorf("output that just fits: %q", got)
	}
	fmt.Fprint(&c, "klmnop")
	if got, want := c.String(), "abcde\n... (6 bytes dropped) ...\nlmnop"; got != want || c.Dropped() != 6 {
		t.Errorf("long output: %q, want %q; dropped %d", got, want, c.Dropped())
	}
}

func TestCaptureCutsCharacters(t *testing.T) {
	c := hutch.Capture{Max: 5}
	fmt.Fprint(&c, "ééééé")
	if got := c.String(); strings.ContainsRune(got, 0) || !strings.HasPrefix(got, "é") {
		t.Errorf("%q", got)
	}
}

func FuzzCapture(f *testing.F) {
	f.Add(10, []byte("hello, world, this is long"), 3)
	f.Fuzz(func(t *testing.T, most int, data []byte, step int) {
		if most < 0 || most > 1000 || step < 1 {
			return
		}
		c := hutch.Capture{Max: most}
		for part := range chunks(data, step) {
			c.Write(part)
		}
		keep := most
		if keep == 0 {
			keep = hutch.DefaultCapture
		}
		want := data
		if d := len(data) - keep; d > 0 {
			head, tail := data[:keep/2], data[len(data)-(keep-keep/2):]
			want = fmt.Appendf(bytes.Clone(head), "\n... (%d bytes dropped) ...\n%s", d, tail)
		}
		if got := c.Bytes(); !bytes.Equal(got, want) {
			t.Fatalf("kept %q of %q, want %q", got, data, want)
		}
	})
}

func chunks(data []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			k := min(n, len(data))
			if !yield(data[:k]) {
				return
			}
			data = data[k:]
		}
	}
}

func TestShell(t *testing.T) {
	if got := hutch.Shell("echo $(x)").Args; len(got) != 3 || got[0] != "sh" || got[2] != "echo $(x)" {
		t.Errorf("%q", got)
	}
}
