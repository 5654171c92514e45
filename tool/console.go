package tool

import (
	"slices"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Console returns the tools for the files of b and, where b runs commands, for
// these. They belong to one conversation: an edit of a file that changed since
// this Console read or wrote it is refused. o may be nil.
//
// What a guard foresees to be denied is not among them, and what may have to
// wait for approval says so ([Tool.Asks]). For what has no meaning in o see
// [Options.Check].
func Console(b hutch.Backend, o *Options) []Tool {
	c := &console{b: b, o: o.full(), seen: newSeen()}
	all := slices.Concat(c.fileTools(), execTools(c))
	return slices.DeleteFunc(all, func(t Tool) bool { return slices.Contains(c.o.Without, t.Name) })
}

// console is what the tools of one Console share. It is safe for concurrent use.
type console struct {
	b    hutch.Backend
	o    Options
	seen *seen
}

// fileTools are the tools that a backend without commands has too.
func (c *console) fileTools() []Tool {
	all := []Tool{c.lsTool(), c.readTool(), c.writeTool()}
	f := c.o.EditFormat
	if f == StrReplace || f == AllFormats {
		all = append(all, c.editTool(), c.multiEditTool())
	}
	if f == Hashline || f == AllFormats {
		all = append(all, c.hashlineTool())
	}
	if f == Patch || f == AllFormats {
		all = append(all, c.patchTool())
	}
	all = append(all, c.globTool(), c.grepTool())
	return c.allowed(all)
}

// allowed leaves out what a guard will never let through.
func (c *console) allowed(all []Tool) []Tool {
	f, ok := hutch.As[guard.Foreseer](c.b)
	if !ok {
		return all
	}
	var kept []Tool
	for _, t := range all {
		if t.Op == "" {
			kept = append(kept, t)
			continue
		}
		if look := f.Outlook(t.Op); look != guard.Denied {
			t.Asks = t.Asks || look == guard.Asked
			kept = append(kept, t)
		}
	}
	return kept
}

// resolve turns a path that the model typed into a name.
func (c *console) resolve(path string) (string, error) {
	return hutch.Resolve(c.b, ".", path)
}

// path is a name as the model sees it, in one line.
func (c *console) path(name string) string { return printable(hutch.PathOf(c.b, name)) }
