package docker

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/need"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// builders runs a test with every builder of the engine.
func builders(t *testing.T, test func(t *testing.T, e *engine, o *BuildOptions)) {
	for _, classic := range []bool{false, true} {
		name := map[bool]string{false: "buildkit", true: "classic"}[classic]
		t.Run(name, func(t *testing.T) {
			if classic {
				slow(t)
			}
			e := testEngine(t)
			if kit, err := e.hasBuildKit(t.Context()); err != nil || !kit && !classic {
				need.Lacking(t, "docker", fmt.Sprintf("no BuildKit: %v", err))
			}
			test(t, e, &BuildOptions{Classic: classic, Network: "none"})
		})
	}
}

// slow is for tests that fetch from Debian, and those with the classic builder,
// which starts a container for every step.
func slow(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
}

// testRuntime is a runtime that nobody else has; its images go with the test.
func testRuntime(t *testing.T, e *engine) Runtime {
	r := Runtime{Name: "test-" + strings.ToLower(rand.Text()), Base: testImage}
	t.Cleanup(func() {
		if _, err := e.removeImages(context.Background(), r.Name, func(BuiltImage) bool { return true }); err != nil {
			t.Error(err)
		}
	})
	return r
}

func buildTest(t *testing.T, e *engine, r Runtime, o *BuildOptions) string {
	t.Helper()
	image, err := e.imageOf(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// inside runs a script in a container of image and returns what it printed.
func inside(t *testing.T, e *engine, image, user, script string) string {
	t.Helper()
	id := containerOf(t, e, image, user, "exec 2>&1; "+script) // in the order it was printed
	wait := e.api.ContainerWait(t.Context(), id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := e.api.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		t.Fatal(err)
	}
	logs, err := e.api.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, logs); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// containerOf makes a container that is not started and goes with the test.
func containerOf(t *testing.T, e *engine, image, user, script string) string {
	t.Helper()
	c, err := e.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: image, User: user, Cmd: []string{"sh", "-c", script}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := e.api.ContainerRemove(context.Background(), c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	return c.ID
}

func hasImage(t *testing.T, e *engine, image string) bool {
	t.Helper()
	_, err := e.imageID(t.Context(), image)
	if err != nil && !notFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestBuildOnce(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"true"}
		var first, second, anew bytes.Buffer
		o.Progress = &first
		image := buildTest(t, e, r, o)
		id, _ := e.imageID(t.Context(), image)
		if !strings.Contains(first.String(), "make the user and /workspace\n") || !strings.Contains(first.String(), "] true\n") {
			t.Errorf("progress: %q", first.String())
		}
		if !strings.HasPrefix(image, "hutch-runtime:"+r.Name+"-") {
			t.Errorf("image %q", image)
		}
		o.Progress = &second
		r.Description = "of no interest"
		if again := buildTest(t, e, r, o); again != image || second.Len() > 0 {
			t.Errorf("built again: %s %q", again, second.String())
		}
		o.Progress, o.NoCache = &anew, true
		if again := buildTest(t, e, r, o); again != image || anew.Len() == 0 {
			t.Errorf("not built anew: %s", again)
		}
		if now, _ := e.imageID(t.Context(), image); now == id {
			t.Error("anew gives the same image")
		}
		if all, err := e.builtImages(t.Context(), runtimeFilter(r.Name)); err != nil || len(all) != 1 {
			t.Errorf("%d images: %+v, %v", len(all), all, err)
		}
	})
}

// TestBuildForged: an image that only has the name is not what is wanted, be it
// anybody's or one of the same runtime.
func TestBuildForged(t *testing.T) {
	e := testEngine(t)
	o := &BuildOptions{Network: "none"}
	base, err := e.imageID(t.Context(), testImage)
	if err != nil {
		t.Fatal(err)
	}
	other := testRuntime(t, e)
	other.Env = map[string]string{"OTHER": "1"}
	for _, forge := range []func() string{func() string { return testImage }, func() string { return buildTest(t, e, other, o) }} {
		r, forged := other, forge()
		r.Env = nil
		tag := target{r, r.hash(base)}.tag()
		if _, err := e.api.ImageTag(t.Context(), client.ImageTagOptions{Source: forged, Target: tag}); err != nil {
			t.Fatal(err)
		}
		id, err := e.imageID(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		if image := buildTest(t, e, r, o); image != tag {
			t.Errorf("%s, not %s", image, tag)
		}
		if now, err := e.imageID(t.Context(), tag); now == id || err != nil {
			t.Errorf("the forged image is used, or %v", err)
		}
	}
}

// TestBuildBaseChanges: another base is another image; without any base what
// was built on it serves.
func TestBuildBaseChanges(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		other := testRuntime(t, e)
		other.Setup = []string{"echo other >/etc/other"}
		r := testRuntime(t, e)
		r.Base = "hutch-test-base:" + r.Name
		name := func(image string) {
			if _, err := e.api.ImageTag(t.Context(), client.ImageTagOptions{Source: image, Target: r.Base}); err != nil {
				t.Fatal(err)
			}
		}
		forget := func() { _, _ = e.api.ImageRemove(context.Background(), r.Base, client.ImageRemoveOptions{}) }
		t.Cleanup(forget)
		name(testImage)
		first := buildTest(t, e, r, o)
		name(buildTest(t, e, other, o))
		second := buildTest(t, e, r, o)
		if first == second {
			t.Errorf("both are %s", first)
		}
		if got := inside(t, e, second, "1000:1000", "cat /etc/other"); got != "other\n" {
			t.Errorf("%q", got)
		}
		if hasImage(t, e, first) {
			t.Error("the first is still there")
		}
		forget()
		if third := buildTest(t, e, r, o); third != second {
			t.Errorf("without the base it is %s", third)
		}
	})
}

func TestBuildPullFails(t *testing.T) {
	e := testEngine(t)
	r := testRuntime(t, e)
	r.Base = "127.0.0.1:1/no/such:1"
	_, err := e.imageOf(t.Context(), r, nil)
	if err == nil || !strings.Contains(err.Error(), "image 127.0.0.1:1/no/such:1 is not here and could not be pulled: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	r.Image, r.Base = r.Base, ""
	if _, err2 := e.imageOf(t.Context(), r, nil); err2 == nil || err2.Error() != err.Error() {
		t.Errorf("%v", err2)
	}
}

// TestBuildRefused: bad data do not reach the engine, which is not there.
func TestBuildRefused(t *testing.T) {
	e := &engine{}
	if _, err := e.imageOf(t.Context(), Runtime{Name: "x", Base: "debian", Packages: []string{"-x"}}, nil); err == nil {
		t.Error("a bad package is accepted")
	}
	if _, err := e.imageOf(t.Context(), Runtime{Name: "x", Base: "debian"}, &BuildOptions{Network: "a b"}); err == nil {
		t.Error("a bad network is accepted")
	}
}
