package llm

import (
	"errors"
	"fmt"
	"time"
)

// What an [*Error] can match.
var (
	ErrAuth    = errors.New("the key is missing, wrong or not allowed to do this")
	ErrRequest = errors.New("the provider does not accept the request")
	ErrTooLong = errors.New("the conversation is too long for the model")
	ErrQuota   = errors.New("nothing is left of the quota or the credit")
	ErrLimited = errors.New("too many requests")           // again later
	ErrTrouble = errors.New("the provider is in trouble")  // again later
	ErrCut     = errors.New("the answer has not ended")    // again
	ErrAnswer  = errors.New("the answer makes no sense")   // again
	ErrUnknown = errors.New("there is no such model here") // also no such address
)

// Error is what went wrong with a request to a provider.
type Error struct {
	Provider string // "anthropic"
	Status   int    // of HTTP; 0 where there was none
	// Text is what the provider has said, one line of at most 500 bytes. Keys are
	// not in it.
	Text string
	// RetryAfter is when the provider wants to be asked again; 0 where it has not said.
	RetryAfter time.Duration
	Err        error // one of the errors above, or that of the connection
}

func (e *Error) Error() string {
	s := e.Provider + ": " + e.Err.Error()
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Again reports whether the same request may succeed later: there were too many,
// the provider is in trouble, the connection broke or brought nonsense.
func Again(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, no := range []error{ErrAuth, ErrRequest, ErrTooLong, ErrQuota, ErrUnknown} {
		if errors.Is(err, no) {
			return false
		}
	}
	return true
}
