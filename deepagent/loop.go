package deepagent

import (
	"context"
	"fmt"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

const (
	maxSilent = 3 // replies in a row without anything in them
	maxCut    = 5 // texts in a row that were cut off
)

// loop asks the model and does what it wants until it wants nothing more. The
// conversation is whole whenever it is saved, and at the end: every call has a
// result.
func (r *run) loop(ctx context.Context) error {
	if err := r.save(ctx); err != nil {
		return err
	}
	for {
		if err := r.compactIfLong(ctx); err != nil {
			return err
		}
		if err := r.checkpoint(ctx); err != nil {
			return err
		}
		reply, over, err := r.reply(ctx)
		if err != nil {
			return err
		}
		done, err := r.take(ctx, reply, over)
		if err != nil || done {
			return err
		}
	}
}

// take adds a reply to the conversation and does what it asks for.
func (r *run) take(ctx context.Context, reply *llm.Reply, over error) (done bool, err error) {
	m := reply.Message
	r.number(m)
	calls := callsOf(m)
	if text := textOf(m); text != "" || len(calls) > 0 { // reasoning alone is no message
		r.conv.Messages = append(r.conv.Messages, m)
		if r.cut > 0 {
			text = r.said + text // it goes on with what was cut off
		}
		r.said = orElse(text, r.said)
	}
	if len(calls) == 0 {
		done, err := r.finish(reply)
		if err == nil && !done && over != nil {
			err = over
		}
		return done, r.saved(ctx, err)
	}
	r.silent, r.cut = 0, 0
	results, err := r.results(ctx, calls, reply.Stop, over)
	if results == nil {
		return false, err
	}
	if err == nil {
		err = r.stuck.look(calls, results, r.action)
	}
	var blocks []llm.Block
	for i := range results {
		blocks = append(blocks, llm.Block{Result: &results[i]})
	}
	say(&r.conv.Messages, blocks...)
	r.pruneMedia()
	return false, r.saved(ctx, err)
}

// results are the results of calls, executed or not; none where the conversation
// could not be saved before.
func (r *run) results(ctx context.Context, calls []llm.Call, stop llm.Stop, over error) ([]llm.Result, error) {
	switch {
	case stop == llm.Length:
		return without(calls, "The reply was cut off by its limit of length, so this call was not executed. Say less at once: write a large file in several parts."), nil
	case stop == llm.Refused:
		return without(calls, "Not executed."), fmt.Errorf("deepagent: %w", ErrRefused)
	case over != nil:
		return without(calls, "Not executed: "+over.Error()+"."), over
	}
	if err := r.save(ctx); err != nil { // before: who is killed now does not know whether they ran
		return nil, err
	}
	return r.perform(ctx, calls)
}

// finish decides what becomes of a reply without calls.
func (r *run) finish(reply *llm.Reply) (done bool, err error) {
	switch {
	case reply.Stop == llm.Refused:
		return false, fmt.Errorf("deepagent: %w", ErrRefused)
	case reply.Stop == llm.Length:
		if r.cut++; r.cut > maxCut {
			return false, budget("an answer that was cut off %d times", r.cut)
		}
		say(&r.conv.Messages, llm.Block{Text: "Your answer was cut off by its limit of length. Go on where it ended."})
		return false, nil
	case textOf(reply.Message) != "":
		return true, nil
	}
	if r.silent++; r.silent >= maxSilent {
		return false, fmt.Errorf("deepagent: %w, %d times in a row", ErrEmpty, r.silent)
	}
	say(&r.conv.Messages, llm.Block{Text: "Your answer was empty. Go on, or say in a sentence what you have done."})
	return false, nil
}

// without are results of calls that were not executed.
func without(calls []llm.Call, why string) []llm.Result {
	results := make([]llm.Result, len(calls))
	for i, c := range calls {
		results[i] = llm.Result{ID: c.ID, Name: c.Name, Text: why, Failed: true}
	}
	return results
}

// number gives an ID to calls without one, or with one that was there before.
func (r *run) number(m llm.Message) {
	taken := map[string]bool{}
	for _, old := range r.conv.Messages {
		for _, c := range callsOf(old) {
			taken[c.ID] = true
		}
	}
	for _, b := range m.Content {
		if b.Call == nil {
			continue
		}
		if b.Call.ID == "" || taken[b.Call.ID] {
			b.Call.ID = "call_" + newID()[:16]
		}
		taken[b.Call.ID] = true
	}
}

// saveTime is how long saving may take when ctx has ended.
const saveTime = 10 * time.Second

// saved saves at the end of a step, also when ctx has ended, and returns err or
// what saving has brought.
func (r *run) saved(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	if e := r.save(ctx); err == nil {
		return e
	}
	return err
}
