package policy

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// dangerous reports whether a program with these arguments destroys a system or a
// whole home directory.
func (a *analysis) dangerous(words []word) bool {
	name, args := path.Base(words[0].text), words[1:]
	switch name {
	case "rm":
		return hasOption(args, "rR", "--recursive") && a.anyVital(args) || hasWord(args, "--no-preserve-root")
	case "chmod", "chown", "chgrp":
		return hasOption(args, "R", "--recursive") && a.anyVital(args)
	case "mv", "shred", "rmdir", "unlink":
		return len(args) > 0 && a.anyVital(args[:max(1, len(args)-1)])
	case "find", "fd", "fdfind":
		return (hasWord(args, "-delete") || runsRemove(args)) && slices.ContainsFunc(args, func(w word) bool {
			return strings.IndexByte("/~", (w.text + " ")[0]) >= 0 && a.vital(w.text)
		})
	case "dd":
		return slices.ContainsFunc(args, func(w word) bool {
			of, ok := strings.CutPrefix(w.text, "of=")
			return ok && isDevice(of)
		})
	case "tee", "cp", "install", "truncate", "badblocks":
		return slices.ContainsFunc(args, func(w word) bool { return isDevice(w.text) })
	case "mke2fs", "wipefs", "blkdiscard", "fdisk", "sfdisk", "gdisk", "sgdisk", "parted", "mkswap", "cryptsetup",
		"shutdown", "reboot", "halt", "poweroff":
		return true
	case "init", "telinit":
		return len(args) > 0 && (args[0].text == "0" || args[0].text == "6")
	case "systemctl":
		return hasWord(args, "poweroff") || hasWord(args, "reboot") || hasWord(args, "halt")
	}
	return strings.HasPrefix(name, "mkfs") || strings.HasPrefix(name, "newfs")
}

func hasWord(words []word, text string) bool {
	return slices.ContainsFunc(words, func(w word) bool { return w.text == text })
}

// hasOption reports whether one of the letters is among the options, or the long
// one, which may be shortened.
func hasOption(words []word, letters, long string) bool {
	for _, w := range words {
		t := w.text
		switch {
		case t == "--":
			return false
		case strings.HasPrefix(t, "--"):
			if len(t) > 3 && strings.HasPrefix(long, t) {
				return true
			}
		case strings.HasPrefix(t, "-") && strings.ContainsAny(t, letters):
			return true
		}
	}
	return false
}

// runsRemove reports whether arguments of find run a program that removes.
func runsRemove(args []word) bool {
	for i, w := range args[:max(0, len(args)-1)] {
		if strings.HasPrefix(w.text, "-exec") || strings.HasPrefix(w.text, "-ok") {
			switch path.Base(args[i+1].text) {
			case "rm", "shred", "unlink", "sh", "bash":
				return true
			}
		}
	}
	return false
}

func (a *analysis) anyVital(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool { return !strings.HasPrefix(w.text, "-") && a.vital(w.text) })
}

// ownable are directories whose content belongs to whoever runs a command.
var ownable = []string{"/tmp", "/var/tmp", "/dev/shm"}

// vital reports whether text names the root of the system, a system directory, a
// home, or the whole workspace.
func (a *analysis) vital(text string) bool {
	if text == "" || text == hole {
		return false
	}
	home := strings.HasPrefix(text, "~")
	if home {
		text = "/home" + strings.TrimPrefix(text, "~")
		if text == "/home" || text[len("/home")] != '/' {
			text = "/home/" + text[len("/home"):] // of another user
		}
	}
	p := text
	if !strings.HasPrefix(p, "/") {
		p = path.Join(first2(a.root, "/workspace"), a.dirs[0], p)
	}
	p = path.Clean(p)
	for isAll(path.Base(p)) && p != "/" {
		p = path.Dir(p)
	}
	root := first2(a.root, "/workspace")
	if p == root || strings.HasPrefix(root, p+"/") {
		return true
	}
	if strings.HasPrefix(p, root+"/") && root != "/" {
		return false
	}
	for _, o := range ownable {
		if p == o || strings.HasPrefix(p, o+"/") {
			return false
		}
	}
	top, _, below := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	if home || top == "home" || top == "Users" {
		return strings.Count(p, "/") <= 2
	}
	return !below || strings.Count(p, "/") == 2 && top != "root" ||
		slices.Contains([]string{"etc", "usr", "bin", "sbin", "lib", "lib64", "boot", "sys", "proc", "dev"}, top)
}

// isAll reports whether a segment is a pattern that takes everything.
func isAll(segment string) bool {
	return segment != "" && strings.Trim(segment, "*?.[]!{},^") == "" && strings.ContainsAny(segment, "*?[{")
}

func first2(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// isDevice reports whether text names a device that holds something.
func isDevice(text string) bool {
	p := path.Clean(text)
	return strings.HasPrefix(p, "/dev/") && !harmless[p] && !strings.HasPrefix(p, "/dev/fd/") &&
		!strings.HasPrefix(p, "/dev/shm/") && !strings.HasPrefix(p, "/dev/pts/")
}

// forks reports whether a function calls itself in a pipe or in the background.
func forks(f *syntax.FuncDecl) bool {
	if f.Name == nil || f.Body == nil {
		return false
	}
	found := false
	var within []bool // for every node that is open: in a pipe or the background
	syntax.Walk(f.Body, func(n syntax.Node) bool {
		if n == nil {
			within = within[:len(within)-1]
			return true
		}
		in := len(within) > 0 && within[len(within)-1]
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			in = in || isPipe(n)
		case *syntax.Stmt:
			in = in || n.Background
		case *syntax.CallExpr:
			found = found || in && len(n.Args) > 0 && lit(n.Args[0]) == f.Name.Value
		}
		if found {
			return false
		}
		within = append(within, in)
		return true
	})
	return found
}

var (
	fetchers = []string{"curl", "wget", "fetch", "aria2c"}
	runners  = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "python", "python3", "perl", "ruby", "node", "php"}
)

// maxPipe is how far back in a pipe is looked for what fetches.
const maxPipe = 16

// pipesToShell reports whether what was fetched is run.
func pipesToShell(n *syntax.BinaryCmd) bool {
	if !isPipe(n) || !calls(n.Y, runners) {
		return false
	}
	x := n.X
	for range maxPipe {
		b, ok := x.Cmd.(*syntax.BinaryCmd)
		if !ok || !isPipe(b) {
			break
		}
		if calls(b.Y, fetchers) {
			return true
		}
		x = b.X
	}
	return calls(x, fetchers)
}

func isPipe(n *syntax.BinaryCmd) bool { return n.Op == syntax.Pipe || n.Op == syntax.PipeAll }

// calls reports whether a statement is a call of one of the programs, or of a
// wrapper around one.
func calls(s *syntax.Stmt, names []string) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok {
		return false
	}
	for i, w := range c.Args {
		name := path.Base(lit(w))
		if slices.Contains(names, name) {
			return true
		}
		if _, wraps := wrappers[name]; i == 0 && !wraps {
			return false
		}
	}
	return false
}
