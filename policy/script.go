package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// The bounds of what is read of a command. What goes beyond is not known.
const (
	maxScript = 128 << 10 // bytes of one script; Linux takes no longer argument
	maxText   = 4 * maxScript
	maxParts  = 4096
	maxNest   = 1000 // nodes of the tree above one another
	maxFrames = 1500 // of the parser's recursion
	maxUnwrap = 12   // wrappers around wrappers
)

// part is one thing that a command line does: it runs a program, or it opens a
// file for a redirection.
type part struct {
	vars  []word // that are set for the program, "K=V"
	words []word // the program and its arguments
	// through says that nothing but another part is run, which is judged itself.
	through bool
	danger  bool
	unknown string // why it cannot be said what runs; "" if it can

	redirect bool
	write    bool
	file     word
}

// word is one word of a command. Where it is not known before the command runs,
// text is what it looks like.
type word struct {
	text  string
	known bool
}

// hole stands in the text of a word for what is not known.
const hole = "\ufffc"

// analysis takes a command line apart.
type analysis struct {
	ctx   context.Context
	root  string
	dirs  []string // in which words may be names
	parts []part
	seen  map[string]bool
	left  int // bytes that may still be read
	funcs map[string]bool
}

func (a *analysis) add(p part) {
	if len(a.parts) >= maxParts {
		if len(a.parts) == maxParts {
			a.parts = append(a.parts, part{unknown: fmt.Sprintf("it has more than %d parts", maxParts)})
		}
		return
	}
	key := fmt.Sprintf("%v", p)
	if !a.seen[key] {
		a.seen[key] = true
		a.parts = append(a.parts, p)
	}
}

func (a *analysis) unknown(format string, args ...any) {
	a.add(part{unknown: fmt.Sprintf(format, args...)})
}

// script takes a script apart. A script for sh is read as every shell that may be
// sh reads it.
func (a *analysis) script(text string, bash bool, depth int) {
	langs := []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash}
	if bash {
		langs = langs[1:]
	}
	for _, lang := range langs {
		a.read(text, lang, depth)
	}
}

var errDeep = errors.New("nested too deeply")

func (a *analysis) read(text string, lang syntax.LangVariant, depth int) {
	key := fmt.Sprintf("%d %s", lang, text)
	if a.seen[key] {
		return
	}
	a.seen[key] = true
	a.left -= len(text)
	switch {
	case depth > maxUnwrap:
		a.unknown("it is %s", errDeep)
		return
	case len(text) > maxScript || a.left < 0:
		a.unknown("its text is too long to be read: %d bytes, at most %d", len(text), maxScript)
		return
	case strings.IndexByte(text, 0) >= 0:
		a.unknown("its text has a NUL byte")
		return
	}
	outer := a.funcs
	a.funcs = map[string]bool{}
	defer func() { a.funcs = outer }()
	stmts, err := statements(&source{ctx: a.ctx, text: text}, lang)
	for _, stmt := range stmts {
		a.stmt(stmt, depth)
	}
	if err != nil {
		a.unreadable(err, lang)
	}
}

func (a *analysis) unreadable(err error, lang syntax.LangVariant) {
	var pe syntax.ParseError
	var le syntax.LangError
	switch {
	case errors.Is(err, errDeep):
		a.unknown("it is %s", errDeep)
	case lang == syntax.LangPOSIX:
		a.unknown("its text cannot be read the way every sh reads it")
	case errors.As(err, &pe):
		a.unknown("its text cannot be read: %s", pe.Text)
	case errors.As(err, &le):
		a.unknown("its text cannot be read the way bash reads it")
	default:
		a.unknown("its text cannot be read")
	}
}

// stmt takes one statement of a script apart.
func (a *analysis) stmt(stmt *syntax.Stmt, depth int) {
	if tooDeep(stmt) {
		a.unknown("it is %s", errDeep)
		return
	}
	syntax.Walk(stmt, func(n syntax.Node) bool {
		if n != nil {
			a.node(n, depth)
		}
		return true
	})
	if f, ok := stmt.Cmd.(*syntax.FuncDecl); ok && f.Name != nil && !stmt.Background {
		a.funcs[f.Name.Value] = true // from here on its name means what was judged above
	}
}

