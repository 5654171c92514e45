package tool

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
)

// maxNear is how many names that are almost right are suggested, out of the
// first maxNearLooked in the directory.
const (
	maxNear       = 3
	maxNearLooked = 5000
)

// missing is the error for a path that is not there, with the names in its
// directory that are almost right.
func (c *console) missing(ctx context.Context, what, name string) error {
	text := fmt.Sprintf("%s '%s' not found.", what, c.path(name))
	if near := c.near(ctx, name); len(near) > 0 {
		return mistakef("%s Did you mean %s?", text, strings.Join(near, " or "))
	}
	return mistakef("%s Check the path with ls or glob.", text)
}

// near looks on the tool's own account: nobody is asked for it.
func (c *console) near(ctx context.Context, name string) []string {
	ctx = guard.Unasked(ctx)
	type candidate struct {
		name string
		off  int
	}
	var all []candidate
	base := strings.ToLower(path.Base(name))
	looked := 0
	for i, err := range c.b.List(ctx, path.Dir(name)) {
		if looked++; err != nil || looked > maxNearLooked {
			break
		}
		if off, ok := likeness(base, strings.ToLower(path.Base(i.Name))); ok {
			all = append(all, candidate{i.Name, off})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.off - b.off })
	var near []string
	for _, n := range all[:min(len(all), maxNear)] {
		near = append(near, "'"+c.path(n.name)+"'")
	}
	return near
}

// likeness is how far two names are from each other, if they are close.
func likeness(a, b string) (int, bool) {
	if len(a) > 64 || len(b) > 64 {
		return 0, a == b
	}
	stem := func(s string) string { return strings.TrimSuffix(s, path.Ext(s)) }
	if stem(a) != "" && stem(a) == stem(b) {
		return 1, true
	}
	d := distance(a, b)
	return d, d <= max(1, len(a)/4)
}

// distance is how many characters must be put in, taken out, replaced, or swapped
// with the one beside.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d := 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			if a[i-1] == b[j-1] {
				d = rows[i-1][j-1]
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
