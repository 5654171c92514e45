package guard

import (
	"context"
	"io/fs"

	"github.com/hutch-dev/hutch"
)

// Op is a kind of operation, as rules name it.
type Op string

// The operations. A write makes a file or replaces one blindly; an edit replaces
// the version that was read ([hutch.UpdateFile]), and is a read of it as well.
// Removing and renaming are writes of every name that they change; renaming is
// also a read of what it renames, since it is found under another name then, as
// a copy of it would be. A copy reads one and writes the other.
const (
	Read    Op = "read"
	Write   Op = "write"
	Edit    Op = "edit"
	List    Op = "ls"
	Glob    Op = "glob"
	Grep    Op = "grep"
	Execute Op = "execute"
)

// Ops are all operations, in the order in which rules are shown.
func Ops() []Op { return []Op{Read, Write, Edit, List, Glob, Grep, Execute} }

// Request is one operation that somebody wants done.
type Request struct {
	Op Op
	// Name is the name that the operation is about, with every link followed:
	// what it leads to, not what was typed. For Execute it is the directory. Its
	// case is that of the caller: on a system that does not tell cases apart a
	// Check must not either, nor among the ways to write one character.
	Name string
	// Path is how tools show Name, [hutch.PathOf].
	Path string
	// Cmd is the command of an Execute, else nil: a copy without its streams.
	// Where it has input Stdin is not nil, and cannot be read.
	Cmd *hutch.Cmd
	// Change is what a write or an edit would make of the file, nil for other
	// operations. Where it is too large to be shown, neither side is there. An
	// edit has one always; a write, a removal and a renaming of a file have one
	// where the Outlook of Write is Asked, as copies, and that of a directory or
	// of a link has none.
	Change *Change
}

// Change is a file before and after. A nil Before is a file that is not there
// yet, a nil After one that goes.
type Change struct {
	Before, After []byte
	Size          int64 // of After, in bytes; of a write that is TooLarge at least so many
	TooLarge      bool  // either is more than MaxChange; Before and After are nil
}

// MaxChange is the size in bytes of the largest file that is shown to a Check.
const MaxChange = 8 << 20

// Outlook is what can become of an operation.
type Outlook int

// The outlooks. Denied: no request of this kind is ever allowed. Asked: some
// wait for somebody's approval. Allowed: what is allowed is allowed at once.
const (
	Denied Outlook = iota
	Asked
	Allowed
)

// Check decides. It is safe for concurrent use.
type Check interface {
	// Check returns nil for what is allowed. A refusal is an error that matches
	// fs.ErrPermission, best a [*Refusal], whose text a model can act on. It may
	// wait for somebody to answer, until ctx ends, unless MayAsk says that
	// nobody is to be asked.
	Check(ctx context.Context, r *Request) error
	// Visible reports, at once and without asking anybody, whether a name is
	// shown in the results of op, which is List, Glob or Grep. Every name is
	// asked about by itself: what is below a directory that is not visible must
	// not be visible either, if it is to be hidden. Of Grep, whose results are
	// content, it is false as well for what a Read would be refused or would
	// have to be asked about at that moment: it is never read.
	Visible(op Op, name string) bool
	// Outlook says in advance what can become of an operation. Where it is not
	// Asked, Check of that operation must not wait for anybody, and may be called
	// with a name as it was given to see whether its links matter at all.
	Outlook(op Op) Outlook
	// Confinement is what commands must be kept from for the rules to hold for
	// them as well, all of it: where nothing is protected, links may be renamed.
	// It is asked for once, when a backend is guarded.
	Confinement() hutch.Confinement
}

// Refusal is the error of what is not allowed. It matches fs.ErrPermission.
type Refusal struct {
	Text string // a sentence for whoever wanted it
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap makes a Refusal match fs.ErrPermission.
func (r *Refusal) Unwrap() error { return fs.ErrPermission }

// Foreseer is the power of a guarded backend to say what can become of an
// operation: tools that can do nothing are not offered.
type Foreseer interface {
	Outlook(op Op) Outlook
}
