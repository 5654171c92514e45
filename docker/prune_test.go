package docker

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/moby/moby/client"
)

// TestPrune: what is superseded goes, and nothing else.
func TestPrune(t *testing.T) {
	e := testEngine(t)
	o := &BuildOptions{Network: "none"}
	r := testRuntime(t, e)
	longer := r // its name begins with the name of r
	longer.Name = r.Name + "-datascience"
	t.Cleanup(func() {
		if _, err := RemoveRuntime(context.Background(), "", longer.Name); err != nil {
			t.Error(err)
		}
	})
	longer.Env = map[string]string{"A": "1"}
	other := buildTest(t, e, longer, o)
	build := func(version string) string {
		r.Env = map[string]string{"V": version}
		return buildTest(t, e, r, o)
	}
	first := build("1")
	containerOf(t, e, first, "1000:1000", "true") // never started, and still in use
	second := build("2")
	third := build("3")
	for image, want := range map[string]bool{other: true, first: true, second: false, third: true} {
		if hasImage(t, e, image) != want {
			t.Errorf("%s is there: %v", image, !want)
		}
	}
	all, err := BuiltImages(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if b.Runtime != r.Name {
			continue
		}
		if b.ID == "" || b.Size == 0 || b.Created.IsZero() || b.InUse != (b.Image == first) || b.Of(r) != (b.Image == third) {
			t.Errorf("%+v", b)
		}
	}
	r.Env = nil
	removed, err := PruneRuntimes(t.Context(), "", r)
	if err != nil || len(removed) != 1 || removed[0].Image != third || hasImage(t, e, third) || !hasImage(t, e, first) {
		t.Errorf("%+v, %v", removed, err)
	}
	if !hasImage(t, e, other) {
		t.Error("the other runtime is gone")
	}
}

func TestRemoveRuntime(t *testing.T) {
	e := testEngine(t)
	r := testRuntime(t, e)
	if _, err := RemoveRuntime(t.Context(), "", r.Name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := RemoveRuntime(t.Context(), "", "a b"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a bad name: %v", err)
	}
	image := buildTest(t, e, r, &BuildOptions{Network: "none"})
	t.Run("in use", func(t *testing.T) {
		containerOf(t, e, image, "1000:1000", "true")
		// With a second name the engine would not mind to lose the first.
		second := "hutch-test-base:" + r.Name
		if _, err := e.api.ImageTag(t.Context(), client.ImageTagOptions{Source: image, Target: second}); err != nil {
			t.Fatal(err)
		}
		defer e.api.ImageRemove(context.Background(), second, client.ImageRemoveOptions{})
		removed, err := RemoveRuntime(t.Context(), "", r.Name)
		if !errors.Is(err, fs.ErrExist) || len(removed) > 0 || !hasImage(t, e, image) {
			t.Errorf("%+v, %v", removed, err)
		}
	})
	removed, err := RemoveRuntime(t.Context(), "", r.Name)
	if err != nil || len(removed) != 1 || removed[0].Image != image || hasImage(t, e, image) {
		t.Errorf("%+v, %v", removed, err)
	}
}

// TestPruneRaced: where a container comes into being after the images were
// looked at, the engine itself keeps the image.
func TestPruneRaced(t *testing.T) {
	e := testEngine(t)
	r := testRuntime(t, e)
	image := buildTest(t, e, r, &BuildOptions{Network: "none"})
	removed, err := e.removeImages(t.Context(), r.Name, func(BuiltImage) bool {
		containerOf(t, e, image, "1000:1000", "true")
		return true
	})
	if err != nil || len(removed) > 0 || !hasImage(t, e, image) {
		t.Errorf("%+v, %v", removed, err)
	}
}

func TestBuildWithoutEngine(t *testing.T) {
	const nowhere = "unix:///nowhere/docker.sock"
	r := Runtime{Name: "x", Base: "debian"}
	_, err1 := r.Build(t.Context(), &BuildOptions{Host: nowhere})
	_, err2 := BuiltImages(t.Context(), nowhere)
	_, err3 := PruneRuntimes(t.Context(), nowhere, r)
	_, err4 := RemoveRuntime(t.Context(), nowhere, "x")
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, ErrNoEngine) {
			t.Error(err)
		}
	}
}
