package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

type thing struct {
	Name  string            `json:"name"`
	Size  int               `json:"size,omitempty"`
	Tags  []string          `json:"tags,omitempty"`
	More  map[string]string `json:"more,omitempty"`
	Inner *struct {
		Yes bool `json:"yes"`
	} `json:"inner,omitempty"`
	Any json.RawMessage `json:"any,omitempty"`
}

type thingQuery struct {
	Text string `json:"text"`
	N    int    `json:"n"`
	Big  int64  `json:"big"`
	Yes  bool   `json:"yes"`
}

// echo are routes that answer with what they were asked.
func echo(o *ServiceOptions) {
	o.More = []Route{
		{
			Method: "POST", Path: "/echo", Name: "echo", Doc: "Echoes. More.", In: thing{}, Out: thing{}, Query: thingQuery{}, Replays: true,
			Serve: func(c *Call) (any, error) { return []any{c.In, c.Query}, nil },
		},
		{
			Method: "PUT", Path: "/raw/{path...}", Name: "raw", Doc: "Writes.", Raw: true, In: []byte(nil), Replays: true,
			Serve: func(c *Call) (any, error) {
				_, err := c.Backend.Write(c.Ctx, c.R.PathValue("path"), c.R.Body, nil)
				return nil, err
			},
		},
	}
}

func TestDecode(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	path += "/echo"
	full := `{"name":"é\u0000","size":3,"tags":["a","b"],"more":{"k":"v"},"inner":{"yes":true},"any":[1,{"x":null}]}`
	r := f.want(200, "", "POST", path+"?text=%C3%A9%26&n=-3&big=9007199254740993&yes=true", own, full)
	if got := strings.TrimSpace(string(r.body)); got != "["+full+`,{"text":"é\u0026","n":-3,"big":9007199254740993,"yes":true}]` {
		t.Errorf("echo: %s", got)
	}
	for _, kind := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		f.want(200, "", "POST", path, own, `{"name":""}`, "Content-Type", kind)
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json/x", ";"} {
		f.want(415, "unsupported_type", "POST", path, own, `{"name":""}`, "Content-Type", kind)
	}
	for _, bad := range []string{
		"", "null", "[]", `"x"`, "{", `{"name":"x"`, `{"name":"x"} {}`, `{"name":"x"}]`, `{"name":"x","other":1}`, `{"Name":"x"}`, `{"name":"x","NAME":"y"}`,
		`{"size":1}`, `{"name":1}`, `{"name":null}`, `{"name":"x","size":1.5}`, `{"name":"x","size":1e30}`, `{"name":"x","size":"1"}`, `{"name":"x","tags":"a"}`,
		`{"name":"x","tags":[1]}`, `{"name":"x","more":{"k":1}}`, `{"name":"x","inner":{}}`, `{"name":"x","inner":{"yes":true,"no":1}}`, `{"name":"x","size":1e400}`,
		"{\"name\":\"\xff\"}", "\ufeff{\"name\":\"x\"}", `{name:"x"}`, strings.Repeat("[", 20000), `{"name":"x","any":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}",
	} {
		f.want(400, "invalid", "POST", path, own, bad)
	}
	for _, bad := range []string{"x=1", "text=a&text=b", "n=", "n=x", "n=1.5", "n=99999999999999999999", "yes=maybe", "text=%zz", "text=%ff", "n=1;yes=true", "Text=x", "yes"} {
		f.want(400, "invalid", "POST", path+"?"+bad, own, `{"name":"x"}`)
	}
	f.want(400, "invalid", "GET", "/v1/sessions/a", own, "{}")
	f.want(400, "invalid", "GET", "/v1/sessions/a?x=1", own, nil)
}

// TestLimits wants what is too large to be refused, before it is read if it can be
// known.
func TestBodyLimits(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		echo(o)
		o.Limits.Body, o.Limits.File = 100, 1000
	})
	path, own := f.create("a")
	f.want(200, "", "POST", path+"/echo", own, `{"name":"`+strings.Repeat("x", 89)+`"}`)
	f.want(413, "too_large", "POST", path+"/echo", own, `{"name":"`+strings.Repeat("x", 90)+`"}`)
	unknown := func(n int) io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("x", n))) }
	f.want(413, "too_large", "POST", path+"/echo", own, unknown(101))
	f.want(204, "", "PUT", path+"/raw/x", own, unknown(1000))
	f.want(413, "too_large", "PUT", path+"/raw/y", own, unknown(1001))
	never := &endless{}
	q := f.request("PUT", path+"/raw/y", own, never)
	q.ContentLength = 1001
	q.Header.Set("Expect", "100-continue")
	f.plain.Transport.(*http.Transport).ExpectContinueTimeout = 1 << 40
	if r := f.send(q); r.status != 413 || never.n != 0 {
		t.Errorf("%d after %d bytes", r.status, never.n)
	}
	u, err := f.m.Use(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Done()
	if _, err := u.Backend().Stat(t.Context(), "y"); err == nil {
		t.Error("a part of what was too large was written")
	}
	if b, err := hutch.ReadFile(t.Context(), u.Backend(), "x"); err != nil || len(b) != 1000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// endless has no end.
type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) { e.n += len(b); return len(b), nil }

func FuzzDecode(f *testing.F) {
	schema, err := schemaOf(thing{})
	if err != nil {
		f.Fatal(err)
	}
	in, err := schema.Resolve(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"name":"x","tags":null}`), "text=x&n=1")
	f.Fuzz(func(t *testing.T, data []byte, query string) {
		var v thing
		if err := decodeJSON(data, in, &v); err == nil {
			if again, err := json.Marshal(v); err != nil || decodeJSON(again, in, &v) != nil {
				t.Errorf("%q was taken, %q (%v) is not", data, again, err)
			}
		}
		_, _ = decodeQuery(&http.Request{URL: &url.URL{RawQuery: query}}, thingQuery{})
	})
}
