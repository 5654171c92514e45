package agentserver

import (
	"encoding/json"
	"time"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
)

const (
	maxEventBytes = 8 << 20   // of the events of a run
	maxEvent      = 512 << 10 // of one; of a larger one the texts are cut
	maxEventText  = 64 << 10
)

// event is an event as clients see it.
type event struct {
	Seq        int64           `json:"seq" jsonschema:"Its number in the run."`
	Time       time.Time       `json:"time"`
	QuestionID string          `json:"question_id,omitempty" jsonschema:"Of an event asked or answered."`
	Event      json.RawMessage `json:"event" jsonschema:"An event of the agent: an object with its kind and what belongs to it."`

	kind deepagent.Kind
}

// ring keeps the newest events of a run. Numbers begin after begin.
type ring struct {
	most        int
	begin, last int64
	list        []event
	bytes       int
}

// add numbers an event and keeps it; old ones go.
func (g *ring) add(e deepagent.Event, question string) {
	g.last++
	x := event{Seq: g.last, Time: time.Now().UTC(), QuestionID: question, Event: encoded(e), kind: e.Kind}
	g.list = append(g.list, x)
	g.bytes += len(x.Event)
	n := 0
	for len(g.list)-n > 1 && (len(g.list)-n > g.most || g.bytes > maxEventBytes) {
		g.bytes -= len(g.list[n].Event)
		g.list[n] = event{}
		n++
	}
	g.list = g.list[n:]
}

// since are the events after a number and how many of those are gone. A number that
// none of them can have had is of an earlier life: then they are all.
func (g *ring) since(after int64) (list []event, lost int64) {
	if after < g.begin || after > g.last {
		after = g.begin
	}
	gone := g.last - int64(len(g.list)) // the number before the first
	if after < gone {
		return g.list, gone - after
	}
	return g.list[after-gone:], 0
}

// encoded is e as JSON; what is too large is cut.
func encoded(e deepagent.Event) json.RawMessage {
	data, err := json.Marshal(e)
	if err == nil && len(data) <= maxEvent {
		return data
	}
	e.Text, e.Error = clip(e.Text, maxEventText), clip(e.Error, maxEventText)
	e.Call = cutCall(e.Call)
	if e.Outcome != nil {
		o := *e.Outcome
		o.Text, o.Data = clip(o.Text, maxEventText), nil
		e.Outcome = &o
	}
	if e.Question != nil {
		q := *e.Question
		q.Text, q.Call = clip(q.Text, maxEventText), *cutCall(&q.Call)
		e.Question = &q
	}
	if e.Result != nil {
		r := *e.Result
		r.Text, r.Todos = clip(r.Text, maxEventText), nil
		e.Result = &r
	}
	e.Todos = nil
	if data, err = json.Marshal(e); err == nil && len(data) <= maxEvent {
		return data
	}
	data, _ = json.Marshal(deepagent.Event{Kind: e.Kind}) // always encodes
	return data
}

// cutCall is c with arguments that are not too large.
func cutCall(c *deepagent.Call) *deepagent.Call {
	if c == nil {
		return nil
	}
	cut := *c
	if len(cut.Input) > maxEventText {
		cut.Input = llm.Input(clip(string(c.Input), maxEventText))
	}
	return &cut
}
