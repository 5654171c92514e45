package docker

import (
	"context"
	"io"

	"github.com/moby/moby/client"
)

// imageHere pulls image, a name or an id, where the engine does not have it, and
// returns its id. Registries are asked without credentials: who needs some pulls
// with the tools of his engine.
func (e *engine) imageHere(ctx context.Context, image string, progress io.Writer) (id string, err error) {
	id, err = e.imageID(ctx, image)
	if !notFound(err) {
		return id, err
	}
	if err := e.pull(ctx, image, progress); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", &causeError{"docker: image " + image + " is not here and could not be pulled: " + said(err), []error{err}}
	}
	return e.imageID(ctx, image)
}

// imageID is the id of an image that the engine has. If it has none the error
// is notFound.
func (e *engine) imageID(ctx context.Context, image string) (string, error) {
	img, err := e.api.ImageInspect(ctx, image)
	switch {
	case err == nil:
		return img.ID, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case notFound(err):
		return "", err
	}
	return "", e.failed("look for image "+image, err)
}

func (e *engine) pull(ctx context.Context, image string, progress io.Writer) error {
	stream, err := e.api.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	log := &buildLog{progress: progress}
	log.begin("PULL " + image)
	for m, err := range stream.JSONMessages(ctx) {
		switch {
		case err != nil:
			return err
		case m.Error != nil:
			return m.Error
		case m.Status == "" || m.Progress != nil && m.Progress.Total > 0:
			// How far each layer is, many times a second.
		case m.ID != "":
			log.note(m.ID + ": " + m.Status)
		default:
			log.note(m.Status)
		}
	}
	return nil
}