// tooDeep reports whether a tree is deeper than maxNest. A chain of pipes makes
// one without the parser calling itself.
func tooDeep(stmt *syntax.Stmt) bool {
	nest, deep := 0, false
	syntax.Walk(stmt, func(n syntax.Node) bool {
		if n == nil {
			nest--
			return true
		}
		nest++
		if nest > maxNest {
			deep = true
		}
		if deep {
			nest--
		}
		return !deep
	})
	return deep
}

// node looks at one node; those in it follow.
func (a *analysis) node(n syntax.Node, depth int) {
	switch n := n.(type) {
	case *syntax.CallExpr:
		a.call(n, depth)
	case *syntax.DeclClause:
		words := []word{{n.Variant.Value, true}}
		for _, as := range n.Args {
			words = append(words, assigned(as))
		}
		a.add(part{words: words})
	case *syntax.Redirect:
		a.redirect(n)
	case *syntax.ParamExp:
		a.param(n)
	case *syntax.ForClause:
		a.loop(n)
	case *syntax.FuncDecl:
		if forks(n) {
			a.add(part{words: []word{{n.Name.Value, true}}, danger: true})
		}
	case *syntax.BinaryCmd:
		if pipesToShell(n) {
			a.add(part{words: []word{{"curl | sh", true}}, danger: true})
		}
	case *syntax.TestClause, *syntax.ArithmCmd, *syntax.ArithmExp, *syntax.LetClause:
		if evaluates(n, false) {
			a.unknown("arithmetic runs what is in its text")
		}
	}
}

// call is a simple command.
func (a *analysis) call(n *syntax.CallExpr, depth int) {
	var vars, words []word
	for _, as := range n.Assigns {
		vars = append(vars, assigned(as))
	}
	for _, w := range n.Args {
		words = append(words, flatten(w))
	}
	if len(words) == 0 {
		for _, v := range vars {
			a.add(part{words: []word{v}}) // a rule "K=*" is about it
		}
		return
	}
	a.program(vars, words, depth)
}

func (a *analysis) redirect(n *syntax.Redirect) {
	p := part{redirect: true, file: flatten(n.Word)}
	switch n.Op {
	case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return
	case syntax.RdrIn, syntax.DplIn:
	default:
		p.write = true
	}
	if (n.Op == syntax.DplIn || n.Op == syntax.DplOut) && p.file.known && strings.Trim(p.file.text, "0123456789-") == "" {
		return
	}
	if !p.file.known || !harmless[p.file.text] && !strings.HasPrefix(p.file.text, "/dev/fd/") {
		p.danger = p.write && p.file.known && isDevice(p.file.text)
		a.add(p)
	}
}

// harmless are the devices that hold nothing.
var harmless = map[string]bool{
	"/dev/null": true, "/dev/stdin": true, "/dev/stdout": true, "/dev/stderr": true,
	"/dev/tty": true, "/dev/zero": true, "/dev/full": true, "/dev/random": true, "/dev/urandom": true,
}

// param is an expansion, of which some assign or evaluate.
func (a *analysis) param(n *syntax.ParamExp) {
	switch {
	case n.Excl:
		a.unknown("an expansion takes another variable's name from a variable")
	case n.Exp == nil || n.Param == nil:
	case n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull:
		v := flatten(n.Exp.Word)
		a.add(part{words: []word{{n.Param.Value + "=" + v.text, v.known}}})
	case n.Exp.Op == syntax.OtherParamOps:
		a.unknown("an expansion evaluates a variable")
	}
}

// loop is a for clause, which assigns its items to a variable.
func (a *analysis) loop(n *syntax.ForClause) {
	iter, ok := n.Loop.(*syntax.WordIter)
	if !ok {
		return
	}
	for _, w := range iter.Items {
		if evaluates(w, true) {
			a.unknown("arithmetic on %s could run what is in its text", iter.Name.Value)
		}
	}
}
