package local

import (
	"context"

	"github.com/hutch-dev/hutch/internal/jail"
)

// Layer is one part of the confinement.
type Layer struct {
	Name    string `json:"name"`              // always the same for the same layer
	OK      bool   `json:"ok"`                // it holds
	Detail  string `json:"detail,omitempty"`  // what it does, or what follows from its absence
	Missing string `json:"missing,omitempty"` // what the machine lacks
	Remedy  string `json:"remedy,omitempty"`  // how to get it, where there is a way
}

// Report says what this machine gives.
type Report struct {
	Level  Isolation // the highest level that commands can have
	Layers []Layer
	Err    error // why not even Restricted can be had; else nil
}

// Doctor tries out, layer by layer, how well this machine can confine commands.
func Doctor(ctx context.Context) Report {
	r := jail.Probe()
	return Report{Level: Isolation(r.Level), Layers: layersOf(r.Layers), Err: r.Err}
}

func layersOf(layers []jail.Layer) []Layer {
	all := make([]Layer, len(layers))
	for i, l := range layers {
		all[i] = Layer(l)
	}
	return all
}

// ParseIsolation is the inverse of [Isolation.String]; "" is Isolated.
func ParseIsolation(s string) (Isolation, error) {
	l, err := jail.ParseLevel(s)
	return Isolation(l), err
}
