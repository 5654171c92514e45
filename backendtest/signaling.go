package backendtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// signalChecks are about commands that are sent signals. A sandbox that sends
// none refuses such commands.
func signalChecks() []check {
	return []check{
		{"Signals/Names", "the names of signals are distinct, and SIGKILL is not among them", nil, signalNames},
		{"Signals/Refused", "a sandbox that is no Signaler refuses a command with Signals before it starts", nil, signalRefused},
		{"Signals/Each", "every signal that can be sent arrives", nil, signalEach},
		{"Signals/Group", "a signal goes to the process group of the first process", nil, signalGroup},
		{"Signals/Early", "a signal that is there before the command reaches it", nil, signalEarly},
		{"Signals/Decides", "how a command ends that is sent a signal is its own affair", nil, signalDecides},
		{"Signals/Stop", "a command that is stopped goes on where it was, and can be ended meanwhile", nil, signalStop},
		{"Signals/Unknown", "an unknown signal goes nowhere, SIGKILL too", nil, signalUnknown},
		{"Signals/Closed", "a channel that is closed is the end of the signals and of nothing else", nil, signalClosed},
		{"Signals/After", "signals at the end of a command keep nobody waiting, and Exec receives none when it has returned", nil, signalAfter},
		{"Signals/Own", "of many commands at once each gets its own signals", nil, signalOwn},
	}
}

// signals are those that commands can be sent.
func (t *env) signals() []string {
	if s, ok := hutch.As[hutch.Signaler](t.b); ok {
		return s.Signals()
	}
	return nil
}

// sends reports whether commands can be sent all of these.
func (t *env) sends(names ...string) bool {
	known := t.signals()
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) })
}

func signalNames(t *env) {
	seen := map[string]bool{"SIGKILL": true}
	for _, name := range t.signals() {
		if !strings.HasPrefix(name, "SIG") || seen[name] {
			t.Errorf("%s among the signals that can be sent, %q", name, t.signals())
		}
		seen[name] = true
	}
}

func signalRefused(t *env) {
	if len(t.signals()) > 0 {
		return
	}
	cmd := hutch.Shell("echo ran; echo ran > trace")
	cmd.Signals = make(chan string)
	o, err := t.exec(t.ctx, cmd)
	if !errors.Is(err, errors.ErrUnsupported) || o.out != "" {
		t.Errorf("a command with signals that cannot be sent: %+v, %v; want errors.ErrUnsupported", o, err)
	}
	t.wantAbsent("trace")
}

func signalEach(t *env) {
	var script strings.Builder
	var names []string
	for _, name := range []string{"HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "CONT", "WINCH"} { // what a shell can trap
		if t.sends("SIG" + name) {
			names = append(names, name)
			fmt.Fprintf(&script, "trap 'n=$((n+1)); echo got %s.' %s\n", name, name)
		}
	}
	if len(names) == 0 {
		return
	}
	c := t.talk(fmt.Sprintf("n=0\n%s\necho ready; while [ $n -lt %d ]; do sleep 0.02; done; exit 9", &script, len(names)))
	c.until("ready")
	for _, name := range names {
		c.send("SIG" + name)
		c.until("got " + name + ".")
	}
	c.wait(9, "")
}

func signalGroup(t *env) {
	if !t.sends("SIGUSR1") {
		return
	}
	c := t.talk(`trap 'echo parent' USR1; sh -c 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.02; done'; exit 6`)
	c.until("ready")
	c.send("SIGUSR1")
	c.until("child")
	c.until("parent")
	c.wait(6, "")
}

func signalEarly(t *env) {
	if !t.sends("SIGTERM") {
		return
	}
	for range 5 {
		c := t.talk("while :; do sleep 1; done")
		c.send("SIGTERM")
		c.wait(143, "SIGTERM")
	}
}

func signalDecides(t *env) {
	const loop = "; echo ready; while :; do sleep 0.02; done"
	for _, s := range []struct {
		trap   string
		send   []string
		code   int
		signal string
	}{
		{"true", []string{"SIGINT"}, 130, "SIGINT"},
		{"true", []string{"SIGTERM"}, 143, "SIGTERM"},
		{"trap 'exit 130' INT", []string{"SIGINT"}, 130, ""},
		{"trap 'exit 0' TERM", []string{"SIGTERM"}, 0, ""},
		{"trap '' TERM INT; trap 'exit 4' USR1", []string{"SIGTERM", "SIGINT", "SIGUSR1"}, 4, ""},
	} {
		if !t.sends(s.send...) {
			continue
		}
		c := t.talk(s.trap + loop)
		c.until("ready")
		for _, name := range s.send {
			c.send(name)
		}
		c.wait(s.code, s.signal)
	}
}

