package policy

import (
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Confinement implements [guard.Check]: commands are kept from reading what a rule
// or the default denies to read, and from changing what is denied to write or to
// edit. What a rule asks about counts as denied, because a command cannot ask; what
// is asked about by default does not: the command itself was asked about, or was
// allowed by those who left the default.
//
// Where both writing and editing have exceptions, some of them are left out, and
// commands may change less than file operations.
func (k *Checker) Confinement() hutch.Confinement {
	write, edit := k.confined(guard.Write), k.confined(guard.Edit)
	return hutch.Confinement{Hide: k.confined(guard.Read), Protect: either(write, edit)}
}

// confined are the denials of an operation as a list of patterns, the first of
// which decides.
func (k *Checker) confined(op guard.Op) []string {
	f := k.rules(op)
	var list []string
	for i := range f.rules {
		r := &f.rules[i]
		switch {
		case r.system:
			continue
		case r.Action == Allow:
			list = append(list, "!"+r.glob.String())
		default:
			list = append(list, r.glob.String())
		}
		if r.all {
			return trim(list)
		}
	}
	if f.def == Deny {
		return append(list, "**")
	}
	return trim(list)
}

// trim leaves out exceptions at the end, which except nothing.
func trim(list []string) []string {
	for len(list) > 0 && strings.HasPrefix(list[len(list)-1], "!") {
		list = list[:len(list)-1]
	}
	return list
}

// either is a list for what is in at least one of two.
func either(a, b []string) []string {
	switch {
	case slices.Equal(a, b) || len(b) == 0:
		return a
	case len(a) == 0:
		return b
	case plainList(a):
		return append(slices.Clone(a), b...)
	}
	return append(slices.DeleteFunc(slices.Clone(b), isException), a...)
}

func plainList(list []string) bool { return !slices.ContainsFunc(list, isException) }

func isException(p string) bool { return strings.HasPrefix(p, "!") }
