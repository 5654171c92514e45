package deepagent

import (
	"context"
	"sync"

	"github.com/hutch-dev/hutch/llm"
)

// tree is what a run and its sub-agents share.
type tree struct {
	events  chan Event
	approve func(ctx context.Context, q Question) (Answer, error)
	asking  chan struct{} // one question at a time
	meter   meter

	mu     sync.RWMutex // held for reading by who sends
	closed bool

	granting sync.Mutex
	granted  map[string]bool // tools approved for the run
}

func newTree(a *Agent, d *Deps) *tree {
	t := &tree{events: make(chan Event), asking: make(chan struct{}, 1), approve: a.o.Approve, granted: map[string]bool{}}
	if d != nil && d.Approve != nil {
		t.approve = d.Approve
	}
	t.meter.steps, t.meter.tokens, t.meter.cost = a.o.MaxSteps, a.o.MaxTokens, a.o.MaxCost
	return t
}

// emit hands an event to who listens. After the end of the run there is nobody.
func (t *tree) emit(e Event) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.closed {
		t.events <- e
	}
}

func (t *tree) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	close(t.events)
}

// meter counts what a run uses, against its budget.
type meter struct {
	steps  int // limits; 0 is none, but for steps
	tokens int64
	cost   float64

	mu   sync.Mutex
	used Usage
}

// step begins a request to a model, if the budget allows one.
func (m *meter) step() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used.Steps >= m.steps {
		return budget("%d steps", m.steps)
	}
	if err := m.over(); err != nil {
		return err
	}
	m.used.Steps++
	return nil
}

// over is an error once the tokens or the money are used up. The caller holds mu.
func (m *meter) over() error {
	total := m.used.Total.Input + m.used.Total.Output
	switch {
	case m.tokens > 0 && total >= m.tokens:
		return budget("%d of %d tokens", total, m.tokens)
	case m.cost > 0 && m.used.Cost >= m.cost:
		return budget("%.4f of %.4f in money", m.used.Cost, m.cost)
	}
	return nil
}

// add counts a reply and returns the new sums, and whether the budget is used up.
func (m *meter) add(u llm.Usage, p *Price, estimated bool) (Usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Last = u
	m.used.Estimated = m.used.Estimated || estimated
	m.used.Total = m.used.Total.Add(u)
	if p != nil {
		m.used.Cost += p.of(u)
	}
	return m.used, m.over()
}

func (m *meter) usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

func (p *Price) of(u llm.Usage) float64 {
	plain := max(0, u.Input-u.CacheRead-u.CacheWrite)
	sum := float64(plain)*p.Input + float64(u.CacheRead)*p.CacheRead + float64(u.CacheWrite)*p.CacheWrite + float64(u.Output)*p.Output
	return sum / 1e6
}
