package link

import (
	"strings"

	"github.com/hutch-dev/hutch/llm"
)

// types are the names of errors that say more than a status, or stand in its place
// in the middle of a stream: of Anthropic
// (https://platform.claude.com/docs/en/api/errors), OpenAI
// (https://platform.openai.com/docs/guides/error-codes), Google
// (https://ai.google.dev/gemini-api/docs/troubleshooting) and llama.cpp.
var types = map[string]error{
	"authentication_error":  llm.ErrAuth,
	"permission_error":      llm.ErrAuth,
	"invalid_api_key":       llm.ErrAuth,
	"UNAUTHENTICATED":       llm.ErrAuth,
	"PERMISSION_DENIED":     llm.ErrAuth,
	"billing_error":         llm.ErrQuota,
	"insufficient_quota":    llm.ErrQuota,
	"rate_limit_error":      llm.ErrLimited,
	"rate_limit_exceeded":   llm.ErrLimited,
	"RESOURCE_EXHAUSTED":    llm.ErrLimited,
	"not_found_error":       llm.ErrUnknown,
	"model_not_found":       llm.ErrUnknown,
	"NOT_FOUND":             llm.ErrUnknown,
	"request_too_large":     llm.ErrTooLong,
	"overloaded_error":      llm.ErrTrouble,
	"api_error":             llm.ErrTrouble,
	"timeout_error":         llm.ErrTrouble,
	"server_error":          llm.ErrTrouble,
	"INTERNAL":              llm.ErrTrouble,
	"UNAVAILABLE":           llm.ErrTrouble,
	"DEADLINE_EXCEEDED":     llm.ErrTrouble,
	"invalid_request_error": llm.ErrRequest,
	"INVALID_ARGUMENT":      llm.ErrRequest,
	"FAILED_PRECONDITION":   llm.ErrRequest,

	"context_length_exceeded":   llm.ErrTooLong,
	"exceed_context_size_error": llm.ErrTooLong,
}

// hints are texts by which providers tell apart what they give one status.
var hints = []struct {
	text string
	kind error
}{
	{"prompt is too long", llm.ErrTooLong},                   // Anthropic
	{"exceed context limit", llm.ErrTooLong},                 // Anthropic, with max_tokens
	{"exceeds the maximum number of tokens", llm.ErrTooLong}, // Gemini
	{"maximum context length", llm.ErrTooLong},               // OpenAI, vLLM
	{"exceeds the available context size", llm.ErrTooLong},   // llama.cpp
	{"credit balance is too low", llm.ErrQuota},              // Anthropic
	{"exceeded your current quota, please check your plan", llm.ErrQuota},
	{"api key not valid", llm.ErrAuth}, // Gemini, with status 400
	{"api key expired", llm.ErrAuth},
}

// kind is what f is an error of: the most telling word decides.
func kind(f Fault) error {
	if f.Status == 0 || f.Status == 400 || f.Status == 402 || f.Status == 403 || f.Status == 429 {
		text := strings.ToLower(f.Text)
		for _, h := range hints {
			if strings.Contains(text, h.text) && !(f.Type == "RESOURCE_EXHAUSTED") {
				return h.kind
			}
		}
	}
	if k := types[f.Code]; k == llm.ErrQuota || k == llm.ErrTooLong || k == llm.ErrAuth {
		return k
	}
	if k := types[f.Type]; k == llm.ErrQuota || k == llm.ErrTooLong {
		return k
	}
	if f.Status != 0 {
		return ofStatus(f.Status)
	}
	for _, name := range []string{f.Code, f.Type} {
		if k := types[name]; k != nil {
			return k
		}
	}
	return llm.ErrTrouble
}

func ofStatus(status int) error {
	switch status {
	case 401, 403, 407:
		return llm.ErrAuth
	case 402:
		return llm.ErrQuota
	case 404, 410:
		return llm.ErrUnknown
	case 413:
		return llm.ErrTooLong
	case 408, 409:
		return llm.ErrTrouble
	case 425, 429:
		return llm.ErrLimited
	}
	switch status / 100 {
	case 3:
		return llm.ErrUnknown
	case 4:
		return llm.ErrRequest
	case 5:
		return llm.ErrTrouble
	}
	return llm.ErrAnswer
}
