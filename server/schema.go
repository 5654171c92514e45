package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

// kinds are the types whose JSON is not what their kind says.
var kinds = map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
	reflect.TypeFor[[]byte]():          {Type: "string", ContentEncoding: "base64"},
	reflect.TypeFor[json.RawMessage](): {},
}

// schemaOf is the schema of a value of a route, whole.
func schemaOf(v any) (*jsonschema.Schema, error) {
	return jsonschema.ForType(reflect.TypeOf(v), &jsonschema.ForOptions{TypeSchemas: kinds})
}

// schemas are the schemas of a document by their names.
type schemas struct {
	all   map[string]*jsonschema.Schema
	names map[reflect.Type]string
}

func newSchemas() *schemas {
	return &schemas{all: map[string]*jsonschema.Schema{}, names: map[reflect.Type]string{}}
}

// of is a schema of t that refers to those of the structures in it.
func (s *schemas) of(t reflect.Type) (*jsonschema.Schema, error) {
	if err := s.add(t, map[reflect.Type]bool{}); err != nil {
		return nil, err
	}
	return jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.refs(nil)})
}

// add adds the structures in t.
func (s *schemas) add(t reflect.Type, within map[reflect.Type]bool) error {
	if _, ok := kinds[t]; ok || within[t] {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return s.add(t.Elem(), within)
	case reflect.Struct:
	default:
		return nil
	}
	within[t] = true
	defer delete(within, t)
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		if err := s.add(f.Type, within); err != nil {
			return err
		}
	}
	if t.Name() == "" || s.names[t] != "" {
		return nil
	}
	return s.name(t)
}

// name adds one structure, all that is in it being there.
func (s *schemas) name(t reflect.Type) error {
	x, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.refs(t)})
	if err != nil {
		return fmt.Errorf("%v: %w", t, err)
	}
	name := upper(t.Name())
	if s.all[name] != nil {
		name = upper(path.Base(t.PkgPath())) + name
	}
	if s.all[name] != nil {
		return fmt.Errorf("%v: there are two types of that name", t)
	}
	tidy(x)
	s.names[t], s.all[name] = name, x
	return nil
}

// refs are references to all structures but t and what is embedded in it.
func (s *schemas) refs(t reflect.Type) map[reflect.Type]*jsonschema.Schema {
	refs := maps.Clone(kinds)
	for x, name := range s.names {
		refs[x] = &jsonschema.Schema{Ref: "#/components/schemas/" + name}
	}
	if t == nil {
		return refs
	}
	delete(refs, t)
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			delete(refs, f.Type)
		}
	}
	return refs
}

// tidy takes from references what a pointer adds to them: no answer has a null there.
func tidy(x *jsonschema.Schema) {
	if x == nil {
		return
	}
	if x.Ref != "" {
		x.Types = nil
	}
	for _, p := range x.Properties {
		tidy(p)
	}
	tidy(x.Items)
	tidy(x.AdditionalProperties)
}

// upper is a name that begins with a capital letter.
func upper(name string) string {
	first, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + strings.ReplaceAll(name[n:], "[", "")
}
