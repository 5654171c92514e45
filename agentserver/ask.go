package agentserver

import (
	"context"
	"net/http"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/server"
)

// maxAnswered is how many questions of a run are remembered as answered.
const maxAnswered = 10_000

// question is one that waits.
type question struct {
	out    pendingOut
	answer chan deepagent.Answer // room for one
}

// approve waits for the answer to the question that was posed last. There is one at a
// time, and its event comes before.
func (r *run) approve(ctx context.Context, s records) (deepagent.Answer, error) {
	w := <-r.asked
	if w == nil {
		return deepagent.Answer{Scope: deepagent.Once}, nil
	}
	_ = r.keep(ctx, s)
	select {
	case a := <-w.answer:
		_ = r.keep(ctx, s)
		return a, nil
	case <-ctx.Done():
		r.withdraw(w.out.QuestionID)
		return deepagent.Answer{}, ctx.Err()
	}
}

// pose shows a question; nil is one that need not be asked.
func (r *run) pose(id string, q deepagent.Question) *question {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.auto {
		return nil
	}
	w := &question{answer: make(chan deepagent.Answer, 1), out: pendingOut{
		QuestionID: id, Title: clip(q.Title, maxExcerpt), Text: clip(q.Text, maxText),
		Pattern: clip(q.Pattern, maxText), Tool: q.Call.Name, Agent: q.Agent,
	}}
	r.pending[id] = w
	r.rec.State, r.rec.Asked = isWaiting, true
	r.tell()
	return w
}

// withdraw ends a question that nobody has answered, which is a refusal. That it was
// asked stays known, for who goes on with the run.
func (r *run) withdraw(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(id)
}

// settle takes a question off those that wait. The caller holds mu.
func (r *run) settle(id string) {
	delete(r.pending, id)
	if len(r.answered) >= maxAnswered {
		clear(r.answered)
	}
	r.answered[id] = true
	if len(r.pending) == 0 && r.rec.State == isWaiting {
		r.rec.State = isRunning
	}
	r.tell()
}

// reply answers a question.
func (r *run) reply(id string, a deepagent.Answer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.pending[id]
	switch {
	case r.answered[id]:
		return server.Problem(http.StatusConflict, "answered", "the question was answered, or the run has ended")
	case w == nil:
		return server.Problem(http.StatusNotFound, "not_found", "the run asks no such question")
	}
	w.answer <- a
	r.settle(id)
	r.rec.Asked = false
	return nil
}
