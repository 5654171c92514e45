package anthropic_test

import (
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/anthropic"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
)

func FuzzStream(f *testing.F) {
	llmtest.Fuzz(f, func(t testing.TB, client *http.Client) llm.Model {
		return model(t, "claude-sonnet-5-5", anthropic.Options{Client: client})
	}, cases, "message_stop")
}
