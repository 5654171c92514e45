package docker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/jsonstream"
)

// proto writes a field of a protocol buffer: a string or a number.
func proto(number int, value any) []byte {
	if n, ok := value.(int); ok {
		return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3), uint64(n))
	}
	data := value.(string)
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|2), uint64(len(data))), data...)
}

func message(fields ...[]byte) string { return string(bytes.Join(fields, nil)) }

func TestTrace(t *testing.T) {
	time := message(proto(1, 1700000000), proto(2, 5))
	data := message(
		proto(1, message(proto(1, "d1"), proto(2, "input"), proto(3, "[1/2] FROM a"), proto(4, 1), proto(5, time), proto(6, time))),
		proto(2, message(proto(1, "status"), proto(4, 300), []byte{9<<3 | 1, 1, 2, 3, 4, 5, 6, 7, 8}, []byte{9<<3 | 5, 1, 2, 3, 4})),
		proto(1, message(proto(1, "d2"), proto(3, "[2/2] RUN x"), proto(7, "it broke"))),
		proto(3, message(proto(1, "d2"), proto(2, time), proto(3, 2), proto(4, "line\n"))),
		proto(99, "later"),
	)
	got, err := parseTrace([]byte(data))
	want := trace{
		vertexes: []vertex{{digest: "d1", name: "[1/2] FROM a", cached: true, started: true}, {digest: "d2", name: "[2/2] RUN x", fault: "it broke"}},
		logs:     []vertexLog{{"d2", "line\n"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"\x0a\x05ab", "\x0a", "\xff", "\x0b", "\x09\x01", "\x0d\x01", "\x08", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x0a\x01\xff"} {
		if _, err := parseTrace([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzTrace(f *testing.F) {
	f.Add([]byte(message(proto(1, message(proto(1, "d"), proto(3, "[1/1] FROM a"), proto(5, ""))), proto(3, message(proto(1, "d"), proto(4, "x"))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, _ := json.Marshal(data)
		raw := json.RawMessage(text)
		var out bytes.Buffer
		l := &kitLog{buildLog: &buildLog{progress: &out}, file: examples()["pip"].instructions(true)}
		for range 2 {
			if err := l.message(jsonstream.Message{ID: "moby.buildkit.trace", Aux: &raw}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestKitLog: what BuildKit calls a step is told in the words of the runtime.
func TestKitLog(t *testing.T) {
	var out bytes.Buffer
	l := &kitLog{buildLog: &buildLog{progress: &out}, file: examples()["pip"].instructions(true)}
	say := func(fields ...[]byte) {
		text, _ := json.Marshal([]byte(message(fields...)))
		raw := json.RawMessage(text)
		if err := l.message(jsonstream.Message{ID: "moby.buildkit.trace", Aux: &raw}); err != nil {
			t.Fatal(err)
		}
	}
	step := func(digest, name string, more ...[]byte) []byte {
		return proto(1, message(append([][]byte{proto(1, digest), proto(3, name), proto(5, "")}, more...)...))
	}
	say(step("0", "[internal] load build definition"), step("1", "[1/7] FROM docker.io/library/python"))
	say(step("1", "[1/7] FROM docker.io/library/python", proto(4, 1)))
	say(step("2", "[2/7] RUN [...]"), step("3", "[3/7] RUN [...]"))
	say(proto(3, message(proto(1, "2"), proto(4, "of 2\nbegun"))), proto(3, message(proto(1, "3"), proto(4, "of 3\n"))))
	say(step("6", "[6/7] RUN --mount"), step("7", "[7/7] WORKDIR /workspace"), step("8", "[8/8] COPY x"))
	say(step("9", "exporting to image"))
	want := `[1/7] FROM python:3.12-slim
  cached
[2/7] make the user and /workspace
[3/7] echo "$HOME" 'a' \
[2/7] make the user and /workspace
  | of 2
  | begun
[3/7] echo "$HOME" 'a' \
  | of 3
[6/7] pip install 'pandas>=2.0' 'a[b] >= 1, <2'
[7/7] WORKDIR /workspace
[8/8] COPY x
exporting to image
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

func TestBuildLog(t *testing.T) {
	var out bytes.Buffer
	l := &buildLog{progress: &out}
	l.begin("step")
	for _, piece := range []string{"a", "b\nbar 1\rbar 2\r", "bar 3\r\n\n", "x\r", "y", "ü\xff"} {
		l.output(piece)
	}
	l.begin("next")
	if want := "step\n  | ab\n  | bar 3\n  | yü\xff\nnext\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	l.output(strings.Repeat("long", 40<<10))
	if len(l.open) > 0 || len(l.last) != 1 || len(l.last[0]) > keptLine+len("…") {
		t.Errorf("%d bytes are kept of a line without an end", len(l.open))
	}
}

// TestReason: what the builders repeat of a command, however long, is left out.
func TestReason(t *testing.T) {
	long := strings.Repeat("echo 'a]: b'; ", 100)
	for text, want := range map[string]string{
		"The command '/bin/sh -c " + long + "' returned a non-zero code: 3":                                              "exit status 3",
		"executor failed running [/bin/sh -ec " + long + "]: exit code: 100":                                             "exit status 100",
		"failed to solve: process \"/bin/sh -c " + long + "\" did not complete successfully: exit code: 1":               "exit status 1",
		"executor failed running [/bin/sh -ec " + long + "]: network bridge not found":                                   "network bridge not found",
		"failed to solve with frontend dockerfile.v0: process \"" + long + "\" did not complete successfully: cancelled": "cancelled",
		"no space left on device\nmore": "no space left on device",
	} {
		if got := reason(errors.New(text)).Error(); got != want {
			t.Errorf("%.80s: %q", text, got)
		}
	}
}
