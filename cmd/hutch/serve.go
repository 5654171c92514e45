package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/session"
	"github.com/spf13/cobra"
)

const defaultAddr = "127.0.0.1:7333"

// serving is the verb serve.
type serving struct {
	*cli
	addr, tokenFile, cert, key string
	data, auditFile, otlp      string
	models                     []string
	agentPolicy                string
	agentAccept                []string
	yes                        bool
	maxSteps                   int
	maxCost                    float64
	insecure, only, noPage     bool
	runtimes                   []string
	warm, maxOpen, maxSessions int
	maxPerTenant, rate         int
	idle, ttl                  time.Duration
	most                       sessionCaps
	isolation                  *isolation
	network                    bool
}

const serveLong = `Serve workspaces over HTTP, until a signal ends it: to programs, as sessions with an
API (/openapi.json describes it) and a page to look at, and to hutch --backend
http://127.0.0.1:7333 and the package remote.

The workspace of --backend is the session "main". Others are made by clients, of the
--runtimes: state (in memory), local (a folder, commands in a jail), and whatever
docker: can have, of which --warm containers are kept ready. Sessions and their files
are in --data, outside of the workspace, and are found again after a crash or a restart; those of state only
as they were when they slept last.

With --model, agents work in sessions for who asks: below the rules of --agent-policy,
whose questions are answered by a call or in the page.

Who has a service token can do everything with all sessions, commands included. A
session token is good for one session, until it expires. The service token is the
line in --token-file, else $HUTCH_TOKEN; without either a random one is made and
printed once. A token file may have several lines: TOKEN [expires=TIME] [name=NAME].

Without TLS nothing but this machine is served, since tokens and all content could
be read and changed on the way; --insecure says that something else sees to that.

Prints one line with the URL when it serves, with --json one object: url, and token
if it was made. After SIGINT, SIGTERM or SIGHUP what is under way has five seconds
to end; commands that run longer are killed. Sessions sleep until the next start.

Exit status: 0 ended by a signal; 1 it cannot serve; 2 wrong usage.`

func serveCommand(c *cli) *cobra.Command {
	s := &serving{cli: c}
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Serve workspaces to programs and people over HTTP",
		Long:  serveLong,
		Example: `  hutch serve
  hutch --backend local:/my/project serve --addr 127.0.0.1:0 --token-file token
  hutch serve --only-sessions --runtimes python-datascience,local --warm 4 --max-per-tenant 5
  hutch serve --addr :7333 --tls-cert cert.pem --tls-key key.pem`,
		Args:              args(0, 0),
		RunE:              func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	s.flags(cmd)
	return cmd
}

func (s *serving) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", defaultAddr, "the `ADDRESS` to listen on; port 0 is any that is free")
	f.StringVar(&s.tokenFile, "token-file", "", "the `FILE` with the service tokens")
	f.StringVar(&s.cert, "tls-cert", "", "the `FILE` with the certificate, PEM")
	f.StringVar(&s.key, "tls-key", "", "the `FILE` with its key, PEM")
	f.BoolVar(&s.insecure, "insecure", false, "serve other machines without TLS")
	f.StringVar(&s.data, "data", "", "the `FOLDER` of the sessions (default ~/.local/state/hutch/serve)")
	f.BoolVar(&s.only, "only-sessions", false, "do not serve the workspace of --backend")
	f.BoolVar(&s.noPage, "no-page", false, "serve no page")
	f.StringSliceVar(&s.runtimes, "runtimes", []string{"local", "state"}, "what sessions can be made of; the first is for those that name none")
	f.IntVar(&s.warm, "warm", 1, "containers kept ready, of each runtime that has them")
	f.IntVar(&s.maxOpen, "max-open", session.DefaultMaxOpen, "sessions with an open workspace at a time")
	f.IntVar(&s.maxSessions, "max-sessions", session.DefaultMaxSessions, "sessions in all, asleep ones included")
	f.IntVar(&s.maxPerTenant, "max-per-tenant", 0, "sessions of each tenant (default as many as there may be in all)")
	f.DurationVar(&s.idle, "idle", session.DefaultIdle, "a session sleeps after `TIME` without use; 0 is never")
	f.DurationVar(&s.ttl, "ttl", 0, "a session ends after `TIME` without use, files included (default never)")
	f.Var(&s.most, "session-limit", "what may be done in a session, and so what it can ask for: file, write, output, memory (SIZE), commands, processes (N), time (TIME) of a command")
	f.IntVar(&s.rate, "rate", 0, "requests a second that a session may make (default no limit)")
	f.StringVar(&s.auditFile, "audit", "", "the `FILE` to which every operation is added, as a line of JSON")
	f.StringVar(&s.otlp, "otlp", "", "the `URL` of a collector that gets OpenTelemetry traces, by OTLP over HTTP")
	f.StringSliceVar(&s.models, "model", nil, "the models of agents in sessions, `PROVIDER:NAME` or demo; the first is for requests that name none (default no agents)")
	f.StringVar(&s.agentPolicy, "agent-policy", askPolicy, "the rules between agents and workspaces, or none; what they ask waits for an answer by a call")
	f.StringSliceVar(&s.agentAccept, "agent-accept", nil, "what commands of agents may do although the rules cannot be enforced for them: read, write")
	f.BoolVar(&s.yes, "yes", false, "let requests say that an agent asks nothing")
	f.IntVar(&s.maxSteps, "max-steps", deepagent.DefaultMaxSteps, "end a run after `N` requests to the model")
	f.Float64Var(&s.maxCost, "max-cost", 0, "end a run when it has cost `N`, by [prices] of the config file (default no limit)")
	f.Var(isolationFlag{&s.isolation}, "isolation", "least isolation of commands: isolated, capped, restricted or unconfined")
	f.BoolVar(&s.network, "network", false, "let commands use the network")
	_ = cmd.RegisterFlagCompletionFunc("isolation", cobra.FixedCompletions(
		[]string{"isolated", "capped", "restricted", "unconfined"}, cobra.ShellCompDirectiveNoFileComp))
}

