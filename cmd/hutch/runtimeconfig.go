package main

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/hutch-dev/hutch/docker"
)

// runtimeConfig is one [runtimes.NAME] of the config file. A nil field, and a
// limit of 0, says nothing.
type runtimeConfig struct {
	Description *string           `toml:"description"`
	Image       *string           `toml:"image"`
	Base        *string           `toml:"base"`
	Manager     *string           `toml:"manager"`
	Packages    []string          `toml:"packages"`
	Setup       []string          `toml:"setup"`
	Env         map[string]string `toml:"env"`
	WorkDir     *string           `toml:"work_dir"`
	Memory      size              `toml:"memory"`
	CPUs        float64           `toml:"cpus"`
	Network     *string           `toml:"network"`
}

// catalog holds the built-in runtimes and those of the config file.
func (c *config) catalog() (docker.Catalog, error) {
	all, err := docker.NewCatalog()
	if err != nil {
		return nil, err
	}
	var own []docker.Runtime
	for _, name := range slices.Sorted(maps.Keys(c.Runtimes)) {
		from := docker.Runtime{Name: name}
		rc := c.Runtimes[name]
		if r, ok := all[name]; ok && rc.Image == nil && rc.Base == nil {
			from = r // what is not said stays as it is
		}
		r, err := rc.over(from)
		if err != nil {
			return nil, err
		}
		own = append(own, r)
	}
	return docker.NewCatalog(own...)
}

// over is r with what the config file says instead.
func (rc *runtimeConfig) over(r docker.Runtime) (docker.Runtime, error) {
	if rc.CPUs < 0 || math.IsNaN(rc.CPUs) || math.IsInf(rc.CPUs, 0) {
		return r, fmt.Errorf("runtime %q: %v is no number of processors", r.Name, rc.CPUs)
	}
	for to, v := range map[*string]*string{
		&r.Description: rc.Description, &r.Image: rc.Image, &r.Base: rc.Base,
		&r.Manager: rc.Manager, &r.WorkDir: rc.WorkDir, &r.Network: rc.Network,
	} {
		if v != nil {
			*to = *v
		}
	}
	if rc.Packages != nil {
		r.Packages = rc.Packages
	}
	if rc.Setup != nil {
		r.Setup = rc.Setup
	}
	if rc.Env != nil {
		r.Env = rc.Env
	}
	set(&r.Memory, rc.Memory.n)
	set(&r.CPUs, rc.CPUs)
	return r, nil
}
