package docker

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/hutch-dev/hutch/internal/helper"
)

// blueprint is everything that makes a container.
type blueprint struct {
	*identity
	opts   *Options
	image  string
	helper *program // nil without
	socket string   // the folder of the owner's socket on this machine, "" without
}

func (b *blueprint) config() *container.Config {
	c := &container.Config{
		Image: b.image, User: b.opts.User, WorkingDir: b.root, Labels: b.labels(b.opts),
		Env: b.env(), Hostname: "hutch",
		Entrypoint: []string{b.program(), "hutch-helper", "serve"}, Cmd: []string{},
		OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	if b.helper == nil {
		c.Entrypoint = []string{"/bin/sh", "-c", plainInit(b.identity)}
	}
	if b.opts.Network == "host" {
		c.Hostname = ""
	}
	return c
}

// env leaves out the image's own environment, which the engine adds below it.
func (b *blueprint) env() []string {
	home, name := userHome, "user"
	if b.opts.root() {
		home, name = "/root", "root"
	}
	env := append(DefaultEnv(), "HOME="+home, "USER="+name, "LOGNAME="+name)
	if r := b.opts.Runtime; r != nil {
		for _, k := range slices.Sorted(maps.Keys(r.Env)) {
			env = append(env, k+"="+r.Env[k])
		}
	}
	var all []string
	at := map[string]int{}
	for _, kv := range append(env, b.opts.Env...) {
		k, _, _ := strings.Cut(kv, "=")
		if i, ok := at[k]; ok {
			all[i] = kv
			continue
		}
		at[k] = len(all)
		all = append(all, kv)
	}
	return all
}

func (b *blueprint) hostConfig() *container.HostConfig {
	o := b.opts
	pids := int64(o.Processes)
	h := &container.HostConfig{
		NetworkMode: container.NetworkMode(o.Network),
		LogConfig:   container.LogConfig{Type: "none"}, // what goes over its streams is nobody's log
		AutoRemove:  b.idle >= 0,
		CapDrop:     []string{"ALL"}, CapAdd: o.Capabilities,
		SecurityOpt:    []string{"no-new-privileges"},
		ReadonlyRootfs: !o.WritableSystem,
		Runtime:        o.OCIRuntime,
		Mounts:         b.mounts(),
		Tmpfs:          b.tmpfs(),
		IpcMode:        "private",
		Resources: container.Resources{
			Memory: max(0, o.Memory), NanoCPUs: int64(max(0, o.CPUs) * 1e9), CPUShares: o.CPUShares, PidsLimit: &pids,
		},
	}
	if o.Memory > 0 {
		h.MemorySwap = o.Memory + max(0, o.Swap)
		if o.Swap < 0 {
			h.MemorySwap = -1
		}
	}
	if b.helper == nil {
		yes := true
		h.Init = &yes // to collect what ends; with a helper that is its work
	}
	if o.Processes < 0 {
		pids = -1
	}
	return h
}

// tmpfs are the file systems in memory. Programs may be executed from them, as pip
// and compilers do.
func (b *blueprint) tmpfs() map[string]string {
	o := b.opts
	uid, gid := o.ids()
	own := fmt.Sprintf("uid=%d,gid=%d", uid, gid)
	home := userHome
	if o.root() {
		home = "/root"
	}
	size := ""
	if o.TmpSize > 0 {
		size = ",size=" + strconv.FormatInt(o.TmpSize, 10)
	}
	all := map[string]string{
		"/tmp": "rw,exec,nosuid,nodev,mode=1777" + size,
		home:   "rw,exec,nosuid,nodev,mode=0700," + own + size,
	}
	for target, n := range o.Tmpfs {
		all[target] = "rw,exec,nosuid,nodev,mode=0755," + own + ",size=" + strconv.FormatInt(n, 10)
	}
	for _, v := range o.Volumes {
		delete(all, v.Target)
	}
	for _, name := range o.Hide {
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			all[path.Join(b.root, dir)] = "ro,noexec,nosuid,nodev,mode=0000,size=4k"
		}
	}
	return all
}

func (b *blueprint) mounts() []mount.Mount {
	var all []mount.Mount
	if b.helper != nil {
		all = append(all, mount.Mount{
			Type: mount.TypeVolume, Source: b.helper.volume(), Target: b.folder() + "/bin", ReadOnly: true,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: map[string]string{labelPrefix + "helper": b.helper.hash}},
		})
	}
	if b.socket != "" {
		all = append(all, mount.Mount{Type: mount.TypeBind, Source: b.socket, Target: b.folder() + "/owner", ReadOnly: true})
	}
	workspace := false
	for _, v := range b.opts.Volumes {
		m := mount.Mount{Type: mount.TypeBind, Source: v.Source, Target: v.Target, ReadOnly: !v.Writable}
		if !strings.HasPrefix(v.Source, "/") {
			m.Type = mount.TypeVolume
		}
		all = append(all, m)
		workspace = workspace || v.Target == b.root
	}
	if !workspace {
		all = append(all, b.workspace())
	}
	return append(all, b.opts.veil()...)
}

// workspace is a volume without a name, which goes with the container.
func (b *blueprint) workspace() mount.Mount {
	m := mount.Mount{Type: mount.TypeVolume, Target: b.root, VolumeOptions: &mount.VolumeOptions{Labels: map[string]string{labelPrefix + "workspace": b.id}}}
	if b.opts.Disk > 0 {
		m.VolumeOptions.DriverConfig = &mount.Driver{Name: "local", Options: map[string]string{"size": strconv.FormatInt(b.opts.Disk, 10)}}
	}
	return m
}

// create makes the container and makes sure that it is what was asked for.
func (e *engine) create(ctx context.Context, b *blueprint) (id string, err error) {
	made, err := e.api.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name: b.opts.Name, Config: b.config(), HostConfig: b.hostConfig(),
	})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			e.remove(context.WithoutCancel(ctx), made.ID)
		}
	}()
	return made.ID, b.granted(ctx, e, made.ID, made.Warnings)
}

// share lets the user write the root of a new workspace, which belongs to root,
// unless the image has given it to the user. root without capabilities may do no
// more with it than that. Nothing else runs in the container yet.
func (e *engine) share(ctx context.Context, id string, b *blueprint) error {
	prepared := b.opts.Runtime != nil && b.opts.Runtime.Base != "" && b.root == first(b.opts.Runtime.WorkDir, defaultWorkDir) &&
		b.user == strconv.Itoa(userID)+":"+strconv.Itoa(userID)
	if prepared || b.opts.root() || slices.ContainsFunc(b.opts.Volumes, func(v Volume) bool { return v.Target == b.root }) {
		return nil
	}
	cmd := append([]string{b.program()}, helper.ShareArgs(b.root)...)
	if b.helper == nil {
		cmd = []string{"chmod", "0777", b.root}
	}
	made, err := e.api.ExecCreate(ctx, id, client.ExecCreateOptions{User: "0:0", Cmd: cmd, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return err
	}
	x := &execs{e, id}
	att, err := e.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return err
	}
	p := newExecProcess(x, made.ID, att.HijackedResponse)
	defer p.Close()
	code, err := p.Wait(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("the workspace at %s cannot be made writable for user %s", b.root, b.user)
	}
	return err
}
