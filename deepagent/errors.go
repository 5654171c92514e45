package deepagent

import (
	"errors"
	"fmt"
)

// How a run can end besides what models, backends and stores return.
var (
	ErrBudget  = errors.New("the budget is used up")
	ErrStuck   = errors.New("the model does the same again and again")
	ErrRefused = errors.New("the model does not answer this")
	ErrEmpty   = errors.New("the model says nothing")
)

func budget(format string, args ...any) error {
	return fmt.Errorf("deepagent: %w: %s", ErrBudget, fmt.Sprintf(format, args...))
}
