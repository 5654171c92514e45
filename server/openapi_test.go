package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/openapi.json")

// TestOpenAPI compares the document with the one that is kept: a change of the API
// is a change that somebody chose.
func TestOpenAPI(t *testing.T) {
	f := serving(t, nil)
	got := f.s.OpenAPI()
	const file = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the document is not that of %s; go test -run TestOpenAPI -update writes it", file)
	}
}

// TestOpenAPISound checks what can be wrong in a document.
func TestOpenAPISound(t *testing.T) {
	f := serving(t, echo)
	var doc map[string]any
	if err := json.Unmarshal(f.s.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	refs(t, doc, doc)
	ids := map[string]bool{}
	paths := doc["paths"].(map[string]any)
	for p, item := range paths {
		for method, op := range item.(map[string]any) {
			checkOp(t, p, method, op.(map[string]any), ids)
		}
	}
	for _, r := range append(tables(), f.s.o.More...) {
		p := strings.ReplaceAll(r.path(), "...}", "}")
		op, _ := paths[p].(map[string]any)[strings.ToLower(r.Method)].(map[string]any)
		if op["operationId"] != r.Name {
			t.Errorf("%s is not in the document", r.pattern())
		}
		if r.Doc == "" || !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: doc %q", r.pattern(), r.Doc)
		}
	}
	for _, p := range []string{"/healthz", "/readyz", "/openapi.json", "/metrics"} {
		if paths[p] == nil {
			t.Errorf("%s is not in the document", p)
		}
	}
}

var inPath = regexp.MustCompile(`\{([^}]*)\}`)

// checkOp checks that an operation has what it must have.
func checkOp(t *testing.T, p, method string, op map[string]any, ids map[string]bool) {
	id, _ := op["operationId"].(string)
	if id == "" || ids[id] {
		t.Errorf("%s %s: operationId %q is missing or there twice", method, p, id)
	}
	ids[id] = true
	if s, _ := op["summary"].(string); s == "" {
		t.Errorf("%s: no summary", id)
	}
	if r, _ := op["responses"].(map[string]any); len(r) == 0 {
		t.Errorf("%s: no responses", id)
	}
	var declared, wanted []string
	params, _ := op["parameters"].([]any)
	for _, x := range params {
		if m := x.(map[string]any); m["in"] == "path" {
			declared = append(declared, m["name"].(string))
			if m["required"] != true {
				t.Errorf("%s: %s is not required", id, m["name"])
			}
		}
	}
	for _, m := range inPath.FindAllStringSubmatch(p, -1) {
		wanted = append(wanted, m[1])
	}
	if !slices.Equal(declared, wanted) {
		t.Errorf("%s: declares %q of %q", id, declared, wanted)
	}
}

// refs checks that every reference leads to something.
func refs(t *testing.T, doc map[string]any, x any) {
	switch x := x.(type) {
	case []any:
		for _, y := range x {
			refs(t, doc, y)
		}
	case map[string]any:
		if r, ok := x["$ref"].(string); ok && !leads(doc, r) {
			t.Errorf("%s leads nowhere", r)
		}
		for _, y := range x {
			refs(t, doc, y)
		}
	}
}

func leads(doc map[string]any, ref string) bool {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return false
	}
	var at any = doc
	for part := range strings.SplitSeq(rest, "/") {
		m, _ := at.(map[string]any)
		if at = m[part]; at == nil {
			return false
		}
	}
	return true
}
