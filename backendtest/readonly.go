package backendtest

import (
	"errors"
	"io/fs"
)

// refuseChecks are the promises of a backend that cannot be written.
func refuseChecks() []check {
	return []check{
		{"ReadOnly/Refuses", "every method that writes is refused with errors.ErrUnsupported or fs.ErrPermission and the caller's name",
			nodes, readOnlyRefuses},
		{"ReadOnly/Names", "bad names are fs.ErrInvalid also where every write is refused", nodes,
			func(t *env) { namesRefused(t, writeOps(), t.ctx) }},
	}
}

func readOnlyRefuses(t *env) {
	for _, o := range writeOps() {
		name := "source" // which the edit of writeOps fits
		if o.name == "Copy from" || o.name == "Move from" || o.name == "Copy to" || o.name == "Move to" {
			name = "dir/inner"
		}
		err := o.try(t, t.ctx, name)
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s(%s) on a read-only backend: %v", o.name, name, err)
			continue
		}
		var pe *fs.PathError
		if !errors.As(err, &pe) || pe.Path != name && pe.Path != "target" && pe.Path != "source" {
			t.Errorf("%s(%s): error %q does not carry the name", o.name, name, err)
		}
		t.noHostPath(o.name, err, name)
	}
	t.wantUntouched("refused writes")
}
