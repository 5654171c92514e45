package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/hutch-dev/hutch/mcpserver"
)

// mcpPath is where clients find the tools.
const mcpPath = "/mcp"

// checkAddr keeps the tools on this machine.
func (m *mcpVerb) checkAddr() error {
	if m.addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(m.addr)
	if err != nil {
		return usagef("mcp: --http %q is not HOST:PORT", m.addr)
	}
	if host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return usagef("mcp: --http %s can be reached from other machines, and so could the token be read on the way; use 127.0.0.1", m.addr)
	}
	return nil
}

func (m *mcpVerb) serveHTTP(ctx context.Context, s *mcpserver.Server) error {
	serve := &serving{cli: m.cli, tokenFile: m.tokenFile}
	token, made, err := serve.token()
	if err != nil {
		return err
	}
	h, err := s.Handler(&mcpserver.HTTPOptions{Token: token})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", m.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", m.addr, bareNet(err))
	}
	if err := serve.sayURL("http://"+l.Addr().String()+mcpPath, token, made); err != nil {
		l.Close()
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(mcpPath, h)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
		l.Close()
	}
	_ = s.Close() // ends the requests under way
	_ = srv.Close()
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}
