// Package job runs commands in the background of any sandbox: started with one
// call, looked at, written to and ended with others.
//
// # Output
//
// What a command prints is kept in the order in which it arrived, with its
// stream. The newest part stays in memory ([Options.Memory]). What no longer fits
// is moved into files of the workspace, .hutch/out/bg_1-….log, which searches do
// not see unless they are asked for hidden files; the newest [Options.Spill]
// bytes of it can still be read. A command that prints faster than the files
// are written waits for them. What cannot be kept is counted: a [Chunk] says
// how many bytes are gone before it, and offsets stay what they were.
//
// Standard output and standard error are two pipes. Each is exact; how they are
// merged is the order in which they were read, which is the order of printing
// unless both were printed within moments. The bytes of a character of UTF-8
// are never parted by a chunk or by the other stream.
//
// # Ends
//
// The process tree of a command ends with it, as [hutch.Execer] demands, and at
// the latest with [Jobs.Close] or the sandbox.
package job

import (
	"errors"
	"time"

	"github.com/hutch-dev/hutch"
)

// Options bounds jobs. The zero value of a field is its default.
type Options struct {
	// Running is how many may run at a time; 0 is DefaultRunning.
	Running int
	// Finished is how many that have ended are remembered; the one that ended
	// first is forgotten first. 0 is DefaultFinished, a negative number none.
	Finished int
	// Memory is how many bytes of output are kept in memory for each job, 0
	// DefaultMemory. With Spill a job takes up to SegmentSize more.
	Memory int
	// Spill is how many bytes that are no longer in memory are kept in files of
	// the workspace for each job. 0 is DefaultSpill; a negative number keeps none.
	Spill int64
	// Keep is where these files are written; nil is the backend itself. It is
	// for a backend that would ask somebody before every write.
	Keep hutch.Backend
	// Limits holds for every job; those of a command can only be narrower.
	Limits hutch.Limits
}

// The defaults of Options, and the size in bytes of a file of spilled output.
const (
	DefaultRunning  = 16
	DefaultFinished = 32
	DefaultMemory   = 512 << 10
	DefaultSpill    = 64 << 20
	SegmentSize     = 1 << 20
)

// Errors of jobs, inside an [*fs.PathError] whose Path is the id.
var (
	// ErrKilled is how a job ended that was killed: it has no exit status.
	ErrKilled = errors.New("killed")
	// ErrTooMany: as many jobs as there may be are running.
	ErrTooMany = errors.New("too many jobs are running")
	// ErrEnded: the job has ended.
	ErrEnded = errors.New("job has ended")
)

// Status is what is known of a job.
type Status struct {
	ID   string // "bg_1"
	Args []string
	Dir  string
	// Running says that it has not ended. Then Result, Err and Ended are empty.
	Running bool
	// Result is how it ended, where Err is nil.
	Result hutch.Result
	// Err is why there is no Result: ErrKilled, or what Exec returned.
	Err     error
	Started time.Time
	Ended   time.Time
	// Stdout and Stderr are how many bytes were printed, Lost how many of them
	// can no longer be read.
	Stdout, Stderr, Lost int64
	// LostWhy says why output is not kept in the workspace, where something
	// other than a bound is the reason.
	LostWhy error
	// Files are the names of the files that hold output, the oldest first.
	Files []string
}

// Stream is a stream of output.
type Stream uint8

// The streams. Merged is both, in order.
const (
	Merged Stream = iota
	Stdout
	Stderr
)

// Piece is output of one stream.
type Piece struct {
	Stream Stream // Stdout or Stderr
	Data   []byte
}

// ReadOptions says what to read.
type ReadOptions struct {
	// Stream selects one; offsets count the bytes of that one, of Merged all.
	Stream Stream
	// From is the offset of the first byte wanted, as a Chunk gave it in Next.
	From int64
	// Max is how many bytes are returned at most, 0 DefaultRead, except that a
	// character longer than that comes whole.
	Max int
	// Wait is how long to wait while there is nothing new.
	Wait time.Duration
}

// DefaultRead is how many bytes one Read returns at most.
const DefaultRead = 64 << 10

// Chunk is a part of the output.
type Chunk struct {
	Pieces []Piece
	// Gone is how many bytes from From on can no longer be read. They are left
	// out before the first piece.
	Gone int64
	// Next is the offset after the last piece.
	Next int64
	// More says that there is more to read at once, End that there never will be.
	More, End bool
}

// Bytes is the output without marks.
func (c Chunk) Bytes() []byte {
	var all []byte
	for _, p := range c.Pieces {
		all = append(all, p.Data...)
	}
	return all
}
