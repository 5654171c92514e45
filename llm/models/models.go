// Package models opens models by name, "anthropic:claude-…", with the keys and
// addresses that are in the usual variables of an environment. The environment is
// handed in: no library of this module reads one on its own.
package models

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/anthropic"
	"github.com/hutch-dev/hutch/llm/gemini"
	"github.com/hutch-dev/hutch/llm/openai"
)

// The models that are taken where only a provider is named: of the middle size, for
// tools. They were looked up in November 2026; providers retire models after a year
// or two. That of OpenAI is the newest that its Chat Completions API lets call tools
// without further ado.
const (
	Anthropic = "claude-sonnet-5-5"
	OpenAI    = "gpt-5.4"
	Gemini    = "gemini-3.8-flash"
)

// The variables that are looked at, the first that is set and not empty counts.
var (
	anthropicKeys = []string{"ANTHROPIC_API_KEY"}
	openaiKeys    = []string{"OPENAI_API_KEY"}
	geminiKeys    = []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}
)

const (
	anthropicURL = "ANTHROPIC_BASE_URL"
	openaiURL    = "OPENAI_BASE_URL"
	ollamaHost   = "OLLAMA_HOST"
)

// Options are where keys come from. The zero value has none.
type Options struct {
	// Getenv is asked for the variables, as [os.Getenv]; nil knows none.
	Getenv func(name string) string

	// Key and BaseURL come before what the environment says.
	Key     string
	BaseURL string

	Client     *http.Client  // nil is one with the default transport
	Header     http.Header   // sent as well
	PlainHTTP  bool          // the key may go to other machines without TLS
	Wait, Idle time.Duration // as of the providers
	// Effort is what [openai.Options] say of it; for OpenAI and Ollama alone.
	Effort string
	// DropStale is what [anthropic.Options] say of it; for Anthropic alone. Who
	// shortens conversations wants it.
	DropStale bool
}

// env is the first variable that is set.
func (o *Options) env(names ...string) string {
	if o.Getenv == nil {
		return ""
	}
	for _, name := range names {
		if v := strings.TrimSpace(o.Getenv(name)); v != "" {
			return v
		}
	}
	return ""
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Open is the model of a name like "anthropic:claude-…", "openai:gpt-…",
// "gemini:gemini-…" or "ollama:qwen3:8b". A provider alone is the model of it named
// above; Ollama has none. Nothing is sent.
//
// With a BaseURL, "openai:" is any server that speaks OpenAI's Chat Completions
// API, and needs no key, but the name of a model.
func Open(name string, o *Options) (llm.Model, error) {
	if o == nil {
		o = &Options{}
	}
	provider, model, _ := strings.Cut(strings.TrimSpace(name), ":")
	switch provider {
	case "anthropic":
		return openAnthropic(first(model, Anthropic), o)
	case "openai":
		return openOpenAI(model, o)
	case "gemini":
		return openGemini(first(model, Gemini), o)
	case "ollama":
		return openOllama(model, o)
	}
	return nil, fmt.Errorf("%q does not name a model: it is like anthropic:%s, openai:%s, gemini:%s or ollama:NAME",
		name, Anthropic, OpenAI, Gemini)
}

func openAnthropic(model string, o *Options) (llm.Model, error) {
	opts := &anthropic.Options{
		Key: first(o.Key, o.env(anthropicKeys...)), BaseURL: first(o.BaseURL, o.env(anthropicURL)), DropStale: o.DropStale,
		Client: o.Client, Header: o.Header, PlainHTTP: o.PlainHTTP, Wait: o.Wait, Idle: o.Idle,
	}
	if opts.Key == "" && opts.BaseURL == "" && len(o.Header) == 0 {
		return nil, missing("anthropic", anthropicKeys)
	}
	return opened(anthropic.New(model, opts))
}

func openOpenAI(model string, o *Options) (llm.Model, error) {
	opts := &openai.Options{
		Key: first(o.Key, o.env(openaiKeys...)), BaseURL: first(o.BaseURL, o.env(openaiURL)), Effort: o.Effort,
		Client: o.Client, Header: o.Header, PlainHTTP: o.PlainHTTP, Wait: o.Wait, Idle: o.Idle,
	}
	if opts.Key == "" && opts.BaseURL == "" && len(o.Header) == 0 {
		return nil, missing("openai", openaiKeys)
	}
	if model == "" && opts.BaseURL != "" && strings.TrimRight(opts.BaseURL, "/") != openai.BaseURL {
		return nil, fmt.Errorf("openai: the server is not OpenAI's own, so its model must be named, as openai:NAME")
	}
	model = first(model, OpenAI)
	return opened(openai.New(model, opts))
}

func openGemini(model string, o *Options) (llm.Model, error) {
	opts := &gemini.Options{
		Key: first(o.Key, o.env(geminiKeys...)), BaseURL: o.BaseURL,
		Client: o.Client, Header: o.Header, PlainHTTP: o.PlainHTTP, Wait: o.Wait, Idle: o.Idle,
	}
	if opts.Key == "" && opts.BaseURL == "" && len(o.Header) == 0 {
		return nil, missing("gemini", geminiKeys)
	}
	return opened(gemini.New(model, opts))
}

func openOllama(model string, o *Options) (llm.Model, error) {
	if model == "" {
		return nil, fmt.Errorf("ollama: a model must be named, as ollama:qwen3:8b; `ollama list` shows them")
	}
	base := o.BaseURL
	if base == "" {
		var err error
		if base, err = ollamaURL(o.env(ollamaHost)); err != nil {
			return nil, err
		}
	}
	return opened(openai.New(model, &openai.Options{
		Provider: "ollama", Key: o.Key, BaseURL: base, Effort: o.Effort,
		Client: o.Client, Header: o.Header, PlainHTTP: o.PlainHTTP, Wait: o.Wait, Idle: o.Idle,
	}))
}

// ollamaURL is OLLAMA_HOST as an address: it may be a host, a port, both or a URL,
// and also the address that a server listens on.
func ollamaURL(host string) (string, error) {
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	if err != nil || u.User != nil {
		return "", fmt.Errorf("ollama: %s is not like 127.0.0.1:11434", ollamaHost)
	}
	name, port := u.Hostname(), u.Port()
	if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	if port == "" && u.Scheme == "http" {
		port = "11434"
	}
	if u.Host = name; port != "" {
		u.Host = net.JoinHostPort(name, port)
	}
	return u.JoinPath("v1").String(), nil
}

// opened keeps a nil *Model from becoming a Model that is not nil.
func opened[M llm.Model](m M, err error) (llm.Model, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

func missing(provider string, keys []string) error {
	return &llm.Error{Provider: provider, Err: llm.ErrAuth, Text: strings.Join(keys, " or ") + " is not set"}
}
