package docker

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

const (
	debianPython = "python:3.12-slim"
	debianNode   = "node:20-slim"
)

// builtin is the table of runtimes that everybody has. None names a network:
// that one is reached is asked for by whoever opens the sandbox.
var builtin = []Runtime{
	{
		Name: "coding", Description: "Python, git and the tools that coding agents reach for",
		Base: debianPython, Manager: managerApt,
		Packages: []string{"git", "curl", "ca-certificates", "ripgrep", "fd-find", "jq", "less", "procps"},
		Setup: []string{
			"ln -s /usr/bin/fdfind /usr/local/bin/fd",
			"pip install --no-cache-dir uv",
		},
		Memory: 1 << 30, CPUs: 2,
	},
	{
		Name: "polyglot", Description: "Python with numpy, duckdb, polars and httpx, next to Node with npm",
		Base: debianPython,
		Setup: []string{
			"apt-get update && apt-get install -y --no-install-recommends curl ca-certificates git nodejs npm && apt-get clean && rm -rf /var/lib/apt/lists/*",
			"npm install --global npm@10 && npm cache clean --force",
		},
		Packages: []string{"numpy", "duckdb", "polars", "httpx"},
		Memory:   1 << 30, CPUs: 2,
	},
	{
		Name: "python-minimal", Description: "Python 3.12 and nothing else",
		Image: debianPython, Memory: 1 << 30, CPUs: 1,
	},
	{
		Name: "python-datascience", Description: "Python with pandas, numpy, matplotlib, scikit-learn and seaborn",
		Base:     debianPython,
		Packages: []string{"pandas", "numpy", "matplotlib", "scikit-learn", "seaborn"},
		Memory:   4 << 30, CPUs: 2,
	},
	{
		Name: "python-analytics", Description: "Python with duckdb, polars and pyarrow",
		Base:     debianPython,
		Packages: []string{"duckdb", "polars", "pyarrow"},
		Memory:   1 << 30, CPUs: 2,
	},
	{
		Name: "python-web", Description: "Python with fastapi, uvicorn, sqlalchemy and httpx",
		Base:     debianPython,
		Packages: []string{"fastapi", "uvicorn", "sqlalchemy", "httpx"},
	},
	{
		Name: "python-scraping", Description: "Python with httpx, beautifulsoup4, lxml and markdownify",
		Base:     debianPython,
		Packages: []string{"httpx", "beautifulsoup4", "lxml", "markdownify"},
		Memory:   1 << 30,
	},
	{
		Name: "python-documents", Description: "Python with pypdf, python-docx, openpyxl and pillow",
		Base:     debianPython,
		Packages: []string{"pypdf", "python-docx", "openpyxl", "pillow"},
		Memory:   2 << 30,
	},
	{
		Name: "node-minimal", Description: "Node 20 and nothing else",
		Image: debianNode, WorkDir: "/app", Memory: 1 << 30,
	},
	{
		Name: "node-typescript", Description: "Node with typescript, tsx and vitest",
		Base: debianNode, Manager: managerNpm,
		Packages: []string{"typescript", "tsx", "vitest"},
		WorkDir:  "/app", Memory: 2 << 30,
	},
	{
		Name: "node-react", Description: "Node with typescript, vite and react",
		Base: debianNode, Manager: managerNpm,
		Packages: []string{"typescript", "vite", "react", "react-dom", "@types/react"},
		WorkDir:  "/app",
	},
	{
		Name: "bun", Description: "Bun",
		Image: "oven/bun:1-slim", WorkDir: "/app",
	},
	{
		Name: "deno", Description: "Deno",
		Image: "denoland/deno:alpine", WorkDir: "/app",
	},
	{
		Name: "go", Description: "Go 1.23",
		Image: "golang:1.23-alpine", WorkDir: "/src", Memory: 2 << 30, CPUs: 2,
	},
	{
		Name: "rust", Description: "Rust with cargo",
		Image: "rust:1-slim", WorkDir: "/src", Memory: 4 << 30, CPUs: 2,
	},
}

// Runtimes are the built-in runtimes, sorted by name. The slice and all in it
// are the caller's.
func Runtimes() []Runtime {
	all := make([]Runtime, 0, len(builtin))
	for _, r := range builtin {
		all = append(all, r.clone())
	}
	slices.SortFunc(all, func(a, b Runtime) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Catalog holds runtimes by their names.
type Catalog map[string]Runtime

// NewCatalog makes a catalog of the built-in runtimes and own ones, which take
// the place of built-in ones of the same name. What Check refuses, and a name
// that own has twice, is an error.
func NewCatalog(own ...Runtime) (Catalog, error) {
	c := Catalog{}
	for _, r := range Runtimes() {
		c[r.Name] = r
	}
	seen := map[string]bool{}
	for _, r := range own {
		if err := r.Check(); err != nil {
			return nil, err
		}
		if seen[r.Name] {
			return nil, fmt.Errorf("runtime %q is there twice", r.Name)
		}
		seen[r.Name] = true
		c[r.Name] = r.clone()
	}
	return c, nil
}

// Find is the runtime called name. If there is none the error matches
// fs.ErrNotExist and names those that there are, and the one that was probably
// meant.
func (c Catalog) Find(name string) (Runtime, error) {
	if r, ok := c[name]; ok {
		return r.clone(), nil
	}
	names := slices.Sorted(maps.Keys(c))
	text := fmt.Sprintf("there is no runtime %q", name)
	if near := nearest(name, names); near != "" {
		text += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return Runtime{}, &causeError{text + "; known are " + strings.Join(names, ", "), []error{fs.ErrNotExist}}
}

// All are the runtimes of the catalog, sorted by name.
func (c Catalog) All() []Runtime {
	all := make([]Runtime, 0, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		all = append(all, c[name].clone())
	}
	return all
}

// nearest is the one of names that name was probably meant to be, or "": the
// one with fewest letters to change, at most a third of them, or else the only
// one that begins with it.
func nearest(name string, names []string) string {
	best, least := "", len(name)/3+1
	var begin []string
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
		if name != "" && strings.HasPrefix(n, name) {
			begin = append(begin, n)
		}
	}
	if best == "" && len(begin) == 1 {
		best = begin[0]
	}
	return best
}

// distance is how many letters must be changed, added or removed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}
