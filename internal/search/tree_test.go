//go:build unix

package search

import (
	"bytes"
	"context"
	"fmt"
	gobuild "go/build"
	"io"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// treePatterns are what is looked for in a large tree: one for each way through
// the engine.
var treePatterns = []string{
	`ErrNotExist`,
	`func \w+\(ctx context\.Context`,
	`(?i)errnotexist`,
	`[A-Z][a-z]+Error\b`,
	`ErrNotExist|fs\.SkipDir|bazqux`,
	`\w+\s*:=\s*range`,
	`^\s*// TODO\(`,
	`[a-z]+_[0-9]+_[a-z]+`,
	`\d{4}-\d\d-\d\d`,
	`^\s+\w+ = \w+$`,
}

func sourceTree(t testing.TB) string {
	dir := filepath.Join(gobuild.Default.GOROOT, "src")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the sources of Go are not installed")
	}
	return dir
}

// walkFiles gives all files below dir that are not hidden.
func walkFiles(dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { walkDir(dir, yield) }
}

func walkDir(dir string, yield func(string, error) bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return yield("", err)
	}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			if !walkDir(name, yield) {
				return false
			}
		case e.Type().IsRegular():
			if !yield(name, nil) {
				return false
			}
		}
	}
	return true
}

// rawFile reads without what os.File does for files that can block.
type rawFile int

func (f rawFile) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// grepTree counts the matching lines below dir.
func grepTree(t testing.TB, dir string, q *Query, workers int) (lines int) {
	work := func(_ context.Context, name string, emit func(string) bool) error {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		_, err = q.Reader(rawFile(fd), func(l Line) bool {
			return emit(name + ":" + strconv.Itoa(l.Number) + ":" + string(l.Text))
		})
		return err
	}
	for _, err := range Ordered(t.Context(), walkFiles(dir), workers, work) {
		must(t, err)
		lines++
	}
	return lines
}

func ripgrep(b testing.TB, dir, pattern string) int {
	if _, err := exec.LookPath("rg"); err != nil {
		b.Skip("rg is not installed")
	}
	out, err := exec.Command("rg", "-j2", "-n", "--no-ignore", "--", pattern, dir).Output()
	must(b, err)
	return bytes.Count(out, []byte("\n"))
}

// reportCPU adds the processor time used, which other load on the machine changes
// less than the time that has passed.
func reportCPU(b *testing.B, who int) func() {
	began := cpuTime(b, who)
	return func() { b.ReportMetric(float64(cpuTime(b, who)-began)/1e6/float64(b.N), "cpu-ms/op") }
}

func cpuTime(t testing.TB, who int) int64 {
	var u syscall.Rusage
	must(t, syscall.Getrusage(who, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkTree compares with rg, which has to find as many lines.
func BenchmarkTree(b *testing.B) {
	dir := sourceTree(b)
	for _, pattern := range treePatterns {
		counts := map[string]int{}
		b.Run("hutch/"+pattern, func(b *testing.B) {
			defer reportCPU(b, syscall.RUSAGE_SELF)()
			q := query(b, pattern, Query{})
			for b.Loop() {
				counts["hutch"] = grepTree(b, dir, q, 2)
			}
		})
		b.Run("rg/"+pattern, func(b *testing.B) {
			defer reportCPU(b, syscall.RUSAGE_CHILDREN)()
			for b.Loop() {
				counts["rg"] = ripgrep(b, dir, pattern)
			}
		})
		if len(counts) == 2 && counts["hutch"] != counts["rg"] {
			b.Errorf("%s: %v", pattern, counts)
		}
	}
}

// sources is all Go files of the tree, one after the other.
func sources(t testing.TB) []byte {
	var all []byte
	must(t, fs.WalkDir(os.DirFS(sourceTree(t)), ".", func(name string, d fs.DirEntry, err error) error {
		if !d.IsDir() && strings.HasSuffix(name, ".go") {
			data, err := os.ReadFile(filepath.Join(sourceTree(t), name))
			must(t, err)
			all = append(all, data...)
		}
		return err
	}))
	return all
}

// BenchmarkNext measures the engine alone.
func BenchmarkNext(b *testing.B) {
	data := sources(b)
	for _, pattern := range treePatterns {
		q := query(b, pattern, Query{})
		for name, run := range map[string]func() int{
			"next":  func() int { return countLines(q.Pattern, data) },
			"query": func() int { return q.Bytes(data, func(Line) bool { return true }).Matches },
		} {
			b.Run(name+"/"+pattern, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					run()
				}
			})
		}
	}
}

func countLines(p *Pattern, buf []byte) (n int) {
	for {
		_, end, ok := p.Next(buf)
		if !ok {
			return n
		}
		_, end = lineAt(buf, end)
		buf = buf[end:]
		n++
	}
}

// TestTree compares with package regexp on text that people wrote.
func TestTree(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("takes long")
	}
	data := sources(t)[:8<<20]
	for _, pattern := range treePatterns {
		p, err := Compile(pattern, Options{})
		must(t, err)
		re, got, want := regexp.MustCompile(pattern), fmt.Sprint(countLines(p, data)), 0
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if re.Match(bytes.TrimSuffix(line, []byte("\r"))) {
				want++
			}
		}
		if got != fmt.Sprint(want) {
			t.Errorf("%s: %s lines, want %d", pattern, got, want)
		}
	}
}
