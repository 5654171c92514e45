//go:build unix

package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/search"
)

// Confine implements [hutch.Confiner] by keeping commands from nothing.
func (s *dirSandbox) Confine(_ context.Context, c hutch.Confinement) error {
	for _, list := range [][]string{c.Hide, c.Protect} {
		if _, err := search.CompileNameList(list); err != nil && !s.wrong["knows no bad patterns"] {
			return fail("confine", ".", fs.ErrInvalid)
		}
	}
	list := strings.Join(append(c.Hide, c.Protect...), " ")
	switch {
	case list == "" || s.wrong["confines in words only"]:
		return nil
	case s.wrong["takes away what it cannot hide"] && strings.Contains(list, ".env"):
		return errors.Join(os.Truncate(s.host("a/.env"), 0), fail("confine", ".", errors.ErrUnsupported))
	case s.wrong["makes what it cannot protect"]:
		return errors.Join(os.Mkdir(s.host("top"), 0o755), fail("confine", ".", errors.ErrUnsupported))
	}
	return fail("confine", ".", errors.ErrUnsupported)
}

func confineMutants() []mutant {
	return []mutant{
		wrongly("confines in words only", "Confine/Hide Confine/Protect Confine/Absent Confine/Adds"),
		wrongly("takes away what it cannot hide", "Confine/Hide Confine/Files"),
		wrongly("makes what it cannot protect", "Confine/Absent"),
		wrongly("knows no bad patterns", "Confine/Pattern"),
	}
}
