package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/internal/helper"
	"github.com/hutch-dev/hutch/internal/wire"
	"github.com/moby/moby/client"
)

// launchTime is how long a helper may take from its start to its answer.
const launchTime = 30 * time.Second

// errNoHelper is matched by the error of a container in which the helper cannot
// run, whatever the options.
var errNoHelper = errors.New("the helper cannot run in this container")

// errNoProgram is errNoHelper where the program may just not be there.
var errNoProgram = fmt.Errorf("%w", errNoHelper)

// launch starts a container whose process 1 is the helper, and connects to it.
// What is to be done beside runs at the same time; it and door may be nil.
func (e *engine) launch(ctx context.Context, id string, i *identity, door *doorway, beside func(context.Context) error) (*wire.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, launchTime)
	defer cancel()
	att, err := e.api.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	m := newMux(att.HijackedResponse)
	stop := context.AfterFunc(ctx, func() { m.Close() })
	defer stop()
	if err := e.start(ctx, id); err != nil {
		m.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	other := make(chan error, 1)
	go func() {
		if beside == nil {
			other <- nil
			return
		}
		other <- beside(ctx)
	}()
	var c *wire.Client
	conn, err := e.greet(ctx, i, door, m)
	if err == nil {
		c, err = wire.DialConn(ctx, conn)
	} else {
		m.Close()
	}
	if e := <-other; err == nil && e != nil {
		c.Close()
		err = e
	}
	if err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return c, nil
}

func (e *engine) start(ctx context.Context, id string) error {
	_, err := e.api.ContainerStart(ctx, id, client.ContainerStartOptions{})
	if err != nil && cannotRun(err) {
		return fmt.Errorf("%w: %s", errNoProgram, said(err))
	}
	return err
}

// greet says what is wanted to a helper that has just started, and returns the
// way to talk to it.
func (e *engine) greet(ctx context.Context, i *identity, door *doorway, m *mux) (net.Conn, error) {
	setup := helper.Setup{Version: helper.Version, Root: i.root, Key: i.key, Name: i.socket(), Lease: i.lease, Idle: i.idle}
	if door != nil {
		setup.Socket = i.folder() + "/owner/" + doorwayFile
	}
	if err := helper.WriteLine(m, setup); err != nil {
		return nil, fmt.Errorf("%w: it ended at once", errNoProgram)
	}
	var answer helper.Answer
	if err := helper.ReadLine(m, &answer); err != nil {
		return nil, fmt.Errorf("%w: it did not answer: %s", errNoProgram, m.complaint())
	}
	switch {
	case answer.Error != "":
		return nil, fmt.Errorf("%w: %s", errNoHelper, clip(answer.Error, maxSaid))
	case answer.Socket && door != nil:
		conn, err := door.accept(ctx, i.key)
		m.Close()
		return conn, err
	}
	return m, nil
}

// cannotRun tells a program that is missing, or of the wrong kind, from a
// container that cannot start at all.
func cannotRun(err error) bool {
	text := err.Error()
	if !strings.Contains(text, "/bin/"+helperFile) && !strings.Contains(text, "exec") {
		return false
	}
	for _, why := range []string{"no such file", "not found", "exec format error", "permission denied"} {
		if strings.Contains(text, why) {
			return true
		}
	}
	return false
}

// redial connects to the helper of a running container, through a second
// process in there.
func (e *engine) redial(ctx context.Context, id string, i *identity) (*wire.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, launchTime)
	defer cancel()
	made, err := e.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		Cmd: append([]string{i.program()}, helper.Args(helper.Dial)...), User: i.user,
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, err
	}
	att, err := e.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	m := newMux(att.HijackedResponse)
	stop := context.AfterFunc(ctx, func() { m.Close() })
	defer stop()
	err = helper.WriteLine(m, helper.Hello{Version: helper.Version, Name: i.socket(), Key: i.key})
	var answer helper.Answer
	if err == nil {
		err = helper.ReadLine(m, &answer)
	}
	if err == nil && answer.Error != "" {
		err = errors.New("docker: " + answer.Error)
	}
	if err != nil {
		m.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	return wire.DialConn(ctx, m)
}

// socket is the name of the helper's own socket.
func (i *identity) socket() string { return "hutch-" + i.id }
