package docker

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// BuiltImage is an image that was built from a runtime.
type BuiltImage struct {
	Runtime string    // the name of the runtime
	Image   string    // its name, "" if another one has taken the name over
	ID      string    // "sha256:…"
	Size    int64     // in bytes, the base included
	Created time.Time // when it was built
	InUse   bool      // there are containers of it, running or not

	data string
}

// Of reports whether b was built from the data that r has now. The base may
// have changed since.
func (b BuiltImage) Of(r Runtime) bool {
	return b.Runtime == r.Name && b.data == r.hash("")
}

// BuiltImages are the images of all runtimes that the engine at host has, by
// the names of the runtimes and the newest first. host is as in Options.
func BuiltImages(ctx context.Context, host string) ([]BuiltImage, error) {
	e, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer e.close()
	return e.builtImages(ctx, client.Filters{}.Add("label", labelRuntime))
}

// PruneRuntimes removes from the engine at host the superseded images of the
// runtimes given: those that were built from other data than these have now,
// and those whose name another one has taken over. Images of other runtimes,
// and images of which there is a container, stay. It returns what was removed.
func PruneRuntimes(ctx context.Context, host string, keep ...Runtime) ([]BuiltImage, error) {
	e, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer e.close()
	var removed []BuiltImage
	for _, r := range keep {
		superseded := func(b BuiltImage) bool { return !b.Of(r) || b.Image == "" }
		some, err := e.removeImages(ctx, r.Name, superseded)
		removed = append(removed, some...)
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// RemoveRuntime removes all images of the runtime called name from the engine at
// host, and returns them. If there are none the error matches fs.ErrNotExist;
// if there are containers of one, that one stays and is an error that matches
// fs.ErrExist.
func RemoveRuntime(ctx context.Context, host, name string) ([]BuiltImage, error) {
	if !runtimeNames().MatchString(name) {
		return nil, fmt.Errorf("runtime %q: %w: that is no name of one", name, fs.ErrInvalid)
	}
	e, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer e.close()
	all, err := e.builtImages(ctx, runtimeFilter(name))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &causeError{fmt.Sprintf("runtime %q: no image of it has been built", name), []error{fs.ErrNotExist}}
	}
	removed, err := e.removeImages(ctx, name, func(BuiltImage) bool { return true })
	if err == nil && len(removed) < len(all) {
		err = &causeError{fmt.Sprintf("runtime %q: there are containers of %d of its images; remove them first", name, len(all)-len(removed)), []error{fs.ErrExist}}
	}
	return removed, err
}

// pruneRuntime removes what the image with this hash supersedes.
func (e *engine) pruneRuntime(ctx context.Context, name, hash string) ([]BuiltImage, error) {
	current := target{Runtime{Name: name}, hash}.tag()
	return e.removeImages(ctx, name, func(b BuiltImage) bool { return b.Image != current })
}

func runtimeFilter(name string) client.Filters {
	return client.Filters{}.Add("label", labelRuntime+"="+name)
}

// removeImages removes images of one runtime of which there are no containers.
func (e *engine) removeImages(ctx context.Context, name string, which func(BuiltImage) bool) ([]BuiltImage, error) {
	all, err := e.builtImages(ctx, runtimeFilter(name))
	if err != nil {
		return nil, err
	}
	var removed []BuiltImage
	for _, b := range all {
		if b.Runtime != name || b.InUse || !which(b) {
			continue
		}
		ref := b.Image
		if ref == "" {
			ref = b.ID
		}
		// Without force, so that the engine refuses where a container has come
		// into being since it was asked.
		_, err := e.api.ImageRemove(ctx, ref, client.ImageRemoveOptions{PruneChildren: true})
		switch {
		case err == nil:
			removed = append(removed, b)
		case cerrdefs.IsConflict(err) || notFound(err):
			// In use, or somebody else was faster.
		default:
			return removed, e.failed("remove image "+ref, err)
		}
	}
	return removed, nil
}

// builtImages are the images that a filter lets through.
func (e *engine) builtImages(ctx context.Context, filter client.Filters) ([]BuiltImage, error) {
	list, err := e.api.ImageList(ctx, client.ImageListOptions{Filters: filter})
	if err != nil {
		return nil, e.failed("list images", err)
	}
	used, err := e.usedImages(ctx)
	if err != nil {
		return nil, err
	}
	var all []BuiltImage
	for _, i := range list.Items {
		b := BuiltImage{
			Runtime: i.Labels[labelRuntime], data: i.Labels[labelData],
			ID: i.ID, Size: i.Size, Created: time.Unix(i.Created, 0), InUse: used[i.ID],
		}
		for _, tag := range i.RepoTags {
			if strings.HasPrefix(tag, builtName+":") {
				b.Image = tag
			}
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b BuiltImage) int {
		if c := strings.Compare(a.Runtime, b.Runtime); c != 0 {
			return c
		}
		return b.Created.Compare(a.Created)
	})
	return all, nil
}

// usedImages are the ids of the images of all containers.
func (e *engine) usedImages(ctx context.Context) (map[string]bool, error) {
	list, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, e.failed("list containers", err)
	}
	used := map[string]bool{}
	for _, c := range list.Items {
		used[c.ImageID] = true
	}
	return used, nil
}
