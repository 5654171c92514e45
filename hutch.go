// Package hutch gives AI agents a place for files and a place to run code,
// behind one small interface.
//
// A [Backend] holds the files of a workspace; a [Sandbox] also runs commands on
// them. Everything else is built on these two: functions that work on every
// backend ([ReadFile], [EditFile], [Glob], [Grep], [Copy], …), backends
// (packages state, local, iofs), and wrappers that take a backend and return
// one (package composite). Package backendtest holds the checks that every
// backend passes; what a comment here promises, a check there proves.
//
// # Words
//
// A name is a path inside a backend as [fs.ValidPath] defines it: separated by
// slashes, not rooted, "." for the root. A path is what a person or an agent
// types; [Clean] and [Resolve] turn a path into a name, once, at the edge.
// A speed is an optional interface that makes something faster and changes no
// answer; a power is an optional interface that nothing can stand in for. Both
// are found with [As].
//
// # Directories
//
// Directories are implied by the names of files: writing "a/b" makes "a". A
// backend that can hold an empty directory, because a command made one or the
// last file of it was removed, shows it; others do not.
//
// # Links
//
// Where a backend has symbolic links, [Backend.Open] and [Backend.Stat] follow
// them as long as they stay inside the backend and refuse those that leave with
// an error that matches [fs.ErrPermission]. List and Walk show a link as itself,
// with [fs.ModeSymlink] in its mode, and never go through it.
package hutch

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"
)

// Backend holds the files of a workspace.
//
// It is safe for concurrent use. Every method stops early when ctx ends and
// then returns ctx's error. Every name is checked with [CheckName] before
// anything else happens. Errors are [*fs.PathError] values that carry the
// caller's name and match one of the errors listed in errors.go or in io/fs.
type Backend interface {
	// Open opens a file for reading. What is read is one version of the file:
	// where a write replaces the file meanwhile the reader keeps the old one,
	// and where somebody changes the file in place, reading fails with
	// [ErrConflict] rather than mixing two versions.
	// A directory is refused with ErrIsDir; a pipe, device or socket at once
	// with an error that matches errors.ErrUnsupported.
	Open(ctx context.Context, name string) (File, error)

	// Stat describes a file or a directory. "." is always there.
	Stat(ctx context.Context, name string) (Info, error)

	// List yields what is directly in dir, sorted by name in byte order. An
	// error comes last and ends the list; breaking off releases everything.
	// A missing dir is fs.ErrNotExist, a file is ErrNotDir.
	List(ctx context.Context, dir string) iter.Seq2[Info, error]

	// Write stores all that r gives under name, or nothing: until it returns
	// without an error, readers see what was there before, and a reader that
	// fails or a ctx that ends leaves no trace. It makes missing parents. The
	// bytes are stored exactly. A link is written through. A directory under
	// that name is ErrIsDir, a file where a parent should be is ErrNotDir.
	// opts may be nil. The Info returned is that of the new version.
	Write(ctx context.Context, name string, r io.Reader, opts *WriteOptions) (Info, error)

	// Remove removes one file, one link (never what it points to), or one empty
	// directory. A directory that is not empty, and ".", is ErrIsDir.
	Remove(ctx context.Context, name string) error
}

// File is an open file. It may also be an [io.ReaderAt] or an [io.Seeker].
type File interface {
	io.ReadCloser
	// Info describes the version that is being read.
	Info() Info
}

// Info describes a file, a directory or a link.
type Info struct {
	Name    string      // the whole name inside the backend
	Size    int64       // in bytes; 0 for a directory
	Mode    fs.FileMode // type and permission bits
	ModTime time.Time   // may be zero for a directory
	// Rev is the revision of a file: opaque, printable, never "" or [Absent]
	// for a file, always "" for a directory. It differs whenever the content
	// does, also between two writes of the same length in the same instant,
	// and may differ when the content does not. Backends say in their own
	// documentation what they promise for changes made behind their back.
	Rev string
}

// IsDir reports whether i describes a directory.
func (i Info) IsDir() bool { return i.Mode.IsDir() }

// Absent as [WriteOptions.IfRev] asks for a file that does not exist yet.
const Absent = "absent"

// DefaultMode is the mode of a new file where WriteOptions names none.
const DefaultMode fs.FileMode = 0o644

// WriteOptions qualifies a write. The zero value writes always.
type WriteOptions struct {
	// IfRev makes the write conditional, decided in one step with the write:
	// "" writes always; Absent only if there is no such file, else the error
	// matches ErrConflict and fs.ErrExist; any other value only if the file has
	// just this revision, else ErrConflict.
	IfRev string
	// Mode holds the permission bits of the file. 0 keeps those of the file
	// that is replaced, or takes DefaultMode for a new one. Bits other than
	// 0o777 are ignored.
	Mode fs.FileMode
}

// Walker is the speed of [Walk].
type Walker interface {
	Walk(ctx context.Context, dir string) iter.Seq2[Info, error]
}

// Scanner is a speed of [Glob] and [Grep]: Scan is List without what takes a look
// at every file. Of each Info only Name and the type bits of Mode are set.
type Scanner interface {
	Scan(ctx context.Context, dir string) iter.Seq2[Info, error]
}

