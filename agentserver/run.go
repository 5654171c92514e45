package agentserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/session"
)

// run is a run that is in memory. What is not under mu is under that of the Server
// or does not change.
type run struct {
	id, conversation string

	lane   *lane
	active bool

	mu       sync.Mutex
	rec      record // as it is now; State "" before it has begun
	events   ring
	cancel   context.CancelCauseFunc // nil where it is not under way
	auto     bool                    // questions are answered with yes
	pending  map[string]*question
	answered map[string]bool
	changed  chan struct{} // closed with every change, and then another one

	saving sync.Mutex     // one at a time, so that the last one is the last
	asked  chan *question // to who waits for the answer; room for one
}

// going is what a run under way works with.
type going struct {
	use    *session.Use
	kept   records
	agent  *deepagent.Agent
	deps   *deepagent.Deps
	prompt string
	before record // how the run was when it began, for what it had used
	asking string // the question that was asked last
}

// newRun is a run as its record has it.
func newRun(rec *record, most int) *run {
	return &run{
		id: rec.ID, conversation: rec.Conversation, rec: *rec,
		events:  ring{most: most, begin: rec.Life * lifeEvents, last: rec.Life * lifeEvents},
		pending: map[string]*question{}, answered: map[string]bool{},
		changed: make(chan struct{}), asked: make(chan *question, 1),
	}
}

// newID is an ID that nobody can guess.
func newID(kind string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return kind + hex.EncodeToString(b[:])
}

// begun reports whether there is anything to show.
func (r *run) begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec.State != ""
}

// size is what its events take in bytes.
func (r *run) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events.bytes
}

// tell wakes all who wait for a change. The caller holds mu.
func (r *run) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// conclude shows what the run has become.
func (r *run) conclude(final *record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rec, r.cancel = *final, nil
	r.tell()
}

// keep writes the record as it is now. The end of ctx does not keep it from that.
func (r *run) keep(ctx context.Context, s records) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.Lock()
	rec := r.rec
	rec.Last = r.events.last
	r.mu.Unlock()
	return s.save(ctx, &rec)
}

// saveTime is how long writing a record may take.
const saveTime = 10 * time.Second

// work is a run from its beginning to its end.
func (r *run) work(ctx context.Context, s *Server, g *going) {
	err := r.play(ctx, g)
	final := r.outcome(ctx, err)
	if !errors.Is(context.Cause(ctx), fs.ErrNotExist) { // then the workspace goes
		_ = r.keepFinal(ctx, g.kept, final)
	}
	g.use.Done()
	s.release(r, final)
}

func (r *run) keepFinal(ctx context.Context, s records, final *record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	r.saving.Lock()
	defer r.saving.Unlock()
	return s.save(ctx, final)
}

// errFault is what becomes of a panic in a model or a tool.
var errFault = errors.New("something went wrong")

// play lets the agent work.
func (r *run) play(ctx context.Context, g *going) (err error) {
	defer func() {
		if recover() != nil {
			err = errFault
			r.add(deepagent.Event{Kind: deepagent.End, Error: err.Error()}, "")
		}
	}()
	for e, failed := range g.agent.Stream(ctx, g.prompt, g.deps) {
		if err = failed; e.Kind == "" { // it could not begin
			e = deepagent.Event{Kind: deepagent.End, Error: failed.Error()}
		}
		r.take(ctx, e, g)
	}
	return err
}

// take takes an event in.
func (r *run) take(ctx context.Context, e deepagent.Event, g *going) {
	question := ""
	switch e.Kind {
	case deepagent.Asked:
		g.asking = newID("q-")
		question = g.asking
		w := r.pose(question, *e.Question) // before anybody hears of it
		defer func() { r.asked <- w }()
	case deepagent.Answered:
		question = g.asking
	case deepagent.Used:
		r.count(*e.Usage, g)
	case deepagent.End:
		if e.Agent == "" && e.Result != nil {
			r.count(e.Result.Usage, g)
			r.say(e.Result)
		}
	}
	r.add(e, question)
	if e.Kind == deepagent.Used {
		_ = r.keep(ctx, g.kept) // the conversation is what matters, and its error ends the run
	}
}

// add adds an event for those who look.
func (r *run) add(e deepagent.Event, question string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events.add(e, question)
	r.tell()
}

// count notes what was used until now.
func (r *run) count(u deepagent.Usage, g *going) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rec.Usage = g.before.Usage.Add(u.Total)
	r.rec.Steps = g.before.Steps + u.Steps
	r.rec.Cost = g.before.Cost + u.Cost
}

func (r *run) say(res *deepagent.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rec.Text, r.rec.Ending = clip(res.Text, maxText), string(res.Ending)
}

// outcome is what the run has become, as its record.
func (r *run) outcome(ctx context.Context, err error) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.rec
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		rec.State = isDone
	case ctx.Err() == nil:
		rec.State, rec.Error = isFailed, clip(err.Error(), maxText)
	case errors.Is(cause, errShut) || errors.Is(cause, hutch.ErrClosed):
		rec.State = isInterrupted
	default:
		rec.State, rec.Error = isCancelled, "the run was cancelled"
	}
	if rec.State == isInterrupted {
		rec.Ending = ""
	} else {
		rec.Asked = false
	}
	if rec.Ending == "" && rec.State == isFailed {
		rec.Ending = string(deepagent.Broken)
	}
	now := time.Now().UTC()
	rec.Ended, rec.Last = &now, r.events.last
	return &rec
}

// halt ends a run under way, and reports whether it is.
func (r *run) halt() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel == nil || r.rec.State.over() {
		return false
	}
	r.cancel(errCancelled)
	return true
}

// questions are those that wait for an answer, in the order of their IDs.
func (r *run) questions() []pendingOut {
	out := []pendingOut{}
	for _, id := range slices.Sorted(maps.Keys(r.pending)) {
		out = append(out, r.pending[id].out)
	}
	return out
}
