package docker

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/moby/moby/client"
)

// Labels of a container. The key lets an owner in; whoever reads labels can use
// the engine, and who can do that needs no key.
const (
	labelPrefix  = "dev.hutch."
	labelOwner   = labelPrefix + "owner"   // host name, process id
	labelSession = labelPrefix + "session" // as the caller gave it
	labelCreated = labelPrefix + "created" // seconds since 1970
	labelLease   = labelPrefix + "lease"   // seconds
	labelIdle    = labelPrefix + "idle"    // seconds, negative for good
	labelOptions = labelPrefix + "options" // hash of what was asked for
	labelID      = labelPrefix + "id"      // of the helper's socket and folder
	labelKey     = labelPrefix + "key"
	labelRoot    = labelPrefix + "root"  // the path of the workspace
	labelPlain   = labelPrefix + "plain" // without a helper: why
	labelUser    = labelPrefix + "user"
	labelHide    = labelPrefix + "hide"    // JSON
	labelProtect = labelPrefix + "protect" // JSON
)

// complete fills in the defaults, for an engine with that many processors.
func (o *Options) complete(processors int) {
	if o.Image == "" && o.Runtime == nil {
		o.Image = DefaultImage
	}
	r := o.Runtime
	if r == nil {
		r = &Runtime{}
	}
	o.WorkDir = first(o.WorkDir, r.WorkDir, defaultWorkDir)
	o.User = first(o.User, strconv.Itoa(userID)+":"+strconv.Itoa(userID))
	o.Network = first(o.Network, r.Network, "none")
	o.Lease = first(o.Lease, defaultLease)
	o.Idle = first(o.Idle, defaultIdle)
	o.TmpSize = first(o.TmpSize, defaultTmpSize)
	o.Memory = first(o.Memory, r.Memory, defaultMemory)
	o.CPUs = first(o.CPUs, r.CPUs, float64(min(defaultCPUs, processors)))
	o.Processes = first(o.Processes, defaultProcesses)
}

func first[T comparable](all ...T) (zero T) {
	for _, v := range all {
		if v != zero {
			return v
		}
	}
	return zero
}

// hash tells containers of different options apart.
func (o *Options) hash(image string) string {
	c := *o
	c.Host, c.Name, c.Session, c.Labels, c.Helper = "", "", "", nil, ""
	c.Build, c.Limits = BuildOptions{}, hutch.Limits{} // of the builder and of single commands
	b, err := json.Marshal(struct {
		Options Options
		Image   string
	}{c, image})
	if err != nil {
		panic("docker: options are plain data: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// random is n random bytes in hexadecimal.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// identity is what a container is known by.
type identity struct {
	id   string // of the helper's socket and folder
	key  string
	root string
	user string

	lease, idle time.Duration
	plain       string // why there is no helper, "" with one
	options     string // hash

	hide, protect string // names as JSON, "" for none
}

func newIdentity(o *Options, image string) identity {
	return identity{
		id: random(8), key: random(16), root: o.WorkDir, user: o.User, lease: o.Lease, idle: o.Idle, options: o.hash(image),
		hide: namesText(o.Hide), protect: namesText(o.Protect),
	}
}

func (i *identity) labels(o *Options) map[string]string {
	name, _ := os.Hostname()
	labels := map[string]string{
		labelOwner:   fmt.Sprintf("%s/%d", name, os.Getpid()),
		labelSession: o.Session,
		labelCreated: strconv.FormatInt(time.Now().Unix(), 10),
		labelLease:   inSeconds(i.lease),
		labelIdle:    inSeconds(i.idle),
		labelOptions: i.options, labelID: i.id, labelKey: i.key, labelRoot: i.root, labelUser: i.user,
	}
	for key, value := range map[string]string{labelPlain: i.plain, labelHide: i.hide, labelProtect: i.protect} {
		if value != "" {
			labels[key] = value
		}
	}
	for k, v := range o.Labels {
		labels[k] = v
	}
	return labels
}

// identityOf reads the labels of a container back; false is one that is not ours.
func identityOf(labels map[string]string) (identity, bool) {
	i := identity{
		id: labels[labelID], key: labels[labelKey], root: labels[labelRoot], user: labels[labelUser],
		plain: labels[labelPlain], options: labels[labelOptions],
		hide: labels[labelHide], protect: labels[labelProtect],
		lease: seconds(labels[labelLease]), idle: seconds(labels[labelIdle]),
	}
	return i, i.id != "" && i.key != "" && strings.HasPrefix(i.root, "/") && i.lease > 0
}

// inSeconds rounds down, a negative time to -1.
func inSeconds(d time.Duration) string {
	if d < 0 {
		return "-1"
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}

func seconds(s string) time.Duration {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// folder is where the container sees what hutch brings along.
func (i *identity) folder() string { return "/.hutch-" + i.id }

// program is the helper as the container sees it.
func (i *identity) program() string { return i.folder() + "/bin/" + helperFile }

// facts are what the engine says of itself. They are asked for again when they
// are old.
func (e *engine) facts(ctx context.Context) (*facts, error) {
	if f, ok := known.Load(e.host); ok && time.Since(f.(*facts).asked) < factsAge {
		return f.(*facts), nil
	}
	info, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, err
	}
	f := &facts{asked: time.Now(), processors: max(1, info.Info.NCPU), arch: goArch(info.Info.Architecture)}
	for _, s := range info.Info.SecurityOptions {
		f.seccomp = f.seccomp || strings.HasPrefix(s, "name=seccomp") && !strings.Contains(s, "profile=unconfined")
	}
	known.Store(e.host, f)
	return f, nil
}

var known sync.Map // facts by the address of the engine

const factsAge = time.Minute

type facts struct {
	asked      time.Time
	processors int
	arch       string // as GOARCH has it
	seccomp    bool
}

func goArch(machine string) string {
	switch machine {
	case "x86_64", "amd64":
		return "amd64"
	case "aarch64", "arm64":
		return "arm64"
	}
	return machine
}
