package gemini_test

import (
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/gemini"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
)

func FuzzStream(f *testing.F) {
	llmtest.Fuzz(f, func(t testing.TB, client *http.Client) llm.Model {
		return model(t, "gemini-3.8-flash", gemini.Options{Client: client})
	}, cases, "finishReason", "blockReason")
}
