package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/tool"
	"github.com/spf13/cobra"
)

// mcpVerb is the verb mcp.
type mcpVerb struct {
	*cli
	addr, tokenFile string
	readOnly        bool
	only            []string
	profile, edit   string
}

const mcpLong = `Serve the tools for files and commands to an MCP client: over the standard input
and output, or with --http to every client that has the token.

The tools are those of a coding agent: ls, read_file, write_file, edit_file,
multi_edit, glob, grep, and where the backend runs commands execute,
run_in_background, read_output, kill_shell and list_shells. Commands run in the
jail or the container of the backend, as with hutch exec.

--read-only serves the files and no way to change them: no command either.
--tools serves some tools only. --policy holds every operation, that of commands
too, against rules; where these say ask, the person at the client is asked if the
client can do that, else it is refused. What a rule forbids and the sandbox cannot
keep commands from is an error at the start, unless --accept read or write says
that they may do it.

With --http, clients send POST requests to the path /mcp with the header
"Authorization: Bearer TOKEN". The token is the line in --token-file, else
$HUTCH_TOKEN; without either a random one is made and printed once. Only this
machine is served, and only by its own names and to its own pages. A line with the
URL is printed, with --json one object: url, and token if it was made.

The end of the input, or a signal, ends everything that was started.

In the configuration of a client, with the paths of your own:

  Claude Code       claude mcp add hutch -- hutch --backend local:/my/project mcp

  Claude Desktop    claude_desktop_config.json
  Cursor            .cursor/mcp.json
    {"mcpServers": {"hutch": {"command": "hutch",
      "args": ["--backend", "local:/my/project", "mcp"]}}}

  VS Code           .vscode/mcp.json
    {"servers": {"hutch": {"type": "stdio", "command": "hutch",
      "args": ["--backend", "local:${workspaceFolder}", "mcp"]}}}

  Zed               settings.json
    {"context_servers": {"hutch": {"command": "hutch",
      "args": ["--backend", "local:/my/project", "mcp"]}}}

  Codex             ~/.codex/config.toml
    [mcp_servers.hutch]
    command = "hutch"
    args = ["--backend", "local:/my/project", "mcp"]

  Over HTTP         claude mcp add --transport http hutch http://127.0.0.1:7334/mcp \
                      --header "Authorization: Bearer $HUTCH_TOKEN"

Exit status: 0 the client or a signal has ended it; 1 it cannot serve; 2 wrong usage.`

