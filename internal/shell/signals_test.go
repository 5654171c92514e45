package shell

import (
	"errors"
	"testing"

	"github.com/hutch-dev/hutch"
)

func TestSignalsRefused(t *testing.T) {
	cmd := hutch.Shell("true")
	if err := checkCmd(cmd); err != nil {
		t.Error(err)
	}
	cmd.Signals = make(chan string)
	if err := checkCmd(cmd); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("signals that cannot be sent: %v", err)
	}
}
