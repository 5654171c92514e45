package guard_test

import (
	"iter"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch"
)

func infoNames(t testing.TB, seq iter.Seq2[hutch.Info, error]) []string {
	t.Helper()
	infos, err := hutch.Collect(seq)
	if err != nil {
		t.Error(err)
	}
	var all []string
	for _, i := range infos {
		all = append(all, i.Name)
	}
	return all
}

func matchNames(t testing.TB, seq iter.Seq2[hutch.Match, error]) []string {
	t.Helper()
	matches, err := hutch.Collect(seq)
	if err != nil {
		t.Error(err)
	}
	var all []string
	for _, m := range matches {
		all = append(all, m.Name)
	}
	return all
}

func want(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
