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
	"github.com/hutch-dev/hutch/server"
	"github.com/spf13/cobra"
)

const defaultAddr = "127.0.0.1:7333"

// serving is the verb serve.
type serving struct {
	*cli
	addr, tokenFile, cert, key string
}

func serveCommand(c *cli) *cobra.Command {
	s := &serving{cli: c}
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Serve the backend to other programs",
		Long: `Serve the backend to everybody who has the token, until a signal ends it: to hutch
--backend http://127.0.0.1:7333, and to programs that use the package remote.
Whoever has the token can do all that the backend can, commands included.

The token is the line in --token-file, else $HUTCH_TOKEN; without either a random
one is made and printed once. Clients find it in their $HUTCH_TOKEN.

Without TLS nothing but this machine is served, since the token and all content
could be read and changed on the way.

Prints one line with the URL when it serves, with --json one object: url, and token
if it was made. After SIGINT, SIGTERM or SIGHUP what is under way has five seconds
to end; commands that run longer are killed.

Exit status: 0 ended by a signal; 1 it cannot serve; 2 wrong usage.`,
		Example: `  hutch serve
  hutch --backend local:/my/project serve --addr 127.0.0.1:0 --token-file token
  hutch serve --addr :7333 --tls-cert cert.pem --tls-key key.pem`,
		Args:              args(0, 0),
		RunE:              func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", defaultAddr, "the `ADDRESS` to listen on; port 0 is any that is free")
	f.StringVar(&s.tokenFile, "token-file", "", "the `FILE` with the token")
	f.StringVar(&s.cert, "tls-cert", "", "the `FILE` with the certificate, PEM")
	f.StringVar(&s.key, "tls-key", "", "the `FILE` with its key, PEM")
	return cmd
}

func (s *serving) run(ctx context.Context) error {
	cfg, err := s.tls()
	if err != nil {
		return err
	}
	if err := s.checkAddr(cfg != nil); err != nil {
		return err
	}
	token, made, err := s.token()
	if err != nil {
		return err
	}
	w, err := s.open(nil)
	if err != nil {
		return err
	}
	h, err := server.New(storing(w), &server.Options{Token: token})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.addr, bareNet(err))
	}
	if err := s.say(l, cfg != nil, token, made); err != nil {
		l.Close()
		return err
	}
	return until(ctx, h, l, cfg)
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

// checkAddr keeps what has no TLS on this machine.
func (s *serving) checkAddr(encrypted bool) error {
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return usagef("serve: --addr %q is not HOST:PORT", s.addr)
	}
	if !encrypted && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return usagef("serve: --addr %s can be reached from other machines, and without TLS so can the token; use 127.0.0.1, or --tls-cert and --tls-key", s.addr)
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
func until(ctx context.Context, h *server.Handler, l net.Listener, cfg *tls.Config) error {
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
