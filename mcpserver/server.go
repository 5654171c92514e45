// Package mcpserver serves tools over the Model Context Protocol, on a pair of
// streams ([Server.Serve]) and over HTTP ([Server.Handler]). It knows how a call
// travels; what a tool does is up to package tool.
//
// Clients of all protocol versions from 2024-11-05 to 2026-07-28 are served.
// Batches, which two early versions had, are refused.
package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// DefaultMaxMessage is the size in bytes of the largest message that is taken
// from a client where Options names none.
const DefaultMaxMessage = 16 << 20

const (
	maxCalls   = 64  // tools at work at a time, others wait
	maxWaiting = 512 // requests under way at a time, others are refused
)

// Options qualifies New.
type Options struct {
	// Name, Title and Version say to clients what this is. The default of Name
	// is "hutch".
	Name, Title, Version string
	// Instructions are for the model, next to the descriptions of the tools.
	Instructions string
	// Backend is where output that was kept is read from when a client follows
	// its link. Without one there are no links.
	Backend hutch.Backend
	// MaxMessage is the size in bytes of the largest message that is taken from
	// a client; 0 is DefaultMaxMessage. A larger one is read, not held, and
	// answered with an error. All messages under way together have twice as much.
	MaxMessage int
}

// Server serves tools to any number of clients. It is safe for concurrent use.
type Server struct {
	tools func() []tool.Tool
	o     Options
	load  *load
	slots chan struct{} // one for each tool at work

	own  *owner // of calls that belong to no connection; ends with Close
	stop context.CancelFunc

	mu     sync.Mutex
	shut   bool
	spare  *conversation // made by New, for the first who needs one
	talks  map[*conversation]bool
	calls  map[*call]bool
	parked map[string]*parked         // by the state that the client brings back
	posts  map[string]context.Context // of HTTP requests, by the mark in their header
	all    sync.WaitGroup             // calls, connections and HTTP requests
}

// New makes a server of tools. The function tools is called for every conversation,
// with a first time by New: a connection of Serve is one, and a session over HTTP.
// Clients over HTTP that speak a version without sessions share one.
//
// Two tools of one name, a name that the protocol does not allow, or a schema that
// is not of an object are errors that match fs.ErrInvalid. Close the server when it
// is not needed any more.
func New(tools func() []tool.Tool, opts *Options) (*Server, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Name == "" {
		o.Name = "hutch"
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	s := &Server{
		tools:  tools,
		o:      o,
		load:   &load{maxCount: maxWaiting, maxBytes: 2 * o.MaxMessage},
		slots:  make(chan struct{}, maxCalls),
		own:    &owner{},
		talks:  map[*conversation]bool{},
		calls:  map[*call]bool{},
		parked: map[string]*parked{},
		posts:  map[string]context.Context{},
	}
	s.own.ctx, s.stop = context.WithCancel(context.Background())
	var err error
	if s.spare, err = s.converse(); err != nil {
		return nil, err
	}
	return s, nil
}

// conversation is what a client, or several that cannot be told apart, have of
// their own: tools, and links to output that was kept.
type conversation struct {
	s   *Server
	mcp *mcp.Server

	held bool     // somebody has it, with or without a session
	kept []string // URIs, oldest first
}

// conversation returns a new one, which is there until it is released and its
// sessions have ended.
func (s *Server) conversation() (*conversation, error) {
	s.mu.Lock()
	c := s.spare
	s.spare = nil
	s.mu.Unlock()
	var err error
	if c == nil {
		if c, err = s.converse(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.held, s.talks[c] = true, true
	return c, nil
}

func (s *Server) release(c *conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.held = false
}

// sessions is how many conversations there are. Those that have ended are forgotten.
func (s *Server) sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.talks {
		if !c.held && !c.live() {
			delete(s.talks, c)
		}
	}
	return len(s.talks)
}

func (c *conversation) live() bool {
	for range c.mcp.Sessions() {
		return true
	}
	return false
}

func (s *Server) converse() (*conversation, error) {
	caps := &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}
	if s.o.Backend != nil {
		caps.Resources = &mcp.ResourceCapabilities{}
	}
	c := &conversation{s: s, mcp: mcp.NewServer(&mcp.Implementation{Name: s.o.Name, Title: s.o.Title, Version: s.o.Version},
		&mcp.ServerOptions{Instructions: s.o.Instructions, Capabilities: caps, SetCacheable: private})}
	return c, c.add(s.tools())
}

// private keeps what is told to one client from the others behind a proxy.
func private(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" }

// nameable reports whether the protocol allows a name for a tool.
func nameable(name string) bool {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	}
	return name != "" && len(name) <= 128 && !strings.ContainsFunc(name, odd)
}

func (c *conversation) add(tools []tool.Tool) error {
	seen := map[string]bool{}
	for _, t := range tools {
		var schema struct{ Type string }
		switch {
		case !nameable(t.Name):
			return fmt.Errorf("mcpserver: %w: tool name %q", fs.ErrInvalid, t.Name)
		case seen[t.Name]:
			return fmt.Errorf("mcpserver: %w: two tools %q", fs.ErrInvalid, t.Name)
		case json.Unmarshal(t.Input, &schema) != nil || schema.Type != "object":
			return fmt.Errorf("mcpserver: %w: the input of tool %q is no schema of an object", fs.ErrInvalid, t.Name)
		case t.Output != nil && !json.Valid(t.Output):
			return fmt.Errorf("mcpserver: %w: the output of tool %q is no schema", fs.ErrInvalid, t.Name)
		}
		seen[t.Name] = true
		c.mcp.AddTool(describe(&t), func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return c.call(ctx, &t, req)
		})
	}
	return nil
}

// describe is a tool as clients see it.
func describe(t *tool.Tool) *mcp.Tool {
	d := &mcp.Tool{
		Name:        t.Name,
		Title:       t.Title,
		Description: t.Description,
		InputSchema: t.Input,
		Annotations: &mcp.ToolAnnotations{
			Title:           t.Title,
			ReadOnlyHint:    t.ReadOnly,
			DestructiveHint: &t.Destructive,
			IdempotentHint:  t.Idempotent,
			OpenWorldHint:   &t.OpenWorld,
		},
	}
	if t.Output != nil {
		d.OutputSchema = t.Output
	}
	return d
}

// Close ends all calls and connections and waits for them: the trees of commands
// are gone when it returns.
func (s *Server) Close() error {
	s.mu.Lock()
	s.shut = true
	talks := slices.Collect(maps.Keys(s.talks))
	s.mu.Unlock()
	s.stop()
	for _, c := range talks {
		for ss := range c.mcp.Sessions() {
			_ = ss.Close()
		}
	}
	s.all.Wait()
	return nil
}

// begin counts something that Close waits for, unless it is too late.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return false
	}
	s.all.Add(1)
	return true
}

// load is what is under way, in requests and in bytes.
type load struct {
	maxCount, maxBytes int

	mu           sync.Mutex
	count, bytes int
}

// take adds a request of n bytes, unless that is too much.
func (l *load) take(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count > 0 && (l.count >= l.maxCount || l.bytes+n > l.maxBytes) {
		return false
	}
	l.count++
	l.bytes += n
	return true
}

func (l *load) give(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	l.bytes -= n
}
