package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/moby/moby/client"
)

// BuildOptions qualifies the building of a runtime's image.
type BuildOptions struct {
	// Progress gets what the build does, in lines for people to read; nil is
	// for nobody. It is called from one goroutine at a time. Lines hold what
	// the commands of the build printed as it is: who shows them on a terminal
	// takes out control characters.
	Progress io.Writer
	// NoCache builds also where the image is there, and every step anew.
	NoCache bool
	// Network is the engine's network for the build: "none", "host", or one
	// that was made there; "" is the engine's default.
	Network string
	// Host is the address of the engine as $DOCKER_HOST has it; "" as in Options.
	Host string
	// Classic uses the classic builder also where the engine has BuildKit.
	Classic bool
}

func (o *BuildOptions) check() error {
	if o.Network != "" && !networkPattern.MatchString(o.Network) {
		return bad("network %q of the build is not the name of one", o.Network)
	}
	return nil
}

// The labels of images that were built here. Their values decide, never the
// names of images, since one name can be the beginning of another.
const (
	labelRuntime = "dev.hutch.runtime" // the exact name
	labelHash    = "dev.hutch.hash"    // of the data and the base
	labelData    = "dev.hutch.data"    // of the data alone
)

// builtName is the name of all images that were built here, without the tag.
const builtName = "hutch-runtime"

// Build makes sure that the image of r is on the engine and returns its name.
// It is built only where there is none of the same data and the same base; then
// those that it supersedes are removed, as by [PruneRuntimes]. A ready image is
// pulled where it is missing. opts may be nil.
//
// A build that fails is a [*BuildError]; what the engine has of it is gone,
// except for its cache. When ctx ends the build is stopped on the engine too.
func (r Runtime) Build(ctx context.Context, opts *BuildOptions) (image string, err error) {
	host := ""
	if opts != nil {
		host = opts.Host
	}
	e, err := dial(ctx, host)
	if err != nil {
		return "", err
	}
	defer e.close()
	return e.imageOf(ctx, r, opts)
}

// imageOf is Build on an engine.
func (e *engine) imageOf(ctx context.Context, r Runtime, o *BuildOptions) (image string, err error) {
	if o == nil {
		o = &BuildOptions{}
	}
	if err := r.Check(); err != nil {
		return "", err
	}
	if err := o.check(); err != nil {
		return "", err
	}
	if r.Image != "" {
		_, err := e.imageHere(ctx, r.Image, o.Progress)
		return r.Image, err
	}
	base, err := e.imageID(ctx, r.Base)
	if notFound(err) && !o.NoCache {
		// The base may be gone while what was built on it is still there.
		if image, err := e.builtOf(ctx, r); image != "" || err != nil {
			return image, err
		}
	}
	if err != nil {
		if base, err = e.imageHere(ctx, r.Base, o.Progress); err != nil {
			return "", err
		}
	}
	return e.builtOn(ctx, r, base, o)
}

// builtOn is the image of r on the base with this id.
func (e *engine) builtOn(ctx context.Context, r Runtime, base string, o *BuildOptions) (image string, err error) {
	want := target{runtime: r, hash: r.hash(base)}
	// Many sandboxes that open at once want one build.
	done, err := builds.enter(ctx, e.host+" "+want.tag())
	if err != nil {
		return "", err
	}
	defer done()
	if !o.NoCache {
		if ok, err := e.isBuilt(ctx, want); ok || err != nil {
			return want.tag(), err
		}
	}
	err = e.build(ctx, want, o)
	if err != nil && ctx.Err() == nil && lostStep(err) {
		err = e.buildAgain(ctx, want, o)
	}
	if err != nil {
		return "", err
	}
	if ok, err := e.isBuilt(ctx, want); !ok {
		if err == nil {
			err = errors.New("the engine has ended the build without an image")
		}
		return "", &BuildError{Runtime: r.Name, Err: err}
	}
	// What cannot be removed now is superseded still when the next one is built.
	_, _ = e.pruneRuntime(ctx, r.Name, want.hash)
	return want.tag(), nil
}

// buildAgain is for a build that another process has taken a step of away: it
// built the same runtime and then removed what it took for superseded. Mostly
// its image is what was wanted.
func (e *engine) buildAgain(ctx context.Context, want target, o *BuildOptions) error {
	if ok, err := e.isBuilt(ctx, want); err != nil || ok && !o.NoCache {
		return err
	}
	return e.build(ctx, want, o)
}

// lostStep reports whether the classic builder has lost the image of one of its
// own steps. It has no kind of error for that.
func lostStep(err error) bool { return strings.Contains(err.Error(), "failed to get digest sha256:") }

// target is an image to be there.
type target struct {
	runtime Runtime
	hash    string
}

func (t target) tag() string { return builtName + ":" + t.runtime.Name + "-" + t.hash[:12] }

func (t target) labels() map[string]string {
	return map[string]string{labelRuntime: t.runtime.Name, labelHash: t.hash, labelData: t.runtime.hash("")}
}

// hash is of everything that the image depends on: the data as they are in the
// Dockerfile, who wrote it, and the base. Without a base it is of the data.
func (r Runtime) hash(base string) string {
	text, _ := json.Marshal([]any{generator, r.Name, r.Dockerfile(), base})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// isBuilt reports whether an image is there and is what its name says.
func (e *engine) isBuilt(ctx context.Context, want target) (bool, error) {
	img, err := e.api.ImageInspect(ctx, want.tag())
	switch {
	case notFound(err):
		return false, nil
	case err != nil:
		return false, e.failed("look for image "+want.tag(), err)
	}
	return img.Config != nil && img.Config.Labels[labelRuntime] == want.runtime.Name && img.Config.Labels[labelHash] == want.hash, nil
}

// builtOf is the name of an image that was built from the data of r, whatever
// the base was then, or "".
func (e *engine) builtOf(ctx context.Context, r Runtime) (string, error) {
	all, err := e.builtImages(ctx, client.Filters{}.Add("label", labelRuntime+"="+r.Name, labelData+"="+r.hash("")))
	if err != nil {
		return "", err
	}
	for _, b := range all {
		if b.Image != "" && b.Of(r) {
			return b.Image, nil
		}
	}
	return "", nil
}

// failed is the error of a call of the engine that was to do something.
func (e *engine) failed(what string, err error) error {
	return &causeError{"docker: " + what + ": " + said(err), []error{err}}
}
