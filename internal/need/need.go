// Package need is for tests that want more of a machine than Go: they are skipped
// where it lacks that, and fail where $HUTCH_REQUIRE, words with commas between
// them, says that it must be there.
package need

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Lacking skips a test that this machine cannot run, or fails it where it must be
// able to.
func Lacking(t testing.TB, what string, reason any) {
	t.Helper()
	if Required(what) {
		t.Fatalf("HUTCH_REQUIRE has %s, but: %v", what, reason)
	}
	t.Skipf("no %s: %v", what, reason)
}

// Required reports whether a lack of what is a failure.
func Required(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("HUTCH_REQUIRE"), ","), what)
}
