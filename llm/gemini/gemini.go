// Package gemini speaks the Gemini API of Google as an [llm.Model]. What is sent
// and understood follows https://ai.google.dev/api/generate-content and
// https://ai.google.dev/gemini-api/docs/thought-signatures, as of November 2026.
//
// Signatures of thoughts go back with the part that they came with; models from
// Gemini 3 on refuse calls without them. The reasoning of other providers is not
// sent, and calls of theirs have the signature that the API has for that case.
package gemini

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/link"
)

// BaseURL is where requests go if Options do not say.
const BaseURL = "https://generativelanguage.googleapis.com/v1beta"

const provider = "gemini"

// Thinking is how a model is told to reason.
type Thinking string

// The ways. ByName is Level from Gemini 3 on, Budget for 2.5 and None before; for
// names without a version it is Level where a request has an Effort.
const (
	ByName Thinking = ""
	Level  Thinking = "level"
	Budget Thinking = "budget"
	None   Thinking = "none" // nothing is said about reasoning
)

// Options are how to reach the provider. The zero value reaches Google's own
// service, which wants a key. Nothing is taken from the environment, but proxies
// where Client is nil.
type Options struct {
	Key     string
	BaseURL string // with the version, "…/v1beta"
	// Client sends the requests; nil is one with [http.DefaultTransport]. It
	// follows no redirect, whatever it says.
	Client *http.Client
	Header http.Header // sent as well, in place of headers of the same name
	// PlainHTTP lets the key go to other machines without TLS.
	PlainHTTP bool
	// Wait is how long an answer may take to begin, Idle how long to go on;
	// 0 is 10 and 5 minutes.
	Wait, Idle time.Duration

	Thinking Thinking
}

// Model is a model of the provider. It is safe for concurrent use.
type Model struct {
	name string
	opts Options
	link *link.Link
}

var _ llm.Model = (*Model)(nil)

// New is a model by its name, "gemini-…". Nothing is sent.
func New(model string, o *Options) (*Model, error) {
	m := &Model{name: strings.TrimPrefix(model, "models/")}
	if o != nil {
		m.opts = *o
	}
	if m.opts.BaseURL == "" {
		m.opts.BaseURL = BaseURL
	}
	var err error
	m.link, err = link.New(link.Options{
		Provider: provider, Key: m.opts.Key, KeyHeader: "X-Goog-Api-Key",
		BaseURL: m.opts.BaseURL, Client: m.opts.Client, Header: m.opts.Header,
		PlainHTTP: m.opts.PlainHTTP, Wait: m.opts.Wait, Idle: m.opts.Idle,
	})
	if err != nil {
		return nil, err
	}
	switch m.opts.Thinking {
	case ByName, Level, Budget, None:
	default:
		return nil, m.link.Error(llm.ErrRequest, "there is no thinking %q", m.opts.Thinking)
	}
	if strings.Contains(m.name, "/") {
		return nil, m.link.Error(llm.ErrUnknown, "%q is no name of a model", model)
	}
	return m, m.link.Ready(m.name, BaseURL)
}

// Name implements [llm.Model].
func (m *Model) Name() string { return provider + ":" + m.name }

// Stream implements [llm.Model].
func (m *Model) Stream(ctx context.Context, req *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		body, err := m.request(req)
		if err != nil {
			yield(llm.Part{}, err)
			return
		}
		b := link.NewBuilder(provider, req)
		path := "models/" + url.PathEscape(m.name) + ":streamGenerateContent?alt=sse"
		m.link.Stream(ctx, link.Post{Path: path, Body: body}, b, &decoder{link: m.link, b: b})(yield)
	}
}
