package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/tool"
	"golang.org/x/term"
)

// sitting is an agent in a workspace, for one prompt or for several.
type sitting struct {
	v     *agentVerb
	c     *cli
	cfg   *config
	b     hutch.Backend // behind the rules
	plain hutch.Backend // for what is done on account of the program
	store deepagent.Store
	model llm.Model
	agent *deepagent.Agent
	id    string // of the conversation
	demo  bool

	show  *show.Show
	tally show.Tally
	typed func() *typed // at the terminal
}

// session opens the model, the workspace and the rules, in this order: what is
// missing is said before anything is started.
func (v *agentVerb) session(ctx context.Context) (*sitting, error) {
	cfg, err := loadConfig(v.config)
	if err != nil {
		return nil, usage(err)
	}
	s := &sitting{v: v, c: v.cli, cfg: cfg, typed: sync.OnceValue(func() *typed { return newTyped(v.in.file) })}
	if err := s.chooseModel(); err != nil {
		return nil, err
	}
	if err := v.rulesAtHand(cfg, s.demo); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	s.show = v.shower()
	return s, nil
}

// open opens the workspace and makes the agent.
func (s *sitting) open(ctx context.Context) error {
	if s.demo && s.c.backend == "" {
		if err := s.demoPlace(); err != nil {
			return err
		}
	}
	w, err := s.c.openPlain(s.v.adjust)
	if err != nil {
		return err
	}
	if w.sandbox != nil {
		if _, err := w.sandbox.Isolation(ctx); err != nil {
			return orLess(ctx, err)
		}
	}
	s.plain = storing(w)
	if s.b, err = s.c.guarded(ctx, w, s.plain, s.v.agentAsker()); err != nil {
		return err
	}
	if _, ok := hutch.As[hutch.Execer](s.b); s.demo && !ok {
		return usagef("--model demo executes commands, and this backend runs none")
	}
	s.store = deepagent.Files(s.plain, deepagent.DefaultConversations)
	return s.make(s.model)
}

// orLess is err, which says that a level of isolation cannot be had, with what can.
func orLess(ctx context.Context, err error) error {
	r := local.Doctor(ctx)
	if r.Err != nil || r.Level < local.Restricted {
		return err
	}
	return fmt.Errorf("%w; --isolation %s accepts what there is", err, r.Level)
}

// make makes the agent of a model.
func (s *sitting) make(m llm.Model) error {
	price := s.cfg.price(m.Name())
	if s.v.maxCost > 0 && price == nil {
		return usagef("--max-cost needs prices: write [prices.%q] with input and output, per million tokens, into the config file", m.Name())
	}
	o := &deepagent.Options{
		Console:  &tool.Options{Keep: s.plain, Images: !strings.HasPrefix(m.Name(), "ollama:"), MaxImage: maxImage},
		MaxSteps: s.v.maxSteps, MaxTokens: s.v.maxTokens, MaxCost: s.v.maxCost, Price: price,
		Effort: llm.Effort(s.v.effort), Store: s.store, Approve: s.approve,
	}
	a, err := deepagent.New(m, o)
	if err != nil {
		return err
	}
	s.agent, s.model = a, m
	return nil
}

// resumed is the conversation that is meant; "" is a new one.
func (s *sitting) resumed(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	if id != resumeLast {
		_, err := s.store.Load(ctx, id)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no conversation %q in %s", id, deepagent.DefaultConversations)
		}
		return id, err
	}
	ids, err := s.store.List(ctx)
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("there is no conversation to go on with in %s", deepagent.DefaultConversations)
	}
	return ids[0], nil
}

// play lets the agent work on one prompt and shows it.
func (s *sitting) play(ctx context.Context, prompt string) error {
	if !s.v.json {
		defer s.ticking()()
	}
	for e, err := range s.agent.Stream(ctx, prompt, &deepagent.Deps{Backend: s.b, Conversation: s.id}) {
		if e.Kind != "" {
			s.tally.Add(e)
			if e := s.tell(e); e != nil {
				return e
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell shows an event.
func (s *sitting) tell(e deepagent.Event) error {
	if e.Kind == deepagent.Begin && e.Agent == "" {
		s.id = e.Conversation
	}
	if s.v.json {
		return s.c.printJSON(e)
	}
	return s.show.Event(e)
}

// ticking lets the display show that time passes, until it is told to end.
func (s *sitting) ticking() (end func()) {
	t := time.NewTicker(100 * time.Millisecond)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-t.C:
				s.show.Tick()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		t.Stop()
		close(quit)
		<-done
		s.show.Close()
	}
}

// shower is how events are shown on the standard output.
func (v *agentVerb) shower() *show.Show {
	p := v.printer()
	return show.New(v.out, &show.Options{
		Color: p.color,
		Live:  p.terminal && os.Getenv("TERM") != "dumb",
		Width: func() int {
			if n, _, err := term.GetSize(int(v.out.file.Fd())); err == nil && n > 0 {
				return n
			}
			return 80
		},
	})
}

// errPrinter is the printer of the standard error.
func (c *cli) errPrinter() printer {
	p := c.printer()
	if t := isTerminal(os.Stderr); c.color.String() == "auto" {
		p.color = t && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	p.terminal = true
	return p
}
