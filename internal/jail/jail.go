// Package jail runs commands on this machine, confined by the operating system.
//
// [Start] opens a jail around one folder, the workspace. One small helper process lives in the jail as long as it is
// open and starts its commands, so that a command costs about one fork and exec. [Jail.Run] runs one command; many may run
// at once. When Run returns, every process that the command started is dead, however it tried to survive. When the jail is
// closed, or the program that opened it dies in whatever way, everything in the jail is gone.
//
// How much is confined is a [Level]. A jail never has less than Config.Least: what the machine cannot give is a
// [LevelError] that says what is missing and how to get it. What a jail has is told by [Jail.Level] and [Jail.Layers].
//
// The helper is the calling program itself, executed a second time: the package notices in its init that it is the helper
// and never returns from there. A program needs no set-up for this, but code that runs in the init of packages that come
// before this one runs in the helper too.
//
// Confinement exists on Linux, on amd64 and arm64. Elsewhere only [Unconfined] can be had.
package jail

import (
	"errors"
	"io"
	"os"
	"time"
)

// Config says what a jail is like. It is copied by Start.
type Config struct {
	// Dir is the host path of the workspace, an existing folder.
	Dir string
	// Root, if not nil, is an open handle of the same folder. Start fails if Dir is another one by now.
	Root *os.File

	// Least is the least level accepted. The zero value is Isolated. Unconfined is exact: it is never reached unless asked for.
	Least Level
	// Ceiling, if not nil, is the highest level tried. It is there for tests and for finding out what a lesser machine gives.
	Ceiling *Level

	// Mount is the absolute path under which commands see the workspace: "" means DefaultMount, and the workspace's own
	// host path is allowed. Levels without a file system of their own (Restricted, Unconfined) have no choice: there
	// the workspace is at its host path. Ask Jail.Root.
	Mount string
	// Visible are further host paths that commands can read, at the same paths.
	Visible []string
	// Network lets commands use the network of the host, including what listens on its loopback interface.
	Network bool
	// Limits hold for every command. See Limits.
	Limits Limits
	// Protect are names (slash-separated, relative to the workspace) that commands cannot create, write, remove, rename
	// or replace, whether they exist yet or not. It takes Isolated; at lesser levels Layers says that it is not enforced.
	// For a name that does not exist, a placeholder stands in the workspace while the jail is open: an empty folder that
	// nobody may write or a socket. A name is protected, not a file: a hard link made before the jail was opened stays writable.
	Protect []string
	// Hide are names of folders in the workspace that commands see as empty and read-only. A missing one is made.
	// At lesser levels than Isolated they are not hidden, and Layers says so.
	Hide []string
	// Env is added to the environment of every command, as "KEY=value".
	Env []string
}

// DefaultMount is where commands see the workspace if Config.Mount does not say otherwise.
const DefaultMount = "/workspace"

// Limits bound what commands take. For each field 0 means the default and a negative number means no limit. The hard limits
// of the machine hold in any case. The limits of one command, CPU, less than 512 MiB of Memory and less than 64 OpenFiles
// take hold within a moment after the command has started; all others hold from its start.
type Limits struct {
	Memory    int64         // bytes: of all commands together at Capped, of data of each process otherwise; default 4 GiB
	CPU       time.Duration // processor time of each process, in whole seconds, rounded up; default 1 h
	Processes int           // processes and threads of all commands together; default 512
	FileSize  int64         // bytes in each file written; default 4 GiB
	OpenFiles int           // open files of each process; default 4096
}

// Command is one program to run. Its fields are not kept after Run returns, with the one exception said at Stdin.
type Command struct {
	// Args is the program and its arguments. A program without a slash is looked for in the PATH of the command.
	Args []string
	// Dir is the name of the folder, relative to the workspace, in which it runs: "" and "." are the workspace.
	Dir string
	// Env is added to the environment of the jail, as "KEY=value"; the last value of a key counts.
	Env []string
	// Stdin is empty if nil. An *os.File that is a pipe or a regular file, open for reading only, is handed to the command
	// itself; any other reader is copied: if the command ends while a Read of it blocks, Run returns nevertheless, and one
	// goroutine stays in that Read until it returns.
	Stdin io.Reader
	// Stdout and Stderr get the output. nil discards it. A pipe that is open for writing only is handed to the command
	// itself; any other writer is written to by Run, so that a command cannot read or change what it writes to. The same writer may be given for both: then it is
	// written to by one goroutine only, in the order of the output.
	Stdout, Stderr io.Writer
	// Signals are names of signals that are sent to the command's process group while it runs. Where Signals() is empty it must be nil.
	Signals <-chan string
	// Limits can only be tighter than those of the jail. Processes is ignored here.
	Limits Limits
	// Timeout, if greater than 0, ends the command and everything it started.
	Timeout time.Duration
}

// Status is how a command ended.
type Status struct {
	ExitCode int           // of the program; 128+n if signal n ended it; 124 if Timeout did
	Signal   string        // the signal that ended it, such as "SIGKILL"; else ""
	TimedOut bool          // Timeout ended it
	Duration time.Duration // from before it started until everything of it was dead
}

// Layer is one part of the confinement.
type Layer struct {
	Name    string // a few words, always the same for the same layer
	OK      bool   // it holds
	Detail  string // what it does, or what follows from its absence
	Missing string // what the machine lacks; "" if OK
	Remedy  string // how to get it, if there is a way
}

// Report says what this machine gives.
type Report struct {
	Level  Level // the highest level reached
	Layers []Layer
	Err    error // why not even Restricted could be reached; else nil
}

// ErrClosed is the error of Run after Close.
var ErrClosed = errors.New("jail: closed")

// ErrGone is matched by the error of Run when the helper died: how the command ended is then unknown, and nothing more can
// be run in this jail.
var ErrGone = errors.New("jail: the helper of the jail is gone")
