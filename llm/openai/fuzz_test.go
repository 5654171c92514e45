package openai_test

import (
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
	"github.com/hutch-dev/hutch/llm/openai"
)

func FuzzStream(f *testing.F) {
	llmtest.Fuzz(f, func(t testing.TB, client *http.Client) llm.Model {
		return model(t, "gpt-5.4", openai.Options{Client: client})
	}, cases, "finish_reason")
}
