package shell

import (
	"context"
	"io"
)

// Host starts programs in the place of the sandbox. It is safe for concurrent
// use.
type Host interface {
	// Start starts args with its three streams. The program is looked up in the
	// PATH of o.Env; no shell is involved. ctx bounds the starting alone: the
	// program runs on when it ends. A program that is not there may be an error
	// here or a status of 126 or 127 later.
	Start(ctx context.Context, args []string, o StartOptions) (Process, error)
}

// StartOptions qualifies [Host].Start.
type StartOptions struct {
	Dir   string   // absolute; "" is any directory
	Env   []string // "KEY=value"; what the place adds to it does no harm
	Stdin bool     // whether there will be input; without it the program reads nothing
}

// Process is a program that was started. Its input and each of its outputs are
// used by one goroutine each, at the same time.
type Process interface {
	// Read reads what the program prints on its standard output, to io.EOF.
	io.Reader
	// Write gives to the standard input.
	io.Writer
	// CloseWrite ends the standard input.
	CloseWrite() error
	// Stderr is what the program prints on its standard error, to io.EOF.
	Stderr() io.Reader
	// Wait waits for the end and returns the status, 128+n after signal n. An
	// error means that the status is not known.
	Wait(ctx context.Context) (exitCode int, err error)
	// Close lets go of the streams: reads and writes that wait return soon, the
	// program finds its input at an end. It kills nothing, and may be called
	// again and while the others run.
	Close() error
}