// Globber is the speed of [Glob]. It is given a pattern and options that Glob
// accepts; opts is not nil, and Dir in it is not "".
type Globber interface {
	Glob(ctx context.Context, pattern string, opts *GlobOptions) iter.Seq2[Info, error]
}

// Grepper is the speed of [Grep]. It is given a query that [Query.Check] accepts.
type Grepper interface {
	Grep(ctx context.Context, q Query) iter.Seq2[Match, error]
}

// Renamer is the speed of [Move]: it renames a file, a link or a whole directory
// in one step and makes missing parents. A file replaces a file but no directory
// (ErrIsDir), a directory replaces nothing (fs.ErrExist) and does not fit into
// itself (fs.ErrInvalid). A name stays what it is if both are the same.
type Renamer interface {
	Rename(ctx context.Context, from, to string) error
}

// Linker is the power of a backend to say where a name leads, and to work
// without links. A backend that can have no symbolic link has it too: every
// name leads to itself. Rules about names hold only with it.
type Linker interface {
	// Real is the name that name leads to, every link on the way and at the end
	// followed; the parts from the first one that does not exist stay as they
	// are. A link that leaves the backend matches fs.ErrPermission, as in Open;
	// one that leads in a circle fs.ErrInvalid.
	Real(ctx context.Context, name string) (string, error)
	// Unlinked is the same backend with its speeds, but no operation of it goes
	// through a link: a link in a name, or at its end where the operation would
	// follow it, matches fs.ErrPermission. What Real has answered and somebody
	// replaces by a link meanwhile is thus refused, not followed.
	Unlinked() Backend
}

// Execer is the power to run commands.
type Execer interface {
	// Exec runs cmd and waits for it. A command that ran and ended is a Result
	// whatever its status; a status that is not known is an error, never an
	// invented number. A program that cannot be found is an error that matches
	// fs.ErrNotExist, one that cannot be started fs.ErrPermission.
	//
	// When Exec returns, the whole process tree of the command is gone, also
	// what it left in the background, and all that it printed until then has
	// been written to its Stdout and Stderr. When ctx ends the tree is killed
	// and Exec returns ctx's error.
	Exec(ctx context.Context, cmd *Cmd) (Result, error)
}

// Signaler is the power of a sandbox to send signals to commands that run.
type Signaler interface {
	// Signals are the names of the signals that can be sent with [Cmd.Signals],
	// "SIGTERM" and others, but not SIGKILL: that is to end the ctx of Exec. None
	// is the same as not having the power.
	Signals() []string
}

// Confiner is the power of a sandbox to keep commands from files of the backend.
type Confiner interface {
	// Confine keeps every command that starts from now on from what c says. It
	// adds to what was asked for before, whoever asked, and cannot be taken back
	// while the sandbox is open. What it cannot keep commands from is an error
	// that matches errors.ErrUnsupported, and then nothing has changed.
	Confine(ctx context.Context, c Confinement) error
}

// Confinement is what commands are kept from, as patterns of [Glob] on whole
// names, hidden files included and case ignored. What is below a directory that
// matches matches too. Of each list the first pattern that matches decides, other
// than in .gitignore; one that begins with "!" excepts what it matches, which is
// the very name in its own case and nothing below it.
type Confinement struct {
	// Hide is what commands cannot read, whether they find it by its name or not.
	Hide []string
	// Protect is what commands can neither write nor remove, rename or replace.
	// A pattern without wildcards holds also for what does not exist; one with
	// wildcards for what exists when the command starts, or soon after.
	Protect []string
}

// Rooted is the power to say under which absolute path commands see the root of
// the backend, "/workspace" for instance. Tools show and accept that same path,
// so that a path means one file to file tools and to commands.
type Rooted interface {
	Root() string
}

// Snapshotter is the power of a backend to go back to what it was. Going back is
// writing, all files and whoever wrote them: a wrapper that narrows what may be
// written does not have it.
type Snapshotter interface {
	// TakeSnapshot keeps all files as they are, until Close of the Snapshot.
	TakeSnapshot(ctx context.Context) (Snapshot, error)
}

// Snapshot is what a backend was.
type Snapshot interface {
	// Restore makes the files what they were, all of them or with an error none. It
	// can be done more than once.
	Restore(ctx context.Context) error
	// Close lets the snapshot go.
	Close() error
}

// Sandbox is a backend that also runs commands on the same files: what one
// writes the other sees at once.
type Sandbox interface {
	Backend
	Execer
}

// As finds a speed or a power of b: a T that b itself is, or that b, being a
// wrapper, answers for. A wrapper has a method As(target any) bool that sets
// *target and reports true for what it lets through; with that method it alone
// decides, so what it has never heard of stays hidden.
func As[T any](b Backend) (T, bool) {
	var t T
	if a, ok := b.(interface{ As(target any) bool }); ok {
		found := a.As(&t) // before the return: t must be read after As has set it
		return t, found
	}
	t, ok := b.(T)
	return t, ok
}