func signalStop(t *env) {
	if !t.sends("SIGSTOP", "SIGCONT", "SIGUSR1") {
		return
	}
	const beats = `trap 'echo on; exit 3' USR1; printf . > beat; echo ready; while :; do printf . >> beat; sleep 0.02; done`
	still := func() bool {
		before := t.stat("beat").Size
		t.sh("sleep 0.3")
		return t.stat("beat").Size == before
	}
	c := t.talk(beats)
	c.until("ready")
	c.send("SIGSTOP")
	if !t.eventually(still) {
		t.Error("a command that was sent SIGSTOP goes on")
	}
	c.send("SIGUSR1")
	if !still() || strings.Contains(c.out.String(), "on") {
		t.Error("a command that is stopped goes on at another signal")
	}
	c.send("SIGCONT")
	c.wait(3, "")
	c = t.talk(beats)
	c.until("ready")
	c.send("SIGSTOP")
	c.end()
	t.within("a command that is stopped and canceled", func() { <-c.done })
	if !errors.Is(c.err, context.Canceled) {
		t.Errorf("a command that is stopped and canceled: %+v, %v; want context.Canceled", c.res, c.err)
	}
}

func signalUnknown(t *env) {
	if !t.sends("SIGUSR1") {
		return
	}
	c := t.talk("trap 'exit 3' USR1; echo ready; while :; do sleep 0.02; done")
	c.until("ready")
	for _, name := range []string{"SIGKILL", "SIGNONE", "", "SIG", "TERM", "sigterm", "SIGTERM ", "SIGTERM\n", "9", "15", "-15", "0",
		"SIGUSR1\x00", "\xff", "SIG\xff", strings.Repeat("SIGTERM", 100_000)} {
		if !slices.Contains(t.signals(), name) {
			c.send(name)
		}
	}
	c.send("SIGUSR1")
	c.wait(3, "")
}

func signalClosed(t *env) {
	if !t.sends("SIGUSR1") {
		return
	}
	closed := make(chan string)
	close(closed)
	cmd := hutch.Shell("sleep 0.1; echo end; exit 7")
	cmd.Signals = closed
	if o := t.run(cmd); o.ExitCode != 7 || o.out != "end\n" {
		t.Errorf("a command whose signals are closed: %+v", o)
	}
	c := t.talk("trap 'echo usr' USR1; echo ready; while [ ! -e go ]; do sleep 0.02; done; sleep 0.1; exit 7")
	c.until("ready")
	c.send("SIGUSR1")
	c.until("usr")
	close(c.sigs)
	t.write("go", "")
	c.wait(7, "")
}

func signalAfter(t *env) {
	names := t.signals()
	at := slices.IndexFunc(names, func(name string) bool { return name == "SIGCONT" || name == "SIGWINCH" }) // which do no harm
	if at < 0 {
		return
	}
	for range 20 {
		c := t.talk("exit 7")
		for over := false; !over; {
			select {
			case c.sigs <- names[at]:
			case <-c.done:
				over = true
			}
		}
		c.wait(7, "")
		for range 20 {
			select {
			case c.sigs <- names[at]:
				t.Fatalf("a signal is received when the command has ended")
			default:
				runtime.Gosched()
			}
		}
	}
}

func signalOwn(t *env) {
	if !t.sends("SIGUSR1", "SIGTERM") {
		return
	}
	var all []*talk
	for range 6 {
		all = append(all, t.talk(`n=0; trap 'n=$((n+1)); echo usr $n.' USR1; trap 'echo end; exit $n' TERM; echo ready; while :; do sleep 0.02; done`))
	}
	for _, c := range all {
		c.until("ready")
	}
	for i, c := range all {
		for n := range i {
			c.send("SIGUSR1")
			c.until(fmt.Sprintf("usr %d.", n+1))
		}
	}
	for i, c := range all {
		c.send("SIGTERM")
		c.wait(i, "")
	}
}
