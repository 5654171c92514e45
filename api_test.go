package hutch_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestAPI keeps the exported API of every public package in testdata/api.txt:
// a change of it is a diff that somebody chose. go test -run TestAPI -update
// writes the file.
func TestAPI(t *testing.T) {
	var out bytes.Buffer
	for _, pkg := range publicPackages() {
		writeAPI(t, &out, pkg)
	}
	const golden = "testdata/api.txt"
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")
	for _, l := range wantLines {
		if !slices.Contains(gotLines, l) {
			t.Errorf("gone from the API: %s", l)
		}
	}
	for _, l := range gotLines {
		if !slices.Contains(wantLines, l) {
			t.Errorf("new in the API: %s", l)
		}
	}
	if !t.Failed() && !bytes.Equal(want, out.Bytes()) {
		t.Error("the API is in another order; run with -update")
	}
}

func publicPackages() []string {
	var all []string
	for pkg := range imports {
		if !strings.Contains("/"+pkg, "/internal/") && !strings.HasPrefix(pkg, "cmd/") {
			all = append(all, pkg)
		}
	}
	slices.Sort(all)
	return all
}

// writeAPI prints one line for every exported identifier, field and method.
func writeAPI(t *testing.T, out *bytes.Buffer, dir string) {
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, module)
	if err != nil {
		t.Fatal(err)
	}
	a := api{out: out, fset: fset, pkg: dir}
	if dir == "." {
		a.pkg = p.Name
	}
	a.values(p.Consts)
	a.values(p.Vars)
	a.funcs(p.Funcs)
	for _, typ := range p.Types {
		a.types(typ)
	}
}

type api struct {
	out  *bytes.Buffer
	fset *token.FileSet
	pkg  string
}

func (a api) line(n ast.Node) {
	var b bytes.Buffer
	printer.Fprint(&b, a.fset, n)
	fmt.Fprintf(a.out, "%s: %s\n", a.pkg, strings.Join(strings.Fields(b.String()), " "))
}

func (a api) values(vals []*doc.Value) {
	for _, v := range vals {
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			for _, n := range s.Names {
				if n.IsExported() {
					fmt.Fprintf(a.out, "%s: %s %s\n", a.pkg, v.Decl.Tok, n.Name)
				}
			}
		}
	}
}

func (a api) funcs(funcs []*doc.Func) {
	for _, f := range funcs {
		f.Decl.Doc, f.Decl.Body = nil, nil
		a.line(f.Decl)
	}
}

func (a api) types(typ *doc.Type) {
	a.values(typ.Consts)
	a.values(typ.Vars)
	for _, spec := range typ.Decl.Specs {
		a.typeSpec(spec.(*ast.TypeSpec))
	}
	a.funcs(typ.Funcs)
	a.funcs(typ.Methods)
}

func (a api) typeSpec(s *ast.TypeSpec) {
	switch t := s.Type.(type) {
	case *ast.StructType:
		fmt.Fprintf(a.out, "%s: type %s struct\n", a.pkg, s.Name.Name)
		a.members(s.Name.Name, t.Fields)
	case *ast.InterfaceType:
		fmt.Fprintf(a.out, "%s: type %s interface\n", a.pkg, s.Name.Name)
		a.members(s.Name.Name, t.Methods)
	default:
		s.Doc, s.Comment = nil, nil
		fmt.Fprintf(a.out, "%s: type ", a.pkg)
		var b bytes.Buffer
		printer.Fprint(&b, a.fset, s)
		fmt.Fprintln(a.out, strings.Join(strings.Fields(b.String()), " "))
	}
}

func (a api) members(owner string, fields *ast.FieldList) {
	for _, f := range fields.List {
		var typ bytes.Buffer
		printer.Fprint(&typ, a.fset, f.Type)
		text := strings.Join(strings.Fields(typ.String()), " ")
		if len(f.Names) == 0 {
			fmt.Fprintf(a.out, "%s: %s: %s\n", a.pkg, owner, text)
		}
		for _, n := range f.Names {
			if n.IsExported() {
				fmt.Fprintf(a.out, "%s: %s.%s %s\n", a.pkg, owner, n.Name, strings.TrimPrefix(text, "func"))
			}
		}
	}
}
