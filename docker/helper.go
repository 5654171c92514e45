package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// EnvHelper is the environment variable that names the program to put into
// containers: a file, or a directory with hutch-linux-amd64, hutch-linux-arm64.
const EnvHelper = "HUTCH_HELPER"

const (
	helperVolume = "hutch-helper-" // and the beginning of the program's hash
	helperFile   = "hutch"
	modulePath   = "github.com/hutch-dev/hutch"
)

// program is a file that can be the helper.
type program struct {
	path string
	size int64
	hash string
}

func (p *program) volume() string { return helperVolume + p.hash[:16] }

// findHelper finds the program for containers of an architecture: the one that
// is named, else that of $HUTCH_HELPER, else the running program itself, which
// has the helper in it because it imports this package.
func findHelper(named, arch string) (*program, error) {
	if named = first(named, os.Getenv(EnvHelper)); named != "" {
		if info, err := os.Stat(named); err == nil && info.IsDir() {
			named = filepath.Join(named, "hutch-linux-"+arch)
		}
	} else if runtime.GOOS == "linux" {
		named = "/proc/self/exe"
	}
	why := errors.New("this program is not one for Linux")
	if named != "" {
		p, err := examine(named, arch)
		if err == nil {
			return p, nil
		}
		why = err
	}
	return nil, fmt.Errorf("%w; build one with CGO_ENABLED=0 GOOS=linux GOARCH=%s go build %s/cmd/hutch and name it in $%s",
		why, arch, modulePath, EnvHelper)
}

var examined sync.Map // path, size and time of change: *program

// examine looks whether a file is a static program of ours. Its errors hold no
// path: it may come from the environment.
func examine(file, arch string) (*program, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the helper program cannot be read: %w", errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("the helper program is not a file")
	}
	key := fmt.Sprint(file, info.Size(), info.ModTime(), arch)
	if p, ok := examined.Load(key); ok {
		return p.(*program), nil
	}
	if err := suits(f, arch); err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, info.Size())); err != nil {
		return nil, errors.New("the helper program cannot be read")
	}
	p := &program{file, info.Size(), hex.EncodeToString(h.Sum(nil))}
	examined.Store(key, p)
	return p, nil
}

func suits(f *os.File, arch string) error {
	e, err := elf.NewFile(f)
	if err != nil {
		return errors.New("the helper program is not one for Linux")
	}
	machine := map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[e.Machine]
	if machine != arch {
		return fmt.Errorf("the helper program is not one for linux/%s", arch)
	}
	for _, p := range e.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the helper program needs libraries of its machine; CGO_ENABLED=0 makes one that does not")
		}
	}
	b, err := buildinfo.Read(f)
	if err != nil {
		return errors.New("the helper program was not made with Go")
	}
	ours := b.Main.Path == modulePath
	for _, d := range b.Deps {
		ours = ours || d.Path == modulePath
	}
	if !ours {
		return errors.New("the helper program has no hutch in it")
	}
	return nil
}

// place puts the program into its volume, from which every container of the
// engine has it. image is any image that is there.
func (e *engine) place(ctx context.Context, p *program, image string) error {
	made, err := e.api.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image: image, Entrypoint: []string{"/nothing"}, Labels: map[string]string{labelPrefix + "placing": p.hash},
		},
		HostConfig: &container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{{
			Type: mount.TypeVolume, Source: p.volume(), Target: "/.hutch-place",
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: map[string]string{labelPrefix + "helper": p.hash}},
		}}},
	})
	if err != nil {
		return err
	}
	defer e.remove(context.WithoutCancel(ctx), made.ID)
	f, err := os.Open(p.path)
	if err != nil {
		return errors.New("the helper program cannot be read")
	}
	defer f.Close()
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: helperFile, Size: p.size, Mode: 0o755})
		if err == nil {
			_, err = io.Copy(t, f)
		}
		w.CloseWithError(errors.Join(err, t.Close()))
	}()
	_, err = e.api.CopyToContainer(ctx, made.ID, client.CopyToContainerOptions{DestinationPath: "/.hutch-place", Content: r})
	r.CloseWithError(io.ErrClosedPipe) // so that the writer above ends, whatever the engine has read
	return err
}
