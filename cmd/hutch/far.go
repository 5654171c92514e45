package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/remote"
)

// farConfig is what a backend at a URL has besides.
type farConfig struct {
	TokenFile string `toml:"token_file"`
	CAFile    string `toml:"ca_file"`
	Insecure  bool   `toml:"insecure"`
}

// isFar reports whether a URL is that of a server.
func isFar(url string) bool {
	return strings.HasPrefix(url, "http:") || strings.HasPrefix(url, "https:")
}

// far connects to a server.
func (o *opener) far(url, dir string, with *backendConfig) (made, error) {
	if o.adjust != nil {
		var asked local.Options
		o.adjust(&asked)
		asked.Limits = local.Options{}.Limits // these go with the command
		if !reflect.ValueOf(asked).IsZero() {
			return made{}, usagef("how commands are confined is up to the server: --isolation, --network, --host-path and --visible are not for %s", shownURL(url))
		}
	}
	opts, err := with.far(dir)
	if err != nil {
		return made{}, err
	}
	b, err := remote.Dial(o.c.in.ctx, url, opts)
	if err != nil {
		return made{}, fmt.Errorf("open %s: %w", shownURL(url), bare(err))
	}
	o.w.fars = append(o.w.fars, b)
	return made{b: b, id: shownURL(url)}, nil
}

// shownURL is a URL without what may be a secret in it.
func shownURL(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}

// far is how to connect. Files are relative to dir.
func (b *backendConfig) far(dir string) (*remote.Options, error) {
	o := &remote.Options{Token: os.Getenv("HUTCH_TOKEN"), Insecure: b.Insecure}
	if b.TokenFile != "" {
		token, err := readToken(inDir(dir, b.TokenFile))
		if err != nil {
			return nil, err
		}
		o.Token = token
	}
	if b.CAFile == "" {
		return o, nil
	}
	pem, err := os.ReadFile(inDir(dir, b.CAFile))
	if err != nil {
		return nil, fmt.Errorf("ca_file %s: %w", b.CAFile, bare(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no certificate", b.CAFile)
	}
	o.TLS = &tls.Config{RootCAs: pool}
	return o, nil
}

// readToken reads a token, which is the only line of a file.
func readToken(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file %s: %w", file, bare(err))
	}
	token := strings.TrimSpace(string(data))
	if token == "" || strings.ContainsAny(token, "\r\n\t ") {
		return "", fmt.Errorf("token file %s does not hold a token and nothing else", file)
	}
	return token, nil
}

// checkFar finds what does not fit together in the config file.
func (b *backendConfig) checkFar() error {
	switch {
	case isFar(b.URL) && b.hasOptions():
		return fmt.Errorf("%s takes token_file, ca_file and insecure, and no other options", shownURL(b.URL))
	case !isFar(b.URL) && b.farConfig != farConfig{}:
		return errors.New("token_file, ca_file and insecure are for the URLs of servers")
	}
	return nil
}
