package tool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxProblems is how many things that are wrong with arguments are said at once.
const maxProblems = 5

// decode reads arguments into a struct, more strictly than package
// encoding/json: every argument has its exact name and type, is there once,
// is within its range, and there are no others. An optional one may be null,
// which is as if it were left out, and so may all of them. What is wrong is a
// *mistake that names it.
//
// Arguments of more than limit bytes are refused before anything is made of them.
func decode(input []byte, limit int, into any) error {
	if len(input) > limit {
		return mistakef("The arguments have %d bytes, at most %d are taken. Do it in smaller parts.", len(input), limit)
	}
	if s := bytes.TrimSpace(input); len(s) == 0 || string(s) == "null" {
		input = []byte("{}")
	}
	if !utf8.Valid(input) {
		return mistakef("The arguments are not valid UTF-8.")
	}
	if !json.Valid(input) {
		return mistakef("The arguments are not valid JSON: %v.", json.Unmarshal(input, new(json.RawMessage)))
	}
	var d decoder
	d.object("", input, reflect.ValueOf(into).Elem())
	if len(d.problems) == 0 {
		return nil
	}
	if n := len(d.problems) - maxProblems; n > 0 {
		d.problems = append(d.problems[:maxProblems], fmt.Sprintf("and %d more problems", n))
	}
	return mistakef("Wrong arguments: %s.", strings.Join(d.problems, "; "))
}

type decoder struct{ problems []string }

func (d *decoder) wrong(at, format string, args ...any) {
	d.problems = append(d.problems, "`"+at+"` "+fmt.Sprintf(format, args...))
}

// object reads a JSON object, which is valid JSON, into a struct.
func (d *decoder) object(at string, raw []byte, into reflect.Value) {
	if kindOf(raw) != "an object" {
		if at == "" {
			d.problems = append(d.problems, "they must be one JSON object, not "+kindOf(raw))
			return
		}
		d.wrong(at, "must be an object, not %s", kindOf(raw))
		return
	}
	fields := fieldsOf(into.Type())
	given := d.members(at, raw, fields)
	for _, f := range fields {
		v := into.FieldByIndex(f.Index)
		part, ok := given[f.name]
		switch {
		case ok && !(f.optional && kindOf(part) == "null"):
			d.value(join(at, f.name), part, v, f)
		case !f.optional:
			d.wrong(join(at, f.name), "is missing: it must be %s", f.expected())
		default:
			if tag, ok := f.Tag.Lookup("default"); ok {
				d.value(join(at, f.name), f.literal(tag), v, f)
			}
		}
	}
}

// members are the parts of an object by name.
func (d *decoder) members(at string, raw []byte, fields []field) map[string]json.RawMessage {
	given := map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace
	for dec.More() {
		key, _ := dec.Token()
		name, _ := key.(string)
		var part json.RawMessage
		if err := dec.Decode(&part); err != nil {
			d.wrong(join(at, name), "cannot be read: %v", err)
			return given
		}
		if _, twice := given[name]; twice {
			d.wrong(join(at, name), "is given twice")
		}
		given[name] = part
		if !has(fields, name) {
			d.wrong(join(at, cut(name, 40)), "is unknown: there is only %s", names(fields))
		}
	}
	return given
}

func (d *decoder) value(at string, raw []byte, into reflect.Value, f field) {
	if into.Kind() == reflect.Pointer {
		p := reflect.New(into.Type().Elem())
		into.Set(p)
		into = p.Elem()
	}
	switch into.Kind() {
	case reflect.String:
		d.str(at, raw, into, f)
	case reflect.Bool:
		if k := kindOf(raw); k != "a boolean" {
			d.wrong(at, "must be true or false, not %s", k)
			return
		}
		into.SetBool(raw[0] == 't')
	case reflect.Int, reflect.Int64:
		n, ok := integer(raw)
		if !ok || into.OverflowInt(n) || f.min != nil && n < int64(*f.min) || f.max != nil && n > int64(*f.max) {
			d.wrong(at, "must be %s, not %s", f.expected(), shown(raw))
			return
		}
		into.SetInt(n)
	case reflect.Slice:
		d.list(at, raw, into, f)
	case reflect.Struct:
		d.object(at, raw, into)
	default:
		panic("tool: no arguments of type " + into.Type().String())
	}
}

func (d *decoder) str(at string, raw []byte, into reflect.Value, f field) {
	if k := kindOf(raw); k != "a string" {
		d.wrong(at, "must be a string, not %s", shown(raw))
		return
	}
	if halfSurrogate(raw) {
		d.wrong(at, `holds half a surrogate pair ("\ud800" to "\udfff"), which is no character`)
		return
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		d.wrong(at, "cannot be read: %v", err)
		return
	}
	if len(f.enum) > 0 && !contains(f.enum, s) {
		d.wrong(at, "must be %s, not %s", f.expected(), shown(raw))
		return
	}
	into.SetString(s)
}

func (d *decoder) list(at string, raw []byte, into reflect.Value, f field) {
	if k := kindOf(raw); k != "a list" {
		d.wrong(at, "must be a list, not %s", shown(raw))
		return
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		d.wrong(at, "cannot be read: %v", err)
		return
	}
	if f.min != nil && len(parts) < *f.min || f.max != nil && len(parts) > *f.max {
		d.wrong(at, "must be %s, not %d", f.expected(), len(parts))
		return
	}
	all := reflect.MakeSlice(into.Type(), len(parts), len(parts))
	for i, p := range parts {
		d.value(fmt.Sprintf("%s[%d]", at, i), p, all.Index(i), field{})
		if len(d.problems) > maxProblems {
			break
		}
	}
	into.Set(all)
}

// expected says in words what a field takes.
func (f field) expected() string {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	what := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Bool: "true or false", reflect.Int: "an integer",
		reflect.Int64: "an integer", reflect.Slice: "a list", reflect.Struct: "an object",
	}[t.Kind()]
	of := ""
	if t.Kind() == reflect.Slice {
		of = " elements"
	}
	switch {
	case len(f.enum) > 0:
		return `"` + strings.Join(f.enum, `" or "`) + `"`
	case f.min != nil && f.max != nil:
		return fmt.Sprintf("%s of %d to %d%s", what, *f.min, *f.max, of)
	case f.min != nil:
		return fmt.Sprintf("%s of at least %d%s", what, *f.min, of)
	case f.max != nil:
		return fmt.Sprintf("%s of at most %d%s", what, *f.max, of)
	}
	return what
}

func has(fields []field, name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}

func names(fields []field) string {
	var all []string
	for _, f := range fields {
		all = append(all, "`"+f.name+"`")
	}
	if len(all) == 0 {
		return "nothing, it takes no arguments"
	}
	return strings.Join(all, ", ")
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
