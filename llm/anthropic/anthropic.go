// Package anthropic speaks the Messages API of Anthropic, and of others who serve
// it, as an [llm.Model]. What is sent and what is understood follows
// https://platform.claude.com/docs/en/api/messages and
// https://platform.claude.com/docs/en/build-with-claude/streaming, as of November
// 2026.
//
// Reasoning goes back as it came, signatures and redacted parts included. Models
// from Claude Fable 5.1 on accept it only if nothing before it was changed
// (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking): who
// changes a conversation marks the reasoning in what comes after as Stale, which is
// not sent then, or sets [Options.DropStale]. The reasoning of other providers is not sent.
//
// Models that always reason, as Claude Opus 5.5, refuse [llm.Must].
package anthropic

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
const BaseURL = "https://api.anthropic.com"

const (
	provider = "anthropic"
	version  = "2023-06-01"
)

// Thinking is how a model is told to reason.
type Thinking string

// The ways. ByName chooses by the name of the model, so that a new one needs no
// new release.
const (
	ByName Thinking = "" // Adaptive, but Budget up to Claude 4.5, None before 3.7
	// Adaptive lets the model decide, and Effort how much.
	Adaptive Thinking = "adaptive"
	// Budget reserves a part of MaxTokens: an eighth, a quarter or a half.
	Budget Thinking = "budget"
	// None says nothing about reasoning; Effort is not sent.
	None Thinking = "none"
)

// Options are how to reach the provider. The zero value reaches Anthropic's own
// service, which wants a key. Nothing is taken from the environment, but proxies
// where Client is nil.
type Options struct {
	Key     string
	BaseURL string // with or without "/v1" at its end
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
	// NoCache leaves out the marks that let the provider keep a conversation for
	// five minutes, so that reading it again costs a tenth.
	NoCache bool
	// DropStale lets the provider leave out reasoning that does not fit to what
	// is before it any more, where it would refuse the request.
	DropStale bool
}

// Model is a model of the provider. It is safe for concurrent use.
type Model struct {
	name string
	opts Options
	link *link.Link
}

var _ llm.Model = (*Model)(nil)

// New is a model by its name, "claude-…". Nothing is sent.
func New(model string, o *Options) (*Model, error) {
	m := &Model{name: model}
	if o != nil {
		m.opts = *o
	}
	if m.opts.BaseURL == "" {
		m.opts.BaseURL = BaseURL
	}
	m.opts.Header = m.opts.Header.Clone()
	if m.opts.DropStale {
		if m.opts.Header == nil {
			m.opts.Header = http.Header{}
		}
		m.opts.Header.Add("Anthropic-Beta", "thinking-binding-controls-2026-08-01")
	}
	var err error
	m.link, err = link.New(link.Options{
		Provider: provider, Key: m.opts.Key, KeyHeader: "X-Api-Key",
		BaseURL: strings.TrimSuffix(strings.TrimRight(m.opts.BaseURL, "/"), "/v1"), Client: m.opts.Client,
		Header: m.opts.Header, PlainHTTP: m.opts.PlainHTTP, Wait: m.opts.Wait, Idle: m.opts.Idle,
	})
	if err != nil {
		return nil, err
	}
	switch m.opts.Thinking {
	case ByName:
		m.opts.Thinking = thinkingOf(model)
	case Adaptive, Budget, None:
	default:
		return nil, m.link.Error(llm.ErrRequest, "there is no thinking %q", m.opts.Thinking)
	}
	return m, m.link.Ready(model, BaseURL)
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
		post := link.Post{Path: "v1/messages", Body: body, Header: http.Header{"Anthropic-Version": {version}}}
		b := link.NewBuilder(provider, req)
		m.link.Stream(ctx, post, b, &decoder{link: m.link, b: b, blocks: map[int]*block{}})(yield)
	}
}
