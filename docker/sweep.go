package docker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// sweepEvery is how often it is looked for what crashes have left while there
// are sandboxes open.
const sweepEvery = 30 * time.Second

// grace is added to a lease before a container that never started is taken for
// a leftover.
const grace = time.Minute

// Sweep removes what nobody will come back for from the engine at host (see
// [Options.Host]): containers that have ended, or that were made and never
// started, and helper programs that no container uses. Running containers end
// by themselves when their lease runs out. It returns how many containers
// went. Only what this package has labelled is touched, and nothing that is
// kept for good.
func Sweep(ctx context.Context, host string) (removed int, err error) {
	e, err := dial(ctx, host)
	if err != nil {
		return 0, err
	}
	defer e.close()
	removed, err = e.sweep(ctx)
	return removed, errors.Join(err, e.sweepVolumes(ctx))
}

func (e *engine) sweep(ctx context.Context) (removed int, err error) {
	all := map[string]container.Summary{}
	for _, label := range []string{labelID, labelPrefix + "placing"} {
		got, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", label)})
		if err != nil {
			return 0, err
		}
		for _, c := range got.Items {
			all[c.ID] = c
		}
	}
	there := map[string]bool{}
	for _, c := range all {
		there[c.Labels[labelID]] = true
	}
	sweepDoorways(there, time.Now())
	for id, c := range all {
		if !leftover(c, time.Now()) {
			continue
		}
		if e := e.remove(ctx, id); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed++
	}
	return removed, err
}

// leftover reports whether nobody will come back for a container.
func leftover(c container.Summary, now time.Time) bool {
	i, ours := identityOf(c.Labels)
	age := now.Sub(time.Unix(c.Created, 0))
	switch {
	case !ours:
		return c.Labels[labelPrefix+"placing"] != "" && age > 10*time.Minute
	case c.State == container.StateCreated:
		return age > i.lease+grace
	case i.idle < 0:
		return false
	}
	return c.State == container.StateExited || c.State == container.StateDead
}

// sweepVolumes removes helper programs of other versions. The engine keeps
// those that are in use.
func (e *engine) sweepVolumes(ctx context.Context) error {
	got, err := e.api.VolumeList(ctx, client.VolumeListOptions{Filters: client.Filters{}.Add("label", labelPrefix+"helper")})
	if err != nil {
		return err
	}
	for _, v := range got.Items {
		_, _ = e.api.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{})
	}
	return nil
}

// sweepers look after the engines on which this process has sandboxes open.
var sweepers = &sweeping{hosts: map[string]*sweeper{}}

type sweeping struct {
	mu    sync.Mutex
	hosts map[string]*sweeper
}

type sweeper struct {
	users int
	stop  context.CancelFunc
	ended chan struct{}
}

func (s *sweeping) join(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.hosts[host]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &sweeper{stop: stop, ended: make(chan struct{})}
		s.hosts[host] = w
		go w.run(ctx, host)
	}
	w.users++
}

func (s *sweeping) leave(host string) {
	s.mu.Lock()
	w := s.hosts[host]
	w.users--
	last := w.users == 0
	if last {
		delete(s.hosts, host)
	}
	s.mu.Unlock()
	if last {
		w.stop()
		<-w.ended
	}
}

// run sweeps now and then. What fails is tried again at the next time: whoever
// wants to know calls Sweep.
func (w *sweeper) run(ctx context.Context, host string) {
	defer close(w.ended)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if e, err := dial(ctx, host); err == nil {
			_, _ = e.sweep(ctx)
			e.close()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
