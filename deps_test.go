package hutch_test

import (
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hutch-dev/hutch"

// imports is who may import what besides the standard library: a package that
// is not in the table may not exist, an import that is not in its row may not
// either. Names are relative to the module, "." is package hutch; others are
// whole import paths or, with a "/..." at the end, all below one.
var imports = map[string][]string{
	".":               {"internal/search"},
	"internal/search": {},
	"internal/diff":   {},
	"internal/relay":  {},
	"internal/jail":   {"internal/relay", "internal/search", "golang.org/x/sys/unix", "golang.org/x/sys/windows"},
	"backendtest":     {"."},
	"state":           {"."},
	"iofs":            {"."},
	"internal/rename": {},
	"internal/fake":   {"."}, // for tests
	"composite":       {".", "internal/search", "internal/rename"},
	"guard":           {".", "internal/rename"},
	"audit":           {".", "guard"}, // of guard the words alone
	"limit":           {".", "guard"}, // of guard the words alone
	"policy":          {".", "guard", "internal/search", "internal/diff", "mvdan.cc/sh/v3/syntax"},
	"internal/keep":   {".", "guard"},
	"job":             {".", "internal/keep"},
	"tool":            {".", "guard", "job", "internal/diff", "internal/keep", "github.com/google/jsonschema-go/jsonschema"},
	"local":           {".", "internal/jail", "golang.org/x/sys/unix"},
	"internal/wire":   {".", "internal/relay"},
	"remote":          {".", "internal/wire"},
	"session":         {"."},
	"workspaces":      {".", "docker", "local", "session", "state"},
	"server": {
		"limit", ".", "audit", "guard", "job", "session", "internal/diff", "internal/wire", "github.com/google/jsonschema-go/jsonschema",
		"go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes",
		"go.opentelemetry.io/otel/propagation",
	},
	"internal/shell":  {"."},
	"internal/helper": {".", "local", "internal/jail", "internal/wire", "golang.org/x/sys/unix"},
	"docker": {
		".", "internal/helper", "internal/search", "internal/shell", "internal/wire",
		"github.com/moby/moby/client", "github.com/moby/moby/api/...", "github.com/containerd/errdefs",
		"github.com/distribution/reference", "github.com/moby/moby/client/...",
	},
	"mcpserver": {
		".", "tool",
		"github.com/modelcontextprotocol/go-sdk/mcp", "github.com/modelcontextprotocol/go-sdk/jsonrpc",
	},
	"llm":                  {},
	"llm/internal/link":    {"llm"},
	"llm/internal/llmtest": {"llm"},
	"llm/anthropic":        {"llm", "llm/internal/link"},
	"llm/openai":           {"llm", "llm/internal/link"},
	"llm/gemini":           {"llm", "llm/internal/link"},
	"llm/models":           {"llm", "llm/anthropic", "llm/openai", "llm/gemini"},
	"llm/scripted":         {"llm"},
	"deepagent":            {".", "guard", "internal/keep", "job", "llm", "state", "tool"},
	"agentserver":          {".", "audit", "deepagent", "internal/keep", "llm", "server", "session", "tool"},
	"internal/show":        {"deepagent"},
	"internal/need":        {},
	"internal/page":        {},
	"internal/testbrowser": {"internal/need"},
	"internal/testroom":    {".", "internal/need", "local"},
	// Modules of their own, which the others do not see.
	"adapters/anthropic": {
		".", "tool", "github.com/anthropics/anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go/...",
	},
	"adapters/adk":       {".", "tool", "google.golang.org/adk/v2/...", "google.golang.org/genai"},
	"adapters/genkit":    {".", "tool", "github.com/firebase/genkit/go/..."},
	"examples/deepagent": {".", "local", "state", "docker", "composite", "deepagent", "llm", "llm/scripted"},
	// Modules of their own, which the others do not see.
	"adapters/eino": {
		".", "guard", "tool", "github.com/eino-contrib/jsonschema",
		"github.com/cloudwego/eino/...",
	},
	"adapters/fantasy":     {".", "tool", "charm.land/fantasy"},
	"adapters/langchaingo": {".", "tool", "github.com/tmc/langchaingo/..."},
	"adapters/trpc":        {".", "guard", "tool", "trpc.group/trpc-go/trpc-agent-go/..."},
	"adapters/anthropic/managed": {
		".", "tool", "adapters/anthropic", "github.com/anthropics/anthropic-sdk-go", "github.com/anthropics/anthropic-sdk-go/...",
	},
	"cmd/hutch": {
		"session", "workspaces", "agentserver", "internal/wire", "internal/page",
		"go.opentelemetry.io/otel/...",
		".", "docker", "state", "local", "composite", "iofs", "remote", "server", "internal/diff",
		"tool", "guard", "policy", "audit", "limit", "job", "mcpserver",
		"deepagent", "internal/show", "llm", "llm/models", "llm/scripted",
		"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/pelletier/go-toml/v2",
		"golang.org/x/term", "golang.org/x/sys/unix", "golang.org/x/sys/windows",
	},
}

// testImports may be imported by the tests of every package, next to all of
// this module.
var testImports = []string{
	"golang.org/x/sys/unix",
	"github.com/rogpeppe/go-internal/testscript",
	"github.com/modelcontextprotocol/go-sdk/mcp",
	"go.opentelemetry.io/otel/trace/noop",
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		pkg := path.Dir(filepath.ToSlash(file))
		seen[pkg] = true
		checkImports(t, pkg, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range imports {
		if !seen[pkg] {
			t.Errorf("the table has a row for %s, which is no package", pkg)
		}
	}
}

func checkImports(t *testing.T, pkg, file string) {
	allowed, ok := imports[pkg]
	if !ok {
		t.Errorf("%s: package %s is not in the table", file, pkg)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	isTest := strings.HasSuffix(file, "_test.go")
	for _, spec := range f.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value)
		if std(imp) {
			continue
		}
		name, own := relativeImport(imp)
		if slices.ContainsFunc(allowed, func(a string) bool { return covers(a, name) }) || isTest && (own || slices.Contains(testImports, name)) {
			continue
		}
		t.Errorf("%s imports %s, which its row in the table does not have", file, imp)
	}
}

// covers reports whether an entry of the table allows an import.
func covers(entry, name string) bool {
	below, ok := strings.CutSuffix(entry, "...")
	return entry == name || ok && strings.HasPrefix(name, below)
}

// relativeImport is an import path as the table has it.
func relativeImport(imp string) (name string, own bool) {
	if imp == module {
		return ".", true
	}
	return strings.CutPrefix(imp, module+"/")
}

func std(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// TestPureCore keeps cgo and build constraints out of the vocabulary: who
// imports it gets the same on every system.
func TestPureCore(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.CgoFiles)+len(p.IgnoredGoFiles) > 0 {
		t.Errorf("files not for every system: %v %v", p.CgoFiles, p.IgnoredGoFiles)
	}
}
