package deepagent

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

const (
	firstWait = time.Second
	mostWait  = time.Minute
	maxWait   = 10 * time.Minute // that a provider may ask for
)

// reply is one answer of the model, tried as often as it takes. over says that
// the budget is used up with it.
func (r *run) reply(ctx context.Context) (reply *llm.Reply, over, err error) {
	if err := r.step(); err != nil {
		return nil, nil, err
	}
	shortened := 0
	for {
		reply, err = r.tryAgain(ctx, r.request(), r.hear)
		if err == nil || !errors.Is(err, llm.ErrTooLong) || shortened == 2 {
			break
		}
		if shortened++; shortened == 1 {
			err = r.compact(ctx, false)
		}
		if errors.Is(err, llm.ErrTooLong) {
			shortened, err = 2, r.compact(ctx, true)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if err != nil {
		return nil, nil, err
	}
	asked := r.tokens()
	r.size, r.sized = int(reply.Usage.Input+reply.Usage.Output), len(r.conv.Messages)+1
	return reply, r.count(reply, asked), nil
}

// step counts a step against the budget of the run and that of a sub-agent.
func (r *run) step() error {
	if r.spec != nil && r.spec.MaxSteps > 0 && r.steps >= r.spec.MaxSteps {
		return budget("%d steps of a sub-agent", r.steps)
	}
	r.steps++
	return r.tree.meter.step()
}

// count counts a reply. Where the provider does not say what it took, asked, the
// tokens of the request, and what the reply has are estimated: no budget is without
// effect.
func (r *run) count(reply *llm.Reply, asked int) (over error) {
	u := reply.Usage
	estimated := u == llm.Usage{}
	if estimated {
		u = llm.Usage{Input: int64(asked), Output: int64(estimate([]llm.Message{reply.Message})) + 1}
	}
	used, over := r.tree.meter.add(u, r.price, estimated)
	r.emit(Event{Kind: Used, Usage: &used})
	return over
}

func (r *run) request() *llm.Request {
	return &llm.Request{
		System: r.system, Messages: r.conv.Messages, Tools: r.offer,
		MaxTokens: r.o.MaxReply, Temperature: r.o.Temperature, Effort: r.o.Effort,
	}
}

// tryAgain sends a request until there is a reply, or an error that another try
// would not mend, or too many. hear gets the parts; it may be nil.
func (r *run) tryAgain(ctx context.Context, req *llm.Request, hear func(llm.Part)) (*llm.Reply, error) {
	for try := 1; ; try++ {
		reply, heard, err := r.try(ctx, req, hear)
		if err == nil {
			return reply, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		wait := pause(try, err)
		if !llm.Again(err) || try > r.o.Retries || wait > maxWait {
			return nil, err
		}
		r.emit(Event{Kind: Retrying, Retry: &Retry{Try: try, Wait: wait, Reason: err.Error(), Void: heard}})
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// try sends a request once. A stream without a reply at its end is llm.ErrCut.
func (r *run) try(ctx context.Context, req *llm.Request, hear func(llm.Part)) (reply *llm.Reply, heard bool, err error) {
	for part, err := range r.model.Stream(ctx, req) {
		switch {
		case err != nil:
			return nil, heard, err
		case part.Kind == llm.Done && part.Reply != nil:
			return part.Reply, heard, nil
		case hear != nil:
			hear(part)
			heard = true
		}
	}
	return nil, heard, &llm.Error{Provider: r.model.Name(), Err: llm.ErrCut}
}

// hear makes events of what the model says.
func (r *run) hear(p llm.Part) {
	switch p.Kind {
	case llm.TextDelta:
		r.emit(Event{Kind: Text, Text: p.Text})
	case llm.ReasoningDelta:
		r.emit(Event{Kind: Reasoning, Text: p.Text})
	case llm.CallBegin:
		if p.Call != nil {
			r.emit(Event{Kind: CallBegin, Call: &Call{ID: p.Call.ID, Name: p.Call.Name, Title: r.title(p.Call.Name)}})
		}
	}
}

// pause is how long to wait before the next try: twice as long every time, a
// quarter more or less at random, and never less than the provider wants.
func pause(try int, err error) time.Duration {
	wait := min(mostWait, firstWait<<min(try-1, 10))
	wait += time.Duration((rand.Float64() - 0.5) / 2 * float64(wait))
	var e *llm.Error
	if errors.As(err, &e) {
		wait = max(wait, e.RetryAfter)
	}
	return wait
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
