package server

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// The parts of an OpenAPI document that there are here.
type (
	apiDoc struct {
		OpenAPI    string                       `json:"openapi"`
		Info       apiInfo                      `json:"info"`
		Security   []map[string][]string        `json:"security"`
		Paths      map[string]map[string]*apiOp `json:"paths"`
		Components apiComponents                `json:"components"`
	}
	apiInfo struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	apiComponents struct {
		Schemas  map[string]*jsonschema.Schema `json:"schemas"`
		Security map[string]apiSecurity        `json:"securitySchemes"`
	}
	apiSecurity struct {
		Type   string `json:"type"`
		Scheme string `json:"scheme,omitempty"`
		In     string `json:"in,omitempty"`
		Name   string `json:"name,omitempty"`
	}
	apiOp struct {
		ID          string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Description string                `json:"description"`
		Params      []apiParam            `json:"parameters,omitempty"`
		Body        *apiBody              `json:"requestBody,omitempty"`
		Responses   map[string]apiAnswer  `json:"responses"`
		Security    []map[string][]string `json:"security,omitzero"`
	}
	apiParam struct {
		Name        string             `json:"name"`
		In          string             `json:"in"`
		Required    bool               `json:"required,omitempty"`
		Description string             `json:"description,omitempty"`
		Schema      *jsonschema.Schema `json:"schema"`
	}
	apiBody struct {
		Required bool                `json:"required"`
		Content  map[string]apiMedia `json:"content"`
	}
	apiAnswer struct {
		Description string              `json:"description"`
		Content     map[string]apiMedia `json:"content,omitempty"`
	}
	apiMedia struct {
		Schema *jsonschema.Schema `json:"schema"`
	}
)

const apiText = "Sessions, each a workspace with files and commands. " +
	"Service tokens open everything; a session token opens what is below its session. " +
	"Without a token that is good the answer is 401, whatever there is. " +
	"A path in a request is absolute below the root of the workspace, or relative to it."

// document is the OpenAPI document of routes.
func document(all []Route) ([]byte, error) {
	s := newSchemas()
	problem, err := s.of(reflect.TypeFor[problemBody]())
	if err != nil {
		return nil, err
	}
	failure := apiAnswer{Description: "A problem.", Content: map[string]apiMedia{"application/problem+json": {problem}}}
	d := apiDoc{
		OpenAPI: "3.1.0", Info: apiInfo{Title: "hutch", Version: "1", Description: apiText},
		Security: []map[string][]string{{"bearer": {}}, {"header": {}}},
		Paths:    openPaths(),
	}
	named := map[string]bool{}
	for i := range all {
		r := &all[i]
		op, err := s.operation(r)
		if err != nil {
			return nil, fmt.Errorf("server: route %s: %w", r.Name, err)
		}
		if named[r.Name] {
			return nil, fmt.Errorf("server: %w: two routes have the name %s", fs.ErrInvalid, r.Name)
		}
		named[r.Name] = true
		op.Responses["default"] = failure
		p := strings.ReplaceAll(r.path(), "...}", "}")
		if d.Paths[p] == nil {
			d.Paths[p] = map[string]*apiOp{}
		}
		d.Paths[p][strings.ToLower(r.Method)] = op
	}
	d.Components = apiComponents{Schemas: s.all, Security: map[string]apiSecurity{
		"bearer": {Type: "http", Scheme: "bearer"},
		"header": {Type: "apiKey", In: "header", Name: "X-Sandbox-Token"},
	}}
	b, err := json.MarshalIndent(d, "", "  ")
	return append(b, '\n'), err
}

// openPaths are the routes that are no operations on sessions.
func openPaths() map[string]map[string]*apiOp {
	paths := map[string]map[string]*apiOp{}
	for _, p := range []struct {
		path, name, doc, media string
		open                   bool
	}{
		{"/healthz", "health", "Says that the service is there.", "application/json", true},
		{"/readyz", "ready", "Says whether the service takes requests: 200, or 503.", "application/json", true},
		{"/openapi.json", "openapi", "Gives this document.", "application/json", true},
		{"/metrics", "metrics", "Gives what is counted, for Prometheus. Needs a service token.", "text/plain", false},
	} {
		op := &apiOp{ID: p.name, Summary: summary(p.doc), Description: p.doc, Responses: map[string]apiAnswer{
			"200": {Description: "Done.", Content: map[string]apiMedia{p.media: {&jsonschema.Schema{}}}},
		}}
		if p.open {
			op.Security = []map[string][]string{{}}
		}
		paths[p.path] = map[string]*apiOp{"get": op}
	}
	return paths
}

// operation describes a route.
func (s *schemas) operation(r *Route) (*apiOp, error) {
	op := &apiOp{ID: r.Name, Summary: summary(r.Doc), Description: r.Doc, Params: pathParams(r.path())}
	query, err := queryParams(r.Query)
	if err != nil {
		return nil, err
	}
	op.Params = append(op.Params, query...)
	if r.Replays {
		op.Params = append(op.Params, apiParam{
			Name: "Idempotency-Key", In: "header", Schema: &jsonschema.Schema{Type: "string", MaxLength: jsonschema.Ptr(maxReplayKey)},
			Description: "The same request with the same key is answered as before, for ten minutes, and not done again.",
		})
	}
	if r.Service {
		op.Description += " Needs a service token."
	}
	if r.In != nil {
		in, err := s.content(r.In)
		if err != nil {
			return nil, err
		}
		op.Body = &apiBody{Required: true, Content: in}
	}
	answer := apiAnswer{Description: orDefault(http.StatusText(r.status()), "Done")}
	if r.Out != nil {
		if answer.Content, err = s.content(r.Out); err != nil {
			return nil, err
		}
	}
	if r.Streams {
		answer.Content = orEmpty(answer.Content)
		answer.Content["text/event-stream"] = apiMedia{&jsonschema.Schema{Type: "string"}}
	}
	op.Responses = map[string]apiAnswer{strconv.Itoa(r.status()): answer}
	return op, nil
}

func orEmpty(m map[string]apiMedia) map[string]apiMedia {
	if m == nil {
		return map[string]apiMedia{}
	}
	return maps.Clone(m)
}

// content describes a body.
func (s *schemas) content(v any) (map[string]apiMedia, error) {
	if isBody(v) {
		return map[string]apiMedia{"application/octet-stream": {&jsonschema.Schema{}}}, nil
	}
	x, err := s.of(reflect.TypeOf(v))
	return map[string]apiMedia{"application/json": {x}}, err
}

var paramPattern = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

func pathParams(p string) (all []apiParam) {
	for _, m := range paramPattern.FindAllStringSubmatch(p, -1) {
		x := apiParam{Name: m[1], In: "path", Required: true, Schema: &jsonschema.Schema{Type: "string"}}
		if m[2] != "" {
			x.Description = "Everything up to the end of the path, slashes included."
		}
		all = append(all, x)
	}
	return all
}

// queryParams are the fields of the query of a route.
func queryParams(v any) (all []apiParam, err error) {
	if v == nil {
		return nil, nil
	}
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		f := t.Field(i)
		switch f.Type.Kind() {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		default:
			return nil, fmt.Errorf("%w: a parameter of type %v", fs.ErrInvalid, f.Type)
		}
		all = append(all, apiParam{
			Name: fieldName(f), In: "query", Description: f.Tag.Get("jsonschema"),
			Schema: &jsonschema.Schema{Type: paramKind(f.Type.Kind())},
		})
	}
	return all, nil
}
