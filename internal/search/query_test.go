package search

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func query(t testing.TB, pattern string, q Query) *Query {
	t.Helper()
	p, err := Compile(pattern, Options{})
	must(t, err)
	q.Pattern = p
	return &q
}

// show writes a line as grep -n does, with the match in angle brackets.
func show(l Line) string {
	if l.Context {
		return fmt.Sprintf("%d-%s", l.Number, l.Text)
	}
	return fmt.Sprintf("%d:%s<%s>%s", l.Number, l.Text[:l.Start], l.Text[l.Start:l.End], l.Text[l.End:])
}

func TestQuery(t *testing.T) {
	tests := []struct {
		q       Query
		pattern string
		data    string
		want    string // separated by |
	}{
		{Query{}, "x", "", ""},
		{Query{}, "x", "a\nx\nb\nxx", "2:<x>|4:<x>x"},
		{Query{}, "x$", "ax\r\nx\r\n", "1:a<x>|2:<x>"},
		{Query{}, "^$", "\n\r\na\n", "1:<>|2:<>"},
		{Query{}, "^$", "a", ""},
		{Query{Before: 1}, "x", "1\n2\nx\n4\n", "2-2|3:<x>"},
		{Query{After: 1}, "x", "1\nx\n3\n4\n", "2:<x>|3-3"},
		{Query{Before: 2, After: 2}, "x", "1\nx\n3\n4\nx\n6", "1-1|2:<x>|3-3|4-4|5:<x>|6-6"},
		{Query{Before: 1, After: 1}, "x", "x\nx\n3\n4\n5\nx", "1:<x>|2:<x>|3-3|5-5|6:<x>"},
		{Query{Max: 1}, "x", "x\nx\n", "1:<x>"},
		{Query{Max: 2, After: 2}, "x", "x\na\nx\nx\nb\nx", "1:<x>|2-a|3:<x>|4-x|5-b"},
		{Query{Before: 9}, "x", "1\nx", "1-1|2:<x>"},
		{Query{}, "x", "x\x00", ""},
		{Query{}, "x", strings.Repeat("a", 8000) + "\x00x", "1:" + strings.Repeat("a", 8000) + "\x00<x>"},
	}
	for _, test := range tests {
		var got []string
		stats := query(t, test.pattern, test.q).Bytes([]byte(test.data), func(l Line) bool {
			got = append(got, show(l))
			return true
		})
		if s := strings.Join(got, "|"); s != test.want {
			t.Errorf("%q in %.40q with %+v: %.80s", test.pattern, test.data, test.q, s)
		}
		if stats.Matches != strings.Count(test.want, ":") || stats.Bytes != int64(len(test.data)) {
			t.Errorf("%q in %.40q: %+v", test.pattern, test.data, stats)
		}
	}
}

func TestQueryStats(t *testing.T) {
	data := []byte("x\nx\nx\n")
	all := func(Line) bool { return true }
	if s := query(t, "x", Query{}).Bytes(data, all); s.Stopped || s.Matches != 3 || s.Binary {
		t.Errorf("%+v", s)
	}
	if s := query(t, "x", Query{Max: 2}).Bytes(data, all); !s.Stopped || s.Matches != 2 {
		t.Errorf("with Max: %+v", s)
	}
	if s := query(t, "x", Query{}).Bytes(data, func(Line) bool { return false }); !s.Stopped || s.Matches != 1 {
		t.Errorf("stopped: %+v", s)
	}
	if s := query(t, "x", Query{}).Bytes([]byte("x\x00"), all); !s.Binary || s.Matches != 0 {
		t.Errorf("binary: %+v", s)
	}
}

func TestQueryCut(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, data := range []string{"x" + long, long + "x", long + "x" + long, "a\n" + long + "x" + long + "\r\nb"} {
		for maxLine := 1; maxLine < 60; maxLine++ {
			query(t, "x", Query{MaxLine: maxLine}).Bytes([]byte(data), func(l Line) bool {
				if !l.Cut || len(l.Text) > maxLine || string(l.Text[l.Start:l.End]) != "x" {
					t.Errorf("%d bytes of %.9q: %+v", maxLine, data, l)
				}
				if maxLine > 4 && len(l.Text) < maxLine-4 || strings.ContainsRune(string(l.Text), '\ufffd') {
					t.Errorf("%d bytes of %.9q: %q", maxLine, data, l.Text)
				}
				return true
			})
		}
	}
	query(t, "x+", Query{MaxLine: 10, Before: 1}).Bytes([]byte(long+"\n"+strings.Repeat("x", 50)), func(l Line) bool {
		if l.Context && (len(l.Text) != 10 || !l.Cut) || !l.Context && (l.Start != 0 || l.End != 10) {
			t.Errorf("%+v", l)
		}
		return true
	})
}

