package docker

import (
	"context"
	"errors"
	"io"
)

// BuildOptions qualifies the building of a runtime's image.
type BuildOptions struct {
	// Progress gets what the build does, in lines for people to read; nil is
	// for nobody. It is called from one goroutine at a time.
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

// imageOf is the name of the image that r runs, which is there when it returns.
func (e *engine) imageOf(ctx context.Context, r Runtime, o *BuildOptions) (image string, err error) {
	return "", errors.New("to come")
}

// imageHere pulls image, a name or an id, where the engine does not have it, and
// returns its id.
func (e *engine) imageHere(ctx context.Context, image string, progress io.Writer) (id string, err error) {
	return "", errors.New("to come")
}
