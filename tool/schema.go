package tool

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// schema is the JSON Schema of a Go type. Beside what the library reads from
// the types and from `json` and `jsonschema` (the description), the tags of a
// field say
//
//	default:"2000"  what an argument that is left out is
//	min:"0" max:"9" the range of a number, or of the length of a list
//	enum:"a,b,c"    the only strings there are
//
// A field with "omitempty" in its json tag is optional. [decode] holds
// arguments to the same tags.
type schema struct {
	s   *jsonschema.Schema
	raw json.RawMessage
}

var schemas sync.Map // of reflect.Type to schema

// schemaOf derives the schema of T. It panics for a type that has none, which
// every test that makes the tools would see.
func schemaOf[T any]() schema {
	t := reflect.TypeFor[T]()
	if s, ok := schemas.Load(t); ok {
		return s.(schema)
	}
	s, err := jsonschema.ForType(t, nil)
	if err != nil {
		panic(err)
	}
	refine(s, t)
	made := encoded(s)
	schemas.Store(t, made)
	return made
}

// refine adds what the tags say. "null" goes: a list is never null here, and an
// optional argument is left out, though decode also takes null for that.
func refine(s *jsonschema.Schema, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	switch t.Kind() {
	case reflect.Slice:
		refine(s.Items, t.Elem())
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			p := s.Properties[f.name]
			refine(p, f.Type)
			f.refine(p)
		}
	}
}

func (f field) refine(s *jsonschema.Schema) {
	if d, ok := f.Tag.Lookup("default"); ok {
		s.Default = f.literal(d)
	}
	if f.min != nil || f.max != nil {
		if s.Type == "array" {
			s.MinItems, s.MaxItems = f.min, f.max
			return
		}
		s.Minimum, s.Maximum = float(f.min), float(f.max)
	}
	for _, v := range f.enum {
		s.Enum = append(s.Enum, v)
	}
}

func float(i *int) *float64 {
	if i == nil {
		return nil
	}
	f := float64(*i)
	return &f
}

// with is the schema with other descriptions and defaults of some properties.
func (s schema) with(texts, defaults map[string]string) schema {
	if len(texts)+len(defaults) == 0 {
		return s
	}
	c := s.s.CloneSchemas()
	for name, text := range texts {
		if p, ok := c.Properties[name]; ok {
			p.Description = text
		}
	}
	for name, value := range defaults {
		c.Properties[name].Default = json.RawMessage(value)
	}
	return encoded(c)
}

func encoded(s *jsonschema.Schema) schema {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // made of our own types alone
	}
	return schema{s, raw}
}

// field is one argument, or one part of a result.
type field struct {
	reflect.StructField
	name     string
	optional bool
	min, max *int
	enum     []string
}

var fields sync.Map // of reflect.Type to []field

// fieldsOf are the fields of a struct, those of embedded structs included.
func fieldsOf(t reflect.Type) []field {
	if all, ok := fields.Load(t); ok {
		return all.([]field)
	}
	var all []field
	for _, sf := range reflect.VisibleFields(t) {
		name, opts, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous || !sf.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("tool: field %s of %s has no json tag", sf.Name, t))
		}
		f := field{StructField: sf, name: name, optional: strings.Contains(opts, "omitempty")}
		f.min, f.max = number(sf, "min"), number(sf, "max")
		if e := sf.Tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		all = append(all, f)
	}
	fields.Store(t, all)
	return all
}

func number(sf reflect.StructField, tag string) *int {
	v, ok := sf.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		panic(fmt.Sprintf("tool: tag %s of %s: %v", tag, sf.Name, err))
	}
	return &n
}

// literal is the value of a default tag as JSON.
func (f field) literal(tag string) json.RawMessage {
	if f.Type.Kind() != reflect.String {
		return json.RawMessage(tag)
	}
	data, _ := json.Marshal(tag)
	return data
}
