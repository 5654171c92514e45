package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/rogpeppe/go-internal/testscript"
)

// dockImage is a small system with a shell, which whoever runs the tests makes.
const dockImage = "hutch-base"

// noDocker is why there can be no container here.
var noDocker = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sb, err := docker.Open(ctx, &docker.Options{Image: dockImage, Plain: true})
	if err != nil {
		return err
	}
	return sb.Close()
})

// dockHelper is a helper for containers: a static build of this program.
var dockHelper = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hutch-helper-")
	if err != nil {
		return "", err
	}
	prog := filepath.Join(dir, "hutch-linux-"+runtime.GOARCH)
	build := exec.Command("go", "build", "-buildvcs=false", "-o", prog, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return prog, nil
})

// TestScriptsDocker runs the scripts that must hold on every backend, and those
// that are about containers, on a container each.
func TestScriptsDocker(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	if err := noDocker(); err != nil {
		need.Lacking(t, "docker", err)
	}
	helper, err := dockHelper()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(filepath.Dir(helper))
	for _, dir := range []string{"both", "docker"} {
		t.Run(dir, func(t *testing.T) {
			runScriptsWith(t, "testdata/script/"+dir, func(e *testscript.Env) error { return dockEnv(e, helper) })
		})
	}
}

// dockEnv gives a script a container of its own, called box in the config file.
func dockEnv(e *testscript.Env, helper string) error {
	name := fmt.Sprintf("hutch-test-%x", rand.Uint64())
	config := fmt.Sprintf("[backends.box]\nurl = %q\nname = %q\n", "docker:"+dockImage, name)
	file := e.WorkDir + "/box.toml"
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return err
	}
	e.Setenv("HUTCH_CONFIG", file)
	e.Setenv("HUTCH_HELPER", helper)
	e.Setenv("BACKEND", "box")
	e.Setenv("IMAGE", dockImage)
	e.Setenv("NAME", name)
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		e.Setenv("DOCKER_HOST", host)
	}
	e.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if sb, err := docker.Attach(ctx, name, nil); err == nil {
			_ = errors.Join(sb.Close())
		}
	})
	return nil
}
