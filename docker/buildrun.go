package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
)

// build builds an image with the best builder that the engine has.
func (e *engine) build(ctx context.Context, want target, o *BuildOptions) error {
	kit, err := e.hasBuildKit(ctx)
	if err != nil {
		return err
	}
	if kit && !o.Classic {
		err := e.buildWith(ctx, build.BuilderBuildKit, want, o)
		if !errors.Is(err, errNoBuildKit) {
			return err
		}
		(&buildLog{progress: o.Progress}).note(err.Error() + "; going on with the classic builder")
	}
	return e.buildWith(ctx, build.BuilderV1, want, o)
}

// hasBuildKit reports whether BuildKit is worth a try: engines for Linux have it
// since Docker 20.10 with all that is needed here, also those that do not
// announce it because it was not their default yet.
func (e *engine) hasBuildKit(ctx context.Context) (bool, error) {
	ping, err := e.api.Ping(ctx, client.PingOptions{})
	if err != nil {
		return false, e.failed("ask for the builder", err)
	}
	return ping.OSType != "windows" && versions.GreaterThanOrEqualTo(e.api.ClientVersion(), "1.41"), nil
}

// errNoBuildKit: the engine has no BuildKit, or none that works in this way.
var errNoBuildKit = errors.New("BuildKit cannot be used here")

// buildWith builds an image with one builder.
func (e *engine) buildWith(ctx context.Context, with build.BuilderVersion, want target, o *BuildOptions) error {
	kit := with == build.BuilderBuildKit
	file := want.runtime.instructions(kit)
	res, err := e.api.ImageBuild(ctx, buildContext(dockerfile(file)), client.ImageBuildOptions{
		Version:     with,
		Tags:        []string{want.tag()},
		Labels:      want.labels(),
		NoCache:     o.NoCache,
		NetworkMode: o.Network,
		Remove:      true,
		ForceRemove: true,
	})
	log := &buildLog{progress: o.Progress}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && kit && refused(err):
		return fmt.Errorf("%w: %s", errNoBuildKit, said(err))
	case err != nil:
		return log.failure(want.runtime.Name, errors.New(said(err)))
	}
	defer res.Body.Close()
	follow := (&classicLog{log, file}).message
	if kit {
		follow = (&kitLog{buildLog: log, file: file}).message
	}
	err = messages(res.Body, follow)
	log.flush()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil || log.failed != nil:
		return log.failed
	case kit && lacksSupport(err):
		return fmt.Errorf("%w: %w", errNoBuildKit, reason(err))
	}
	return log.failure(want.runtime.Name, reason(err))
}

// refused reports whether the engine did not take a request for what it is.
func refused(err error) bool {
	return cerrdefs.IsInvalidArgument(err) || cerrdefs.IsNotImplemented(err) || cerrdefs.IsNotFound(err) ||
		strings.Contains(strings.ToLower(err.Error()), "buildkit")
}

// lacksSupport reports whether BuildKit failed for what it lacks here: its
// client's side, or the network that it wants for every command.
func lacksSupport(err error) bool {
	text := err.Error()
	return strings.Contains(text, "no active session") || strings.Contains(text, "session required") ||
		strings.Contains(text, "network bridge not found")
}

// buildContext is all that a build is given: the Dockerfile.
func buildContext(dockerfile string) io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	// Writing into memory cannot fail.
	_ = w.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(dockerfile)), Format: tar.FormatUSTAR})
	_, _ = io.WriteString(w, dockerfile)
	_ = w.Close()
	return &b
}

// messages hands every message of a build to follow. A message that says that
// the build has failed is an error.
func messages(body io.Reader, follow func(jsonstream.Message) error) error {
	dec := json.NewDecoder(body)
	for {
		var m jsonstream.Message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the engine broke off: %w", err)
		case m.Error != nil:
			return m.Error
		}
		if err := follow(m); err != nil {
			return err
		}
	}
}
