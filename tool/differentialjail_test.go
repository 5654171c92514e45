package tool_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/policy"
)

// sweep prints every file that it can by several ways, and changes every one.
const sweep = `find . -type f -exec cat {} +; cat l-* src/l-up/* .ssh/l-free; grep -rsh canary . ; grep -sh canary /proc/self/cwd/.env /proc/1/root/workspace/.env
for f in $(find . -name '.e*'); do dd if=$f; tail -c +1 $f; od -c $f | tr -d ' \n'; cp $f /tmp/c && cat /tmp/c; ln $f hard-$$ && cat hard-$$; rm -f hard-$$; mv $f /tmp/m && cat /tmp/m && mv /tmp/m $f; done
find . -type f -exec sh -c 'echo scrawl >> "$1"' _ {} \;
`

// unreadable is a command that prints a script, in which no rule finds a name.
func unreadable(script string) string {
	var s strings.Builder
	for i := range len(script) {
		fmt.Fprintf(&s, `\%03o`, script[i])
	}
	return "printf '" + s.String() + "'"
}

// keepsAbove reports whether commands are kept from a directory that a name is in,
// and so from the name.
func (l *law) keepsAbove(op guard.Op, name string) bool {
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		if l.keeps(op, d) {
			return true
		}
	}
	return false
}

// TestDifferentialJail: commands that are let through see and change what a plain
// reading of the rules leaves to them, whatever they try.
func TestDifferentialJail(t *testing.T) {
	more := 4
	if testing.Short() {
		more = 1
	}
	testroom.Jail(t) // or none of this
	hidden, seen := 0, 0
	for name, set := range someSets(rand.New(rand.NewPCG(13, 3)), more) {
		set.Execute = policy.Rules{Default: policy.Allow}
		t.Run(name, func(t *testing.T) {
			w, dir, s := newLocal(t)
			x := ruled(t, s, s.Root(), w, func() *world { return lookedDir(t, dir) }, set, rand.New(rand.NewPCG(1, 1)), nil)
			c := console(t, x.b, everyTool())
			got := printed(c.call("execute", args{"command": unreadable(sweep) + " | sh", "timeout": 60}))
			for name, text := range w.files {
				keeps := x.l.keeps(guard.Read, name)
				told := strings.Contains(got, strings.Split(text, "\n")[1])
				if told == keeps && (told || !x.l.keepsAbove(guard.Read, name)) {
					t.Errorf("%s: read %v, and the rules keep it %v: %+v\n%s", name, told, keeps, set.Read, got)
				}
				if keeps {
					hidden++
				} else {
					seen++
				}
			}
			x.swept(w)
		})
	}
	if hidden < 20 || seen < 20 {
		t.Errorf("%d hidden, %d seen", hidden, seen)
	}
}

// swept looks whether what was there has been changed only where it may be, and
// nothing is left.
func (x *trial) swept(w *world) {
	x.Helper()
	after := x.look()
	for _, name := range w.names() {
		changed := after.files[name] != w.files[name] || after.links[name] != w.links[name]
		if changed && (x.l.keeps(guard.Write, name) || x.l.keeps(guard.Edit, name)) {
			x.Errorf("%s was changed: %q %q", name, after.files[name], after.links[name])
		}
	}
	if made := slices.DeleteFunc(after.names(), func(n string) bool { return slices.Contains(w.names(), n) }); len(made) > 0 {
		x.Error(fmt.Sprint("left: ", made))
	}
}
