package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/hutch-dev/hutch/internal/shell"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// A container without a helper ends by itself as well: its process 1 counts the
// seconds since the owner has last left a sign of life. A sign can hold the
// seconds for which there need not be another.
const beatFile = "/tmp/.hutch-beat"

// beatSlack is added to the lease, since a sign of life takes its time.
const beatSlack = 5 * time.Second

func plainInit(i *identity) string {
	return fmt.Sprintf(`left=%d
while [ "$left" -gt 0 ]; do
	sleep 1
	left=$((left - 1))
	[ -f %[3]s ] || continue
	left=
	read -r left <%[3]s
	rm -f %[3]s
	case $left in
	good) exec sleep 2147483647;;
	*[!0-9]*|'') left=%[2]d;;
	esac
done`, int(launchTime/time.Second), int((i.lease+beatSlack)/time.Second), beatFile)
}

// withShell makes a container that a shell in it serves.
func (e *engine) withShell(ctx context.Context, b *blueprint, why string) (*Sandbox, error) {
	*b.identity = newIdentity(b.opts, b.image)
	b.plain, b.helper, b.socket = why, nil, ""
	id, err := e.create(ctx, b)
	if err != nil {
		return nil, err
	}
	_, err = e.api.ContainerStart(ctx, id, client.ContainerStartOptions{})
	if err == nil {
		err = e.share(ctx, id, b)
	}
	if err == nil {
		s := &Sandbox{e: e, id: id, name: b.opts.Name, ident: *b.identity, limit: b.opts.Limits}
		if err = s.openShell(ctx); err == nil {
			return s, nil
		}
	}
	_ = e.remove(context.WithoutCancel(ctx), id)
	if b.opts.Plain {
		return nil, err
	}
	return nil, fmt.Errorf("no helper in the container (%s), and no shell either: %w", why, err)
}

// openShell connects to a shell in a running container, and begins to show life.
func (s *Sandbox) openShell(ctx context.Context) error {
	got, err := s.e.api.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	var env []string
	if got.Container.Config != nil {
		env = got.Container.Config.Env
	}
	if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") }) {
		env = append(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") // as the engine does
	}
	o := Options{User: s.ident.user}
	uid, gid := o.ids()
	s.plain, err = shell.Open(ctx, &execs{s.e, s.id}, &shell.Options{Root: s.ident.root, Env: env, UID: uid, GID: gid, Exclusive: true})
	if err != nil {
		return err
	}
	if err := s.showLife(ctx, ""); err != nil {
		s.plain.Close()
		return err
	}
	beating, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.beat = func() { stop(); <-ended }
	go func() {
		defer close(ended)
		for tick := time.NewTicker(max(time.Second, s.ident.lease/4)); ; {
			select {
			case <-beating.Done():
				tick.Stop()
				return
			case <-tick.C:
				_ = s.showLife(beating, "")
			}
		}
	}()
	return nil
}

// showLife tells process 1 of a plain container that there is an owner, or for
// how long it need not look.
func (s *Sandbox) showLife(ctx context.Context, word string) error {
	p, err := (&execs{s.e, s.id}).Start(ctx, []string{"/bin/sh", "-c", `echo "$1" >` + beatFile, "sh", word}, shell.StartOptions{})
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := io.Copy(io.Discard, p); err != nil {
		return err
	}
	code, err := p.Wait(ctx)
	if err == nil && code != 0 {
		err = errors.New("docker: the container takes no signs of life")
	}
	return err
}

// execs are the engine's own ways into a container.
type execs struct {
	e  *engine
	id string
}

var _ shell.Host = (*execs)(nil)

func (x *execs) Start(ctx context.Context, args []string, o shell.StartOptions) (shell.Process, error) {
	made, err := x.e.api.ExecCreate(ctx, x.id, client.ExecCreateOptions{
		Cmd: inText(args), Env: o.Env, WorkingDir: o.Dir, AttachStdin: o.Stdin, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, x.lost(err)
	}
	att, err := x.e.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, x.unstarted(ctx, err)
	}
	return newExecProcess(x, made.ID, att.HijackedResponse), nil
}

// inText is a command whose arguments all are UTF-8, which the engine's JSON
// demands. Where they are not, a shell makes them what they were.
func inText(args []string) []string {
	if !slices.ContainsFunc(args, func(a string) bool { return !utf8.ValidString(a) }) {
		return args
	}
	var script strings.Builder
	script.WriteString("exec")
	for _, a := range args {
		script.WriteString(" '")
		for len(a) > 0 {
			r, n := utf8.DecodeRuneInString(a)
			switch {
			case r == utf8.RuneError && n == 1: // never a line end, which $() would drop
				fmt.Fprintf(&script, `'"$(printf '\%03o')"'`, a[0])
			case r == '\'':
				script.WriteString(`'\''`)
			default:
				script.WriteString(a[:n])
			}
			a = a[n:]
		}
		script.WriteString("'")
	}
	return []string{"/bin/sh", "-c", script.String()}
}

// lost tells a container that is gone from a request that was refused.
func (x *execs) lost(err error) error {
	if notFound(err) || cerrdefs.IsConflict(err) || client.IsErrConnectionFailed(err) { // a conflict: it does not run
		return fmt.Errorf("%w: %s", ErrLost, said(err))
	}
	return errors.New(said(err))
}

// unstarted is the error of a program that the engine would not start. In a
// container that is about to end it gives no reason, and says a moment later that
// the container has ended.
func (x *execs) unstarted(ctx context.Context, err error) error {
	for range 20 {
		lost := x.lost(err)
		if errors.Is(lost, ErrLost) {
			return lost
		}
		got, gone := x.e.api.ContainerInspect(ctx, x.id, client.ContainerInspectOptions{})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case gone != nil:
			err = gone
		case got.Container.State != nil && !got.Container.State.Running:
			return fmt.Errorf("%w: %s", ErrLost, said(err))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return x.lost(err)
}

func (x *execs) Get(ctx context.Context, path string) (io.ReadCloser, error) {
	got, err := x.e.api.CopyFromContainer(ctx, x.id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, x.lost(err)
	}
	return got.Content, nil
}

func (x *execs) Put(ctx context.Context, dir string, tar io.Reader) error {
	_, err := x.e.api.CopyToContainer(ctx, x.id, client.CopyToContainerOptions{DestinationPath: dir, Content: tar})
	if err != nil && ctx.Err() == nil {
		return x.lost(err)
	}
	return err
}

// fate says what became of a container, for people.
func (e *engine) fate(ctx context.Context, id string) string {
	got, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	switch {
	case notFound(err):
		return "the container is gone"
	case err != nil:
		return "the engine does not answer"
	case got.Container.State == nil:
		return "the container is in an unknown state"
	}
	st := got.Container.State
	switch {
	case st.OOMKilled:
		return "the container ran out of memory"
	case st.Status == container.StateRunning:
		return "the connection broke off"
	case st.Status == container.StateExited, st.Status == container.StateDead, st.Status == container.StateRemoving:
		return "the container has ended"
	}
	return "the container is " + string(st.Status)
}
