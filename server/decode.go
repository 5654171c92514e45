package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

func invalid(format string, args ...any) error {
	return Problem(http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...))
}

// decode fills In and Query of a call.
func (c *Call) decode(in *jsonschema.Resolved) (err error) {
	if c.Query, err = decodeQuery(c.R, c.route.Query); err != nil {
		return err
	}
	if c.route.Raw || c.route.wire {
		return nil
	}
	if c.route.In == nil {
		return noBody(c.R)
	}
	data, err := readJSON(c.R)
	if err != nil {
		return err
	}
	c.In = reflect.New(reflect.TypeOf(c.route.In)).Interface()
	return decodeJSON(data, in, c.In)
}

// noBody refuses a body where none means anything.
func noBody(r *http.Request) error {
	n, err := io.CopyN(io.Discard, r.Body, 1)
	if n > 0 {
		return invalid("there is a body, and it would mean nothing")
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// readJSON is the body of a request that says it is JSON.
func readJSON(r *http.Request) ([]byte, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || media != "application/json" {
			return nil, Problem(http.StatusUnsupportedMediaType, "unsupported_type", "the body must be application/json")
		}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, invalid("the body is not UTF-8")
	}
	return data, nil
}

// decodeJSON decodes data into v, a pointer, and takes nothing that the schema
// does not know. No body is an object without fields.
func decodeJSON(data []byte, schema *jsonschema.Resolved, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	var plain any
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&plain); err != nil {
		return invalid("the body is no JSON: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return invalid("there is something after the JSON of the body")
	}
	if err := schema.Validate(plain); err != nil {
		return invalid("%s", plainly(err))
	}
	d = json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// plainly is what is wrong without where in the schema it was found.
func plainly(err error) string {
	text := err.Error()
	for strings.HasPrefix(text, "validating ") {
		_, rest, ok := strings.Cut(text, ": ")
		if !ok {
			break
		}
		text = rest
	}
	return text
}

// decodeQuery is the query of a request as a pointer to a value of the type of
// shape; nil for nil. What it does not know, or finds twice, it refuses.
func decodeQuery(r *http.Request, shape any) (any, error) {
	given, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	var v any
	if shape != nil {
		p := reflect.New(reflect.TypeOf(shape))
		for i := range p.Elem().NumField() {
			name := fieldName(p.Elem().Type().Field(i))
			text, ok := given[name]
			delete(given, name)
			if !ok {
				continue
			}
			if err := setField(p.Elem().Field(i), text); err != nil {
				return nil, invalid("the parameter %s is no %s", name, paramKind(p.Elem().Field(i).Kind()))
			}
		}
		v = p.Interface()
	}
	for name := range given {
		return nil, invalid("there is no parameter %q", name)
	}
	return v, nil
}

func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// paramKind is the type of a parameter as JSON schema has it.
func paramKind(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	}
	return "string"
}

func setField(f reflect.Value, text string) error {
	switch paramKind(f.Kind()) {
	case "boolean":
		b, err := strconv.ParseBool(text)
		f.SetBool(b)
		return err
	case "integer":
		n, err := strconv.ParseInt(text, 10, f.Type().Bits())
		f.SetInt(n)
		return err
	}
	f.SetString(text)
	if !utf8.ValidString(text) {
		return strconv.ErrSyntax
	}
	return nil
}

// parseQuery takes a query apart; a parameter stands in it once.
func parseQuery(raw string) (map[string]string, error) {
	all, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("the query cannot be read")
	}
	one := make(map[string]string, len(all))
	for name, values := range all {
		if len(values) != 1 {
			return nil, invalid("the parameter %q is there more than once", name)
		}
		one[name] = values[0]
	}
	return one, nil
}
