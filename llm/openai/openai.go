// Package openai speaks the Chat Completions API as an [llm.Model]: of OpenAI, and
// of all who serve the same under another address, as Ollama, vLLM, LM Studio,
// llama.cpp and OpenRouter do. What is sent and understood follows
// https://platform.openai.com/docs/api-reference/chat, as of November 2026, and
// what the servers named do otherwise.
//
// OpenAI's own service refuses tools together with an effort for its models from
// GPT-5.4 to GPT-5.6 in this API; those of 5.6 also without one, unless
// [Options.Effort] is "none".
//
// The reasoning that compatible servers give goes back in the field it came in.
// That of other providers is not sent.
package openai

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

// BaseURL is where requests go if Options do not say.
const BaseURL = "https://api.openai.com/v1"

// Limit is the field that says how long a reply may be.
type Limit string

// The fields. OpenAI's reasoning models refuse max_tokens; Ollama, LM Studio and
// older servers take no notice of max_completion_tokens, so that a reply would
// have no limit at all.
const (
	// ByHost is MaxCompletionTokens for OpenAI and Azure, MaxTokens for others.
	ByHost              Limit = ""
	MaxTokens           Limit = "max_tokens"
	MaxCompletionTokens Limit = "max_completion_tokens"
)

// Options are how to reach the server. The zero value reaches OpenAI, which wants
// a key. Nothing is taken from the environment, but proxies where Client is nil.
type Options struct {
	Key     string // goes as "Authorization: Bearer …"
	BaseURL string // up to "/chat/completions", as "http://localhost:11434/v1"
	// Client sends the requests; nil is one with [http.DefaultTransport]. It
	// follows no redirect, whatever it says.
	Client *http.Client
	Header http.Header // sent as well, in place of headers of the same name
	// PlainHTTP lets the key go to other machines without TLS.
	PlainHTTP bool
	// Wait is how long an answer may take to begin, Idle how long to go on;
	// 0 is 10 and 5 minutes.
	Wait, Idle time.Duration

	// Provider is in the name of the model, in errors and at its reasoning, which
	// goes to no other; "" is "openai".
	Provider string
	Limit    Limit
	// Effort is sent as reasoning_effort in place of what a request says: "none",
	// "minimal", …; "-" sends none. Requests that say nothing send nothing.
	Effort string
	// DropReasoning does not send back what the model has thought before.
	DropReasoning bool
}

// Model is a model of a server. It is safe for concurrent use.
type Model struct {
	name string
	opts Options
	link *link.Link
}

var _ llm.Model = (*Model)(nil)

// New is a model by its name. Nothing is sent.
func New(model string, o *Options) (*Model, error) {
	m := &Model{name: model}
	if o != nil {
		m.opts = *o
	}
	if m.opts.BaseURL == "" {
		m.opts.BaseURL = BaseURL
	}
	if m.opts.Provider == "" {
		m.opts.Provider = "openai"
	}
	var err error
	m.link, err = link.New(link.Options{
		Provider: m.opts.Provider, Key: m.opts.Key, KeyHeader: "Authorization", KeyPrefix: "Bearer ",
		BaseURL: m.opts.BaseURL, Client: m.opts.Client, Header: m.opts.Header,
		PlainHTTP: m.opts.PlainHTTP, Wait: m.opts.Wait, Idle: m.opts.Idle,
	})
	if err != nil {
		return nil, err
	}
	switch m.opts.Limit {
	case ByHost:
		m.opts.Limit = limitOf(m.link.Host())
	case MaxTokens, MaxCompletionTokens:
	default:
		return nil, m.link.Error(llm.ErrRequest, "there is no limit %q", m.opts.Limit)
	}
	return m, m.link.Ready(model, BaseURL)
}

func limitOf(host string) Limit {
	for _, own := range []string{"openai.com", "openai.azure.com", "services.ai.azure.com"} {
		if host == own || strings.HasSuffix(host, "."+own) {
			return MaxCompletionTokens
		}
	}
	return MaxTokens
}

// Name implements [llm.Model].
func (m *Model) Name() string { return m.opts.Provider + ":" + m.name }

// Stream implements [llm.Model].
func (m *Model) Stream(ctx context.Context, req *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		body, err := m.request(req)
		if err != nil {
			yield(llm.Part{}, err)
			return
		}
		b := link.NewBuilder(m.opts.Provider, req)
		m.link.Stream(ctx, link.Post{Path: "chat/completions", Body: body}, b, &decoder{link: m.link, b: b})(yield)
	}
}
