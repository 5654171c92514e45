package tool

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
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

func (c *console) near(ctx context.Context, name string) []string {
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

// distance is how many characters must be put in, taken out or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
