package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/pelletier/go-toml/v2"
)

// policyConfig is one [policies.NAME] of the config file, or a file of its own.
type policyConfig struct {
	Base   string   `toml:"base"`   // whose rules come behind
	Accept []string `toml:"accept"` // what commands may do where the sandbox cannot keep them from it
	policy.Set
}

// noPolicy is the name of no policy at all.
const noPolicy = "none"

// rules is a policy that was chosen.
type rules struct {
	name   string
	set    policy.Set
	accept []guard.Op
}

// checkPolicies finds what is wrong with the policies of the config file.
func (c *config) checkPolicies() error {
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		if _, ok := policy.Preset(name); ok || name == noPolicy || name == "" || strings.ContainsAny(name, `/\.`) {
			return fmt.Errorf("policies.%s: the name is taken, or none: a preset, none, or one with a slash or a dot", name)
		}
		if _, err := c.policy(name); err != nil {
			return err
		}
	}
	if c.Policy != "" && c.Policy != noPolicy {
		if _, err := c.policy(c.Policy); err != nil {
			return fmt.Errorf("policy: %w", err)
		}
	}
	return nil
}

// policy is a policy by its name: one of the config file, or a preset.
func (c *config) policy(name string) (*rules, error) {
	if p, ok := c.Policies[name]; ok {
		r, err := p.rules(name)
		if err != nil {
			return nil, fmt.Errorf("policies.%s: %w", name, err)
		}
		return r, nil
	}
	if s, ok := policy.Preset(name); ok {
		return &rules{name: name, set: s}, nil
	}
	return nil, fmt.Errorf("there is no policy %q; there are %s", name, strings.Join(c.policyNames(), ", "))
}

// policyNames are all names of policies: those of the config file, then presets.
func (c *config) policyNames() []string {
	return append(slices.Sorted(maps.Keys(c.Policies)), policy.Presets()...)
}

// rules is p with its base behind it.
func (p *policyConfig) rules(name string) (*rules, error) {
	r := &rules{name: name, set: p.Set}
	if p.Base != "" {
		base, ok := policy.Preset(p.Base)
		if !ok {
			return nil, fmt.Errorf("base: there is no %q; there are %s", p.Base, strings.Join(policy.Presets(), ", "))
		}
		r.set = p.Set.Over(base)
	}
	for _, a := range p.Accept {
		if err := r.mayAccept(a); err != nil {
			return nil, fmt.Errorf("accept: %w", err)
		}
	}
	return r, r.set.Check()
}

// mayAccept notes what commands may do where the sandbox cannot keep them from it.
func (r *rules) mayAccept(what string) error {
	if what != string(guard.Read) && what != string(guard.Write) {
		return fmt.Errorf("%q is not read or write", what)
	}
	r.accept = append(r.accept, guard.Op(what))
	return nil
}

// chosen is the policy that the flags name, else the config file; nil is none.
func (c *cli) chosen(cfg *config) (*rules, error) {
	r, err := c.named(cfg)
	if err != nil {
		return nil, err
	}
	for _, a := range c.accept {
		if r == nil {
			return nil, usagef("--accept is for --policy")
		}
		if err := r.mayAccept(a); err != nil {
			return nil, usagef("--accept: %w", err)
		}
	}
	return r, nil
}

func (c *cli) named(cfg *config) (*rules, error) {
	name := c.policy
	if name == "" {
		name = cfg.Policy
	}
	switch {
	case name == "" || name == noPolicy:
		return nil, nil
	case strings.ContainsAny(name, `/\.`):
		return policyFile(name)
	}
	r, err := cfg.policy(name)
	if err != nil {
		return nil, usagef("--policy: %w; a file is written with a slash or a dot", err)
	}
	return r, nil
}

// policyFile reads a policy from a file of its own: JSON where its name says so,
// else as a [policies.NAME] of the config file.
func policyFile(file string) (*rules, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("policy file %s: %w", file, bare(err))
	}
	if strings.HasSuffix(file, ".json") {
		s, err := policy.ParseJSON(bytes.NewReader(data))
		if err != nil {
			return nil, usagef("policy file %s: %w", file, err)
		}
		return &rules{name: file, set: s}, nil
	}
	p := &policyConfig{}
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, usage(errors.New(strings.Replace(configError(file, err).Error(), "config file", "policy file", 1)))
	}
	r, err := p.rules(file)
	if err != nil {
		return nil, usagef("policy file %s: %w", file, err)
	}
	return r, nil
}
