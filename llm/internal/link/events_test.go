package link

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// all is every event of data, and the error at the end.
func all(r io.Reader) (list []Event, err error) {
	e := NewEvents(r)
	for {
		ev, err := e.Next()
		if err != nil {
			return list, err
		}
		list = append(list, ev)
	}
}

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // name=data
	}{
		{"", nil},
		{"data: a\n\n", []string{"=a"}},
		{"data:a\n\n", []string{"=a"}},
		{"data:  a\n\n", []string{"= a"}},
		{"data\n\n", []string{"="}},
		{"data: a", nil},
		{"data: a\n", nil},
		{"data: a\r\n\r\ndata: b\r\rdata: c\n\n", []string{"=a", "=b", "=c"}},
		{"data: a\r\n\ndata: b\r\n\r\n", []string{"=a", "=b"}},
		{"event: x\ndata: a\n\ndata: b\n\n", []string{"x=a", "=b"}},
		{"event: x\n\ndata: b\n\n", []string{"=b"}},
		{"event: x\r\ndata: a\r\ndata: b\r\n\r\n", []string{"x=a\nb"}},
		{"data: a\nevent: x\ndata: b\n\n", []string{"x=a\nb"}},
		{"data: a\ndata\ndata:\n\n", []string{"=a\n\n"}},
		{": no\n:\nid: 1\nretry: 2\ndatum: x\ndata : x\n\n", nil},
		{"\xef\xbb\xbfdata: a\n\n", []string{"=a"}},
		{"\n\xef\xbb\xbfdata: a\n\n", nil},
		{"data: a:b\n\n", []string{"=a:b"}},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			list, err := all(r)
			var got []string
			for _, ev := range list {
				got = append(got, ev.Name+"="+string(ev.Data))
			}
			if err != io.EOF || strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("%q: %q %v, not %q", c.in, got, err, c.want)
			}
		}
	}
}

func TestEventLimits(t *testing.T) {
	line := "data: " + strings.Repeat("x", maxEvent/2) + "\n"
	if list, err := all(strings.NewReader(line + "\n" + line + "\n")); err != io.EOF || len(list) != 2 {
		t.Error(len(list), err)
	}
	if _, err := all(strings.NewReader(line + line + line + "\n")); err != errEvent {
		t.Error(err)
	}
	if _, err := all(strings.NewReader("data: " + strings.Repeat("x", maxEvent+1))); err != errEvent {
		t.Error(err)
	}
}

// slow is the same parser, as the standard tells it, without care for speed.
func slow(data []byte) (list []Event) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	s := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(s, "\n")
	var name string
	var buf []string
	for _, line := range lines[:len(lines)-1] {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if len(buf) > 0 {
				list = append(list, Event{name, []byte(strings.Join(buf, "\n"))})
			}
			name, buf = "", nil
		case field == "event":
			name = value
		case field == "data":
			buf = append(buf, value)
		}
	}
	return list
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: x\r\ndata: a\rdata: b\n\n: c\n"), 3)
	f.Add([]byte("\xef\xbb\xbfdata: a\n\r\n\r"), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		cut := 0
		if len(data) > 0 {
			cut = max(n, -n, 0) % len(data)
		}
		got, err := all(io.MultiReader(bytes.NewReader(data[:cut]), bytes.NewReader(data[cut:])))
		want := slow(data)
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("%v: %d events, not %d", err, len(got), len(want))
		}
		for i := range got {
			if got[i].Name != want[i].Name || !bytes.Equal(got[i].Data, want[i].Data) {
				t.Errorf("%d: %q, not %q", i, got[i], want[i])
			}
		}
	})
}

func BenchmarkEvents(b *testing.B) {
	event := "event: content_block_delta\ndata: " + strings.Repeat("x", 120) + "\n\n"
	data := strings.Repeat(event, 10_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if list, err := all(strings.NewReader(data)); err != io.EOF || len(list) != 10_000 {
			b.Fatal(err)
		}
	}
}