func mcpCommand(c *cli) *cobra.Command {
	m := &mcpVerb{cli: c}
	cmd := &cobra.Command{
		Use:   "mcp [flags]",
		Short: "Serve the tools to an MCP client",
		Long:  mcpLong,
		Example: `  hutch --backend local:/my/project mcp
  hutch --backend docker:python:3.12-slim mcp --tools read_file,execute
  hutch --backend local:/my/project mcp --http 127.0.0.1:7334 --policy default`,
		Args:              args(0, 0),
		RunE:              func(cmd *cobra.Command, _ []string) error { return m.run(cmd.Context()) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := cmd.Flags()
	f.StringVar(&m.addr, "http", "", "serve HTTP at an `ADDRESS` of this machine, such as 127.0.0.1:7334; port 0 is any that is free")
	f.StringVar(&m.tokenFile, "token-file", "", "the `FILE` with the token, for --http")
	f.BoolVar(&m.readOnly, "read-only", false, "serve no tool that changes anything, and no commands")
	f.StringSliceVar(&m.only, "tools", nil, "serve these tools only, `NAME,NAME`")
	f.StringVar(&m.profile, "profile", string(tool.Coding), "for whom the tools are described: coding or agent")
	f.StringVar(&m.edit, "edit-format", "", "how files are edited: str_replace (the default), hashline, patch or all")
	return cmd
}

func (m *mcpVerb) run(ctx context.Context) error {
	if m.addr == "" && m.tokenFile != "" {
		return usagef("mcp: --token-file is for --http")
	}
	if err := m.checkAddr(); err != nil {
		return err
	}
	o, err := m.toolOptions()
	if err != nil {
		return err
	}
	w, err := m.openPlain(nil)
	if err != nil {
		return err
	}
	collectLess()
	room, err := m.room(ctx, w, o)
	if err != nil {
		return err
	}
	defer room.close()
	s, err := mcpserver.New(room.tools, &mcpserver.Options{
		Title: "hutch", Version: programVersion(), Instructions: room.instructions(), Backend: room.b})
	if err != nil {
		return err
	}
	defer s.Close()
	if m.addr != "" {
		return m.serveHTTP(ctx, s)
	}
	return m.serveStdio(ctx, s)
}

// collectLess lets the heap grow to 16 MiB, not 4, before it is collected: a call
// leaves some 100 KiB of garbage, and collecting was a quarter of its time. GOGC
// has the last word.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// toolOptions are the options of the tools, checked.
func (m *mcpVerb) toolOptions() (*tool.Options, error) {
	o := &tool.Options{Profile: tool.Profile(m.profile), EditFormat: tool.EditFormat(m.edit), Images: true, MaxImage: maxImage}
	if m.edit == "" && len(m.only) > 0 {
		o.EditFormat = tool.AllFormats // so that all can be chosen from
	}
	if err := o.Check(); err != nil {
		return nil, usagef("mcp: %w", err)
	}
	for _, name := range m.only {
		if !slices.Contains(tool.Names(), name) {
			return nil, usagef("mcp: --tools: there is no tool %q; there are %s", name, strings.Join(tool.Names(), ", "))
		}
	}
	return o, nil
}

// maxImage is the size in bytes of the largest image that is handed to a client:
// what the large providers of models take.
const maxImage = 5 << 20

// room is what the tools work on.
type room struct {
	b    hutch.Backend
	o    tool.Options
	keep func(tool.Tool) bool

	first atomic.Pointer[[]tool.Tool] // for the first conversation
}

// room makes the tools once, to see whether they are those that are wanted.
func (m *mcpVerb) room(ctx context.Context, w *workspace, o *tool.Options) (*room, error) {
	b := storing(w)
	if m.readOnly {
		b = composite.ReadOnly(b)
	}
	g, err := m.guarded(ctx, w, b, askClient)
	if err != nil {
		return nil, err
	}
	r := &room{b: g, o: *o, keep: func(t tool.Tool) bool { return t.ReadOnly || !m.readOnly }}
	// What commands print is kept without asking about every part of it.
	r.o.Keep = b
	if _, ok := hutch.As[hutch.Execer](g); ok {
		if r.o.Jobs, err = job.New(g, &job.Options{Keep: b}); err != nil {
			return nil, err
		}
	}
	if err := r.choose(m.only); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// choose leaves only some of the tools; none are all.
func (r *room) choose(only []string) error {
	all := r.tools()
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return usagef("mcp: --tools: %s cannot be had here; there are %s", name, strings.Join(names, ", "))
		}
	}
	if len(all) == 0 {
		return usagef("mcp: the policy leaves no tool to serve")
	}
	if len(only) > 0 {
		r.keep = func(t tool.Tool) bool { return slices.Contains(only, t.Name) }
	}
	r.first.Store(&all)
	return nil
}

// tools are those of one conversation.
func (r *room) tools() []tool.Tool {
	var all []tool.Tool
	if first := r.first.Swap(nil); first != nil {
		all = *first
	} else {
		all = tool.Console(r.b, &r.o)
	}
	return slices.DeleteFunc(all, func(t tool.Tool) bool { return !r.keep(t) })
}

// close ends what runs in the background.
func (r *room) close() {
	if r.o.Jobs != nil {
		_ = r.o.Jobs.Close()
	}
}

func (r *room) instructions() string {
	root, ok := hutch.As[hutch.Rooted](r.b)
	if !ok {
		return "These tools work on the files of one workspace. Paths are relative to its root."
	}
	return fmt.Sprintf("These tools work on the files of one workspace, which commands see at %s. Paths are relative to it.", root.Root())
}

// serveStdio serves one client on the standard streams.
func (m *mcpVerb) serveStdio(ctx context.Context, s *mcpserver.Server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := s.Serve(ctx, &stdio{in: newInput(ctx, os.Stdin), out: os.Stdout, cancel: cancel, closed: make(chan struct{})})
	if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) {
		return nil // who read has left
	}
	return err
}

// stdio are the standard streams, in such a way that Close ends a read and a write
// that are under way: the system goes on with these, but nobody waits for them.
type stdio struct {
	in     io.Reader
	out    *os.File
	cancel func() // of in
	once   sync.Once
	closed chan struct{}
}

func (s *stdio) Read(p []byte) (int, error) { return s.in.Read(p) }

// Write keeps p when it is broken off.
func (s *stdio) Write(p []byte) (n int, err error) {
	done := make(chan struct{})
	var written int
	var failed error
	go func() {
		defer close(done)
		written, failed = s.out.Write(p)
	}()
	select {
	case <-done:
		return written, failed
	case <-s.closed:
		return 0, io.ErrClosedPipe
	}
}

func (s *stdio) Close() error {
	s.once.Do(func() { close(s.closed); s.cancel() })
	return nil
}
