// Package policy is rules as data: what may be done with which files and which
// commands, for package guard.
//
// A [Set] says for every operation which patterns are allowed, denied or to be
// asked about, and what becomes of the rest. [Default], [Permissive], [ReadOnly]
// and [Strict] are ready-made; [New] makes one from a few switches. [Set.Checker]
// turns a Set into a [guard.Check].
//
// # Rules
//
// Of the rules of an operation the first one that matches decides, else the
// default of the operation, else that of the set. What nobody has said anything
// about is denied: the zero Set denies everything.
//
// # Patterns of files
//
// Patterns are those of [hutch.Glob] on whole names, hidden names included:
// "*.go" is a file at the root, "**/*.go" one at any depth. A pattern may begin
// with a slash, or with the path under which commands see the root
// ("/workspace/src/**"); both mean the root of the backend. "**" also matches the
// root itself.
//
// A rule that denies or asks ignores case and holds also for what is below a
// directory that it matches, so "secrets" and "secrets/**" forbid the same files.
// A rule that allows matches the very name only.
//
// A pattern that begins with two slashes, "//etc/**", is about the system on which
// commands run, outside of the workspace. Words of commands are held against it,
// and against patterns that begin with "**"; files of the workspace are not,
// unless its root is that of the system.
//
// # Patterns of commands
//
// A command line is taken apart into the programs that it runs: lists, pipes,
// substitutions, functions, and what "sh -c", "env", "xargs", "find -exec" and
// their like run. Every one is held against the rules. All must be allowed for
// the command to be allowed; one that is denied denies it; else it is asked about.
//
// A pattern is words with a space between them, held against the program and its
// arguments, quotes removed. A "*" of its own stands for any number of words, also
// none; within a word "*", "?", "[…]" and "{…}" match within that word, slashes
// included. A backslash takes the next character as it is. "git *" is every use of
// git, with whatever git can be told to run; "git diff *" every diff; "*" is
// everything.
//
// A rule that denies or asks ignores case and the directory of the program, and
// holds also where more arguments follow. A rule that allows wants the program as
// the pattern has it, and variables that are set for it as words in front
// ("CGO_ENABLED=0 go *"). An argument that is known only when the command runs,
// such as "$x" or "*.c", is matched by a "*" of its own alone. A program that is not
// known, or text that cannot be read, is allowed by the pattern "*" alone.
// "@unknown" stands for those, "@dangerous" for what destroys a system or a whole
// home, in any spelling.
//
// Redirections to and from files are held against the rules for writing and
// reading. A word that looks like a path, or the part of it behind "=", is refused if
// it names a file that a rule denies. That helps a model not to try what would fail;
// the boundary for commands is the [hutch.Confinement] that follows from the
// rules, which a sandbox enforces.
package policy
