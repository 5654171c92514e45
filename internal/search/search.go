// Package search finds names and lines: the one dialect of globs, of gitignore
// rules and of regular expressions that every backend answers in.
//
// It knows nothing of backends. Names are what [io/fs.ValidPath] accepts,
// contents are bytes or an io.Reader, and results are handed to a function as
// they are found.
//
//   - [CompileGlob] and [Glob] match names.
//   - [Ignore] holds the rules of .gitignore files and answers as git does.
//   - [Compile] and [Pattern] find matching lines in memory.
//   - [Query] searches one file, with line numbers and context.
//   - [Ordered] does all of this for many files at once, in order.
//
// Everything compiled here is safe for concurrent use.
package search
