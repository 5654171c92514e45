package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// ErrNoEngine is matched by the error of anything that finds no Docker engine
// to talk to. Its text says what to install or to start.
var ErrNoEngine = errors.New("no Docker engine can be reached")

// engine is a connection to a Docker engine.
type engine struct {
	api  *client.Client
	host string // the address in use
}

// dial finds the engine at host, an address as $DOCKER_HOST has it. "" is
// $DOCKER_HOST, else the first of the usual sockets that is there.
func dial(ctx context.Context, host string) (*engine, error) {
	host = engineHost(host)
	opts := []client.Opt{client.WithTLSClientConfigFromEnv(), client.WithAPIVersionFromEnv()}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	api, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("docker: address of the engine: %w", err)
	}
	e := &engine{api: api, host: api.DaemonHost()}
	if _, err := api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		api.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, e.unreachable(err)
	}
	return e, nil
}

func (e *engine) close() { e.api.Close() }

func engineHost(host string) string {
	if host != "" {
		return host
	}
	if env := os.Getenv(client.EnvOverrideHost); env != "" {
		return env
	}
	home, _ := os.UserHomeDir()
	for _, socket := range []string{
		"/var/run/docker.sock",
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "docker.sock"), // an engine without root
		filepath.Join(home, ".docker/run/docker.sock"),             // Docker Desktop
	} {
		if info, err := os.Stat(socket); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix://" + socket
		}
	}
	return ""
}

// unreachable is the error of an engine that does not answer.
func (e *engine) unreachable(err error) error {
	why := "it does not answer"
	socket, isSocket := strings.CutPrefix(e.host, "unix://")
	switch _, statErr := os.Stat(socket); {
	case errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "permission denied"):
		why = "this user may not use it; join the group docker, or set $DOCKER_HOST to an engine of your own"
	case isSocket && statErr != nil:
		why = "there is none; " + installHint()
	case isSocket:
		why = "nobody listens there; start it (sudo systemctl start docker, or dockerd by hand)"
	}
	return &causeError{fmt.Sprintf("%v at %s: %s", ErrNoEngine, e.host, why), []error{ErrNoEngine, err}}
}

func installHint() string {
	if runtime.GOOS != "linux" {
		return "install and start Docker Desktop, or set $DOCKER_HOST"
	}
	return "install one (Debian, Ubuntu: sudo apt-get install docker.io; Fedora: sudo dnf install moby-engine) or set $DOCKER_HOST"
}

// causeError has a text of its own and the meanings of its causes.
type causeError struct {
	text   string
	causes []error
}

func (e *causeError) Error() string   { return e.text }
func (e *causeError) Unwrap() []error { return e.causes }

// said is what the engine has to say: one line, without its boilerplate and of
// bounded length.
func said(err error) string {
	text, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	for _, prefix := range []string{
		"Error response from daemon: ", "Error: ", "failed to create shim task: ", "failed to create task for container: ",
		"OCI runtime create failed: ", "runc create failed: ", "unable to start container process: ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	return clip(text, maxSaid)
}

const maxSaid = 400

func notFound(err error) bool { return cerrdefs.IsNotFound(err) }

// going says that somebody else is removing the thing already.
func going(err error) bool {
	return cerrdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress")
}