func (s *serving) run(ctx context.Context) error {
	cfg, err := s.tls()
	if err != nil {
		return err
	}
	if err := s.check(cfg != nil); err != nil {
		return err
	}
	tokens, made, err := s.tokens()
	if err != nil {
		return err
	}
	var b hutch.Backend
	if !s.only {
		w, err := s.open(s.adjust)
		if err != nil {
			return err
		}
		b = storing(w)
	}
	v, err := s.service(ctx, tokens, b)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s: %w", s.addr, bareNet(err)), v.close())
	}
	if err := s.say(l, cfg != nil, tokens[0].Value, made); err != nil {
		l.Close()
		return errors.Join(err, v.close())
	}
	err = until(ctx, v, v.Listener(l), cfg)
	return errors.Join(err, v.close())
}

// tokens are the service tokens, and whether the only one was made just now.
func (s *serving) tokens() (all []server.Token, made bool, err error) {
	if s.tokenFile != "" {
		all, err = serviceTokens(s.tokenFile)
		return all, false, err
	}
	token, made, err := s.token()
	return []server.Token{{Value: token}}, made, err
}

// tls is nil where there is to be none.
func (s *serving) tls() (*tls.Config, error) {
	if (s.cert == "") != (s.key == "") {
		return nil, usagef("serve: --tls-cert and --tls-key belong together")
	}
	if s.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", s.cert, s.key, bare(err))
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// check finds what is wrong with the flags, and keeps what has no TLS on this
// machine.
func (s *serving) check(encrypted bool) error {
	host, _, err := net.SplitHostPort(s.addr)
	switch {
	case err != nil:
		return usagef("serve: --addr %q is not HOST:PORT", s.addr)
	case len(s.runtimes) == 0:
		return usagef("serve: --runtimes names none")
	case s.maxOpen < 1 || s.maxSessions < 1 || s.maxPerTenant < 0 || s.warm < 1 || s.rate < 0:
		return usagef("serve: --max-open, --max-sessions and --warm must be above 0, --max-per-tenant and --rate not below")
	case s.maxSteps < 1 || !(s.maxCost >= 0):
		return usagef("serve: --max-steps must be above 0, --max-cost not below")
	case s.idle < 0 || s.ttl < 0:
		return usagef("serve: --idle and --ttl must not be below 0")
	}
	if !encrypted && !s.insecure && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return usagef("serve: --addr %s can be reached from other machines, and without TLS so can the token; use 127.0.0.1, or --tls-cert and --tls-key, or --insecure where something else encrypts", s.addr)
	}
	return nil
}

// token is the token, and whether it was made just now.
func (s *serving) token() (token string, made bool, err error) {
	if s.tokenFile != "" {
		token, err = readToken(s.tokenFile)
		return token, false, err
	}
	if token = os.Getenv("HUTCH_TOKEN"); token != "" {
		return token, false, nil
	}
	return rand.Text() + rand.Text(), true, nil
}

func (s *serving) say(l net.Listener, encrypted bool, token string, made bool) error {
	url := "http://" + l.Addr().String()
	if encrypted {
		url = "https://" + l.Addr().String()
	}
	return s.sayURL(url, token, made)
}

func (s *serving) sayURL(url, token string, made bool) error {
	if !made {
		token = ""
	}
	if s.json {
		doc := struct {
			URL   string `json:"url"`
			Token string `json:"token,omitempty"`
		}{url, token}
		if err := s.printJSON(doc); err != nil {
			return err
		}
		return s.out.Flush()
	}
	fmt.Fprintf(s.out, "serving at %s\n", url)
	if made {
		fmt.Fprintf(s.out, "token: %s\n", token)
	}
	return s.out.Flush()
}

// lastWork is how long what is under way may take after a signal.
const lastWork = 5 * time.Second

// until serves until ctx ends.
func until(ctx context.Context, h *service, l net.Listener, cfg *tls.Config) error {
	srv := h.NewServer()
	srv.TLSConfig = cfg
	failed := make(chan error, 1)
	go func() {
		if cfg != nil {
			failed <- srv.ServeTLS(l, "", "")
		} else {
			failed <- srv.Serve(l)
		}
	}()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		l.Close()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWork)
		defer cancel()
		_ = h.Shutdown(last)
	}
	_ = h.Close()
	_ = srv.Close()
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}

func bareNet(err error) error {
	var oe *net.OpError
	if errors.As(err, &oe) {
		return oe.Err
	}
	return err
}

// storing is the backend of w, with every change stored before it is told.
func storing(w *workspace) hutch.Backend {
	if len(w.states) == 0 {
		return w.b
	}
	return stored{w, w.b}
}
