//go:build unix

package backendtest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
)

// mutant is something that breaks a promise on purpose.
type mutant struct {
	name  string // what is wrong with it
	open  func(t testing.TB) hutch.Backend
	do    func(f *functions) // breaks a function of package hutch instead
	kills string             // the names of checks that must notice

	checks []check // in place of those of the law, where they hold the mutant
}

// law is a part of the suite with the mutants that prove it.
type law struct {
	name    string
	checks  []check
	sound   func(t testing.TB) hutch.Backend
	opener  func(open func(t testing.TB) hutch.Backend) opener
	mutants []mutant
	workers int // how many checks run at a time; none may that count goroutines
}

func laws() []law {
	return []law{
		{name: "files", checks: slices.Concat(readChecks(), writeChecks()), sound: memory, opener: written,
			mutants: slices.Concat(nameMutants(), readMutants(), listMutants(), searchMutants(), useMutants(),
				writeMutants(), revMutants(), changeMutants(), editMutants(), parallelMutants(), linkerMutants())},
		{name: "read-only", checks: refuseChecks(), sound: memory, opener: frozenOpener, mutants: frozenMutants()},
		{name: "wrappers", checks: wrapping{memory, sameBackend}.checks(), sound: memory, opener: written, mutants: wrapperMutants()},
		{name: "commands", checks: sandboxChecks(), sound: func(t testing.TB) hutch.Backend { return newDirSandbox(t) },
			opener: written, mutants: commandMutants(), workers: 6},
	}
}

// TestMutants fails unless every check is proved by a mutant that it kills.
func TestMutants(t *testing.T) {
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) { l.prove(t) })
	}
}

func (l law) prove(t *testing.T) {
	checks, proved := map[string]check{}, map[string]bool{}
	for _, c := range l.checks {
		if _, twice := checks[c.name]; twice {
			t.Errorf("two checks have the name %s", c.name)
		}
		checks[c.name] = c
	}
	workers := make(chan struct{}, max(1, l.workers))
	var all sync.WaitGroup
	for _, m := range l.mutants {
		for name := range strings.FieldsSeq(m.kills) {
			c, ok := checks[name]
			if !ok {
				t.Errorf("the mutant that %s names %s, which is no check", m.name, name)
				continue
			}
			proved[name] = true
			workers <- struct{}{}
			all.Go(func() {
				defer func() { <-workers }()
				if !m.killedBy(t, l, c) {
					t.Errorf("%s does not notice a backend that %s", name, m.name)
				}
			})
		}
	}
	all.Wait()
	for name := range checks {
		if !proved[name] {
			t.Errorf("no mutant proves %s", name)
		}
	}
}

func (m mutant) killedBy(t *testing.T, l law, c check) bool {
	for _, mine := range m.checks {
		if mine.name == c.name {
			c = mine
		}
	}
	open, do := m.open, sound
	if open == nil {
		open = l.sound
	}
	if m.do != nil {
		m.do(&do)
	}
	return record(t, c, l.opener(open), do)
}