// checkReader compares Reader with Bytes.
func checkReader(t *testing.T, q *Query, data []byte, size int) {
	t.Helper()
	collect := func(got *[]string, stop int) func(Line) bool {
		return func(l Line) bool {
			*got = append(*got, fmt.Sprintf("%q %d %d %v %s", l.Text, l.Start, l.End, l.Cut, show(l)))
			return len(*got) != stop
		}
	}
	for _, stop := range []int{0, 1, 2} {
		var want, got []string
		wantStats := q.Bytes(data, collect(&want, stop))
		h := newHunt(q, collect(&got, stop))
		in := &input{hunt: h, r: iotest.HalfReader(bytes.NewReader(data)), buf: make([]byte, size)}
		must(t, in.search())
		if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
			t.Fatalf("pattern %q, %+v, buffer %d, data %q:\n%s\nin memory:\n%s", q.Pattern, q, size, data, a, b)
		}
		h.stats.Bytes, wantStats.Bytes = 0, 0
		if h.stats != wantStats {
			t.Fatalf("pattern %q, %+v, buffer %d, data %q: %+v, in memory %+v", q.Pattern, q, size, data, h.stats, wantStats)
		}
	}
}

func TestReaderRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed ", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3000 {
		var data []byte
		for range r.IntN(60) {
			data = append(data, []string{"a", "xy", "é", "\n", "\n", "\r\n", "xy\n", "aaaaaaaaaaaaaaaa", "\r", "世世世世"}[r.IntN(10)]...)
		}
		for range r.IntN(200) * r.IntN(2) {
			data = append(data, []string{"a", "a", "a", "é", "xy", "\r", "x", "aa\n"}[r.IntN(8)]...)
		}
		q := query(t, []string{"xy", "x.", "(?i)XY", "^a*$", "y$", "a", "aaxy"}[r.IntN(7)],
			Query{Before: r.IntN(4), After: r.IntN(4), Max: r.IntN(4), MaxLine: []int{0, 1, 2, 5, 10, 20}[r.IntN(6)]})
		for _, size := range []int{1, 7, 16, 100} {
			if isBinary(data) == isBinary(data[:min(len(data), size)]) {
				checkReader(t, q, data, size)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add("x", []byte("a\nx\r\nb\n"), uint8(1), uint8(1), uint8(0), uint8(0), uint8(4))
	f.Add("xy", []byte("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaxyaaaaaaaa"), uint8(1), uint8(1), uint8(2), uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, pattern string, data []byte, before, after, most, maxLine, size uint8) {
		p, err := Compile(pattern, Options{})
		if err != nil || len(pattern) > 50 || isBinary(data) {
			t.Skip()
		}
		q := &Query{Pattern: p, Before: int(before), After: int(after), Max: int(most), MaxLine: int(maxLine)}
		checkReader(t, q, data, int(size)+1)
	})
}

func TestReader(t *testing.T) {
	q := query(t, "needle", Query{Before: 1})
	line := strings.Repeat("hay ", 20) + "\n"
	data := strings.Repeat(line, 10000) + "a needle\n" + strings.Repeat(line, 10000) + "needle"
	var got []int
	stats, err := q.Reader(iotest.OneByteReader(strings.NewReader(data)), func(l Line) bool {
		got = append(got, l.Number)
		return true
	})
	if fmt.Sprint(got) != "[10000 10001 20001 20002]" || err != nil || stats.Matches != 2 || stats.Bytes != int64(len(data)) {
		t.Error(got, stats, err)
	}
}

func TestReaderErrors(t *testing.T) {
	bad := errors.New("bad")
	q := query(t, "x", Query{})
	for _, r := range []io.Reader{iotest.ErrReader(bad), io.MultiReader(strings.NewReader("x\nx"), iotest.ErrReader(bad))} {
		if _, err := q.Reader(r, func(l Line) bool { return l.Number == 1 }); err != bad {
			t.Error(err)
		}
	}
	if _, err := q.Reader(idle{}, nil); err != io.ErrNoProgress {
		t.Error(err)
	}
}

// idle is a reader that never reads anything.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// repeat reads a text n times.
type repeat struct {
	text string
	n    int64
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	total := 0
	for total < len(p) && r.n > 0 {
		n := copy(p[total:], r.text[r.at:])
		total += n
		if r.at += n; r.at == len(r.text) {
			r.at = 0
			r.n--
		}
	}
	if total == 0 && r.n == 0 {
		return 0, io.EOF
	}
	return total, nil
}

// TestReaderLongLine has one line that should not be held in memory.
func TestReaderLongLine(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() || raceEnabled {
		size = 64 << 20
	}
	half := func() io.Reader { return &repeat{text: strings.Repeat("hay ", 1<<14), n: size >> 17} }
	for _, pattern := range []string{"needle", "(?i)NEEDLE", "nothing"} {
		q := query(t, pattern, Query{After: 1})
		var got []string
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		stats, err := q.Reader(io.MultiReader(half(), strings.NewReader("needle"), half(), strings.NewReader("\nneedle\n")), func(l Line) bool {
			got = append(got, fmt.Sprintf("%d %v %d %s", l.Number, l.Cut, len(l.Text), l.Text[l.Start:l.End]))
			return true
		})
		runtime.ReadMemStats(&after)
		want := "[1 true 65536 needle 2 false 6 needle]"
		if pattern == "nothing" {
			want = "[]"
		}
		if err != nil || fmt.Sprint(got) != want || stats.Bytes < size {
			t.Errorf("%s: %v %+v %v", pattern, got, stats, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: %d bytes of memory", pattern, used)
		}
	}
}
