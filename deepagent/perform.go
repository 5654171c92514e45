package deepagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

// maxAtOnce is how many calls of one step run side by side.
const maxAtOnce = 8

// action is a tool as an agent has it.
type action struct {
	tool.Tool
	together bool // may run beside others although it is not read-only
	own      bool // of the agent itself: no list of tools leaves it out
}

func (r *run) action(name string) *action {
	for i := range r.tools {
		if r.tools[i].Name == name {
			return &r.tools[i]
		}
	}
	return nil
}

func (r *run) title(name string) string {
	if a := r.action(name); a != nil {
		return a.Title
	}
	return ""
}

// perform does the calls of one step: side by side if none of them changes
// anything, else one after the other. There is a result for every call, also with
// an error; that is what the model cannot mend, and ends the run.
func (r *run) perform(ctx context.Context, calls []llm.Call) ([]llm.Result, error) {
	results, errs := make([]llm.Result, len(calls)), make([]error, len(calls))
	if r.together(calls) {
		var all sync.WaitGroup
		slots := make(chan struct{}, maxAtOnce)
		for i, c := range calls {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				results[i], errs[i] = r.call(ctx, c)
			})
		}
		all.Wait()
		return results, errors.Join(errs...)
	}
	for i, c := range calls {
		if results[i], errs[i] = r.call(ctx, c); errs[i] != nil {
			copy(results[i+1:], without(calls[i+1:], "Not executed: the run ended before."))
			return results, errs[i]
		}
	}
	return results, nil
}

func (r *run) together(calls []llm.Call) bool {
	for _, c := range calls {
		if a := r.action(c.Name); a == nil || !a.ReadOnly && !a.together {
			return false
		}
	}
	return len(calls) > 1
}

// call does one call and tells of it.
func (r *run) call(ctx context.Context, c llm.Call) (llm.Result, error) {
	about := &Call{ID: c.ID, Name: c.Name, Title: r.title(c.Name), Input: c.Input}
	r.emit(Event{Kind: ToolCall, Call: about})
	began := time.Now()
	res, err := r.attempt(ctx, c, about)
	switch {
	case err != nil && ctx.Err() != nil:
		err = ctx.Err()
		res = tool.Result{Text: "Cancelled while it was at work: it is not known how far it came.", Failed: true}
	case err != nil:
		res = tool.Result{Text: "It could not be done: " + err.Error(), Failed: true}
	}
	text, kept := r.fit(ctx, c.Name, res)
	out := &Outcome{Text: text, Failed: res.Failed, Kept: kept, Duration: time.Since(began)}
	if res.Data != nil {
		out.Data, _ = json.Marshal(res.Data) // a tool promises that it encodes
	}
	r.emit(Event{Kind: ToolDone, Call: about, Outcome: out})
	result := llm.Result{ID: c.ID, Name: c.Name, Text: text, Failed: res.Failed}
	for _, m := range res.Media {
		result.Media = append(result.Media, llm.Media{Type: m.Type, Data: m.Data})
	}
	return result, err
}

// attempt checks a call as the model has written it, and does it.
func (r *run) attempt(ctx context.Context, c llm.Call, about *Call) (tool.Result, error) {
	if err := ctx.Err(); err != nil {
		return tool.Result{}, err
	}
	a := r.action(c.Name)
	if a == nil {
		return failed("There is no tool %q. There are: %s.", clip(c.Name, 100), r.names()), nil
	}
	input, ok := c.Input.Object()
	if !ok {
		return failed("The arguments are not a JSON object%s. Call %s again with one.", whyNotJSON(c.Input), c.Name), nil
	}
	return r.approvedCall(ctx, a, input, about)
}

// approvedCall has a call approved and does it. A tool that panics has failed.
func (r *run) approvedCall(ctx context.Context, a *action, input json.RawMessage, about *Call) (res tool.Result, err error) {
	p := &progress{r: r, call: about}
	defer p.end()
	defer func() {
		if v := recover(); v != nil {
			res, err = failed("The tool %s has a fault and did not finish: %v", a.Name, v), nil
		}
	}()
	ctx, over := r.asker(ctx, about)
	defer over()
	if refusal, err := r.approved(ctx, about); err != nil || refusal != "" {
		return tool.Result{Text: refusal, Failed: true}, err
	}
	return a.Call(ctx, tool.Call{Input: input, Progress: p.add})
}

// progress tells what a tool prints, until the call has ended.
type progress struct {
	r    *run
	call *Call

	mu    sync.Mutex
	ended bool
}

func (p *progress) add(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended && text != "" {
		p.r.emit(Event{Kind: Progress, Call: p.call, Text: text})
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

func failed(format string, args ...any) tool.Result {
	return tool.Result{Text: fmt.Sprintf(format, args...), Failed: true}
}

// whyNotJSON says what is wrong with arguments.
func whyNotJSON(in llm.Input) string {
	var v any
	if err := json.Unmarshal([]byte(in), &v); err != nil {
		return fmt.Sprintf(": %v (they begin with %q)", err, clip(string(in), 80))
	}
	return ""
}

func (r *run) names() string {
	var names []string
	for _, a := range r.tools {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// clip shortens s to n bytes, whole characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
