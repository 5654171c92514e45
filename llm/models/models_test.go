package models_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
	"github.com/hutch-dev/hutch/llm/models"
)

func env(vars map[string]string) *models.Options {
	return &models.Options{Getenv: func(name string) string { return vars[name] }}
}

type vars = map[string]string

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		env  vars
		want string // name of the model, or part of the error
		sent string // part of the request
	}{
		{"anthropic:claude-opus-5-5", vars{"ANTHROPIC_API_KEY": "key-0123456789"}, "anthropic:claude-opus-5-5", "X-Api-Key: key-0123456789"},
		{"anthropic", vars{"ANTHROPIC_API_KEY": " key-0123456789\n"}, "anthropic:" + models.Anthropic, "https://api.anthropic.com/v1/messages"},
		{"anthropic:x", vars{"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "https://gate.test/v1/"}, "anthropic:x", "POST https://gate.test/v1/messages"},
		{"openai:gpt-5.4", vars{"OPENAI_API_KEY": "key-0123456789"}, "openai:gpt-5.4", "Authorization: Bearer key-0123456789"},
		{"openai:org/m:free", vars{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://router.test/api/v1"}, "openai:org/m:free", "POST https://router.test/api/v1/chat/completions"},
		{"openai:m", vars{"OPENAI_BASE_URL": "http://localhost:8000/v1"}, "openai:m", "POST http://localhost:8000/v1/chat/completions"},
		{"gemini:gemini-x", vars{"GOOGLE_API_KEY": "g-0123456789"}, "gemini:gemini-x", "X-Goog-Api-Key: g-0123456789"},
		{"gemini", vars{"GOOGLE_API_KEY": "g", "GEMINI_API_KEY": "better-0123"}, "gemini:" + models.Gemini, "X-Goog-Api-Key: better-0123"},
		{"ollama:qwen3:8b", nil, "ollama:qwen3:8b", "POST http://127.0.0.1:11434/v1/chat/completions"},
		{"ollama:q", vars{"OLLAMA_HOST": "0.0.0.0"}, "ollama:q", "POST http://127.0.0.1:11434/v1/"},
		{"ollama:q", vars{"OLLAMA_HOST": ":8080"}, "ollama:q", "POST http://127.0.0.1:8080/v1/"},
		{"ollama:q", vars{"OLLAMA_HOST": "box.lan:99"}, "ollama:q", "POST http://box.lan:99/v1/"},
		{"ollama:q", vars{"OLLAMA_HOST": "https://o.test/deep/"}, "ollama:q", "POST https://o.test/deep/v1/"},
		{"ollama:q", vars{"OLLAMA_HOST": "[::1]"}, "ollama:q", "POST http://[::1]:11434/v1/"},

		{"anthropic:x", nil, "ANTHROPIC_API_KEY is not set", ""},
		{"openai:x", nil, "OPENAI_API_KEY is not set", ""},
		{"openai", vars{"OPENAI_BASE_URL": "http://localhost:8000/v1"}, "model must be named", ""},
		{"openai:x", vars{"OPENAI_API_KEY": "key-0123456789", "OPENAI_BASE_URL": "http://far.test/v1"}, "over plain http", ""},
		{"gemini:x", nil, "GEMINI_API_KEY or GOOGLE_API_KEY is not set", ""},
		{"gemini:a/b", vars{"GEMINI_API_KEY": "k"}, "no name of a model", ""},
		{"ollama", nil, "must be named", ""},
		{"ollama:q", vars{"OLLAMA_HOST": "http://a b"}, "OLLAMA_HOST", ""},
		{"anthropic:a b", vars{"ANTHROPIC_API_KEY": "k"}, "no name of a model", ""},
		{"mistral:x", nil, "does not name a model", ""},
		{"", nil, "does not name a model", ""},
	} {
		o := env(c.env)
		m, err := models.Open(c.name, o)
		switch {
		case c.sent == "" && (err == nil || m != nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %v: %v %v", c.name, c.env, m, err)
		case c.sent != "" && (err != nil || m.Name() != c.want):
			t.Errorf("%s %v: %v", c.name, c.env, err)
		case c.sent != "":
			if sent := sent(t, c.name, c.env); !strings.Contains(sent, c.sent) {
				t.Errorf("%s %v sends %s", c.name, c.env, sent)
			}
		}
	}
}

func TestDefault(t *testing.T) {
	all := vars{"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o", "GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "g"}
	for _, c := range []struct{ without, want string }{
		{"", "anthropic:" + models.Anthropic}, {"ANTHROPIC_API_KEY", "openai:" + models.OpenAI},
		{"OPENAI_API_KEY", "gemini:" + models.Gemini}, {"GEMINI_API_KEY", "gemini:" + models.Gemini},
	} {
		delete(all, c.without)
		m, err := models.Default(env(all))
		if err != nil || m.Name() != c.want {
			t.Errorf("%v: %v %v", all, m, err)
		}
	}
	for _, o := range []*models.Options{nil, {}, env(vars{"ANTHROPIC_API_KEY": " "})} {
		m, err := models.Default(o)
		for _, name := range []string{"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"} {
			if m != nil || err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
		}
	}
}

func TestDropStale(t *testing.T) {
	o := env(vars{"ANTHROPIC_API_KEY": "k"})
	o.DropStale = true
	got := llmtest.Sent(t, func(client *http.Client) llm.Model {
		o.Client = client
		m, err := models.Open("anthropic", o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}, llmtest.Ask())
	if !strings.Contains(got, "drop_block") {
		t.Error(got)
	}
}

// TestNoKey: an explicit model without a key is an error of the kind that a wrong
// key is.
func TestNoKey(t *testing.T) {
	if _, err := models.Open("anthropic:x", nil); !errors.Is(err, llm.ErrAuth) || llm.Again(err) {
		t.Error(err)
	}
}

func sent(t *testing.T, name string, v vars) string {
	return llmtest.Sent(t, func(client *http.Client) llm.Model {
		o := env(v)
		o.Client = client
		m, err := models.Open(name, o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}, llmtest.Ask())
}
