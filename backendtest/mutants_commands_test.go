//go:build unix

package backendtest

import (
	"context"
	"io/fs"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch"
)

// wrongly is a mutant of the sandbox of these tests, by what it does wrong.
func wrongly(what, kills string) mutant {
	return mutant{name: what, kills: kills,
		open: func(t testing.TB) hutch.Backend { return newDirSandbox(t, what) }}
}

type execFunc func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error)

// running is a mutant that changes commands or their results.
func running(name, kills string, f execFunc) mutant {
	return mutant{name: name, kills: kills,
		open: func(t testing.TB) hutch.Backend { return &changed{newDirSandbox(t), f} }}
}

type changed struct {
	*dirSandbox
	f execFunc
}

func (c *changed) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return c.f(c.dirSandbox, ctx, cmd)
}

func commandMutants() []mutant {
	return append(slices.Concat(processMutants(), confineMutants(), signalMutants()), []mutant{
		wrongly("inherits the environment", "Exec/Env"),
		wrongly("ignores Env", "Exec/Env Exec/Many"),
		wrongly("root elsewhere", "Exec/Root Files/ToCommand Files/FromCommand"),
		wrongly("revision by time and size", "Files/Rev"),
		wrongly("reads in place", "Files/InPlace"),
		wrongly("opens pipes", "Files/Pipe"),
		wrongly("hides empty directories", "Files/EmptyDir"),
		wrongly("lists bad names", "Files/BadNames"),
		wrongly("writes without mode", "Files/Mode"),
		wrongly("follows links out", "Links/Leaving Linker/Leaving"),
		wrongly("lists through links", "Links/Shown"),
		wrongly("replaces links", "Links/Written"),
		wrongly("removes through links", "Links/Removed"),
		wrongly("takes a link to nothing for a refusal", "Links/Nowhere"),
		wrongly("takes absolute links for others", "Links/Absolute"),
		wrongly("knows no links", "Links/Inside"),
		wrongly("leaves the last link", "Linker/Real"),
		wrongly("leaves absolute links as they are", "Linker/Absolute"),
		wrongly("takes a loop for a refusal", "Linker/Loop"),
		wrongly("follows links in Unlinked", "Linker/Refuses Linker/Swapped"),
		wrongly("opens what it has looked at", "Linker/Swapped"),
		wrongly("refuses to remove a link", "Linker/Itself"),
	}...)
}

func processMutants() []mutant {
	return []mutant{
		wrongly("status is 0 or 1", "Exec/ExitCode"),
		wrongly("knows no signals", "Exec/Signal"),
		wrongly("starts nothing for good", "Exec/NotStarted"),
		wrongly("runs nothing well", "Exec/NoProgram"),
		running("starts what is canceled", "Exec/Canceled", func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			res, _ := s.Exec(context.WithoutCancel(ctx), cmd)
			return res, ctx.Err()
		}),
		wrongly("calls a canceled command a result", "Exec/CancelTree Exec/Deadline"),
		wrongly("checks no Dir", "Exec/DirErrors"),
		wrongly("kills the leader only", "Exec/TimeTree Exec/CancelTree Exec/Background"),
		wrongly("hides the time-out", "Exec/Time"),
		wrongly("asks politely", "Exec/Time"),
		wrongly("mixes the streams", "Exec/Streams Exec/Volume"),
		wrongly("drops carriage returns", "Exec/Streams"),
		wrongly("keeps 100000 bytes", "Exec/Volume Exec/OneWriter Exec/Capture"),
		wrongly("reads a terminal", "Exec/NoStdin"),
		wrongly("reads a block of Stdin", "Exec/Stdin"),
		wrongly("ignores writers that fail", "Exec/FailingWriter"),
		wrongly("waits for Stdin", "Exec/StdinBlocked"),
		running("waits until Stdin is read to its end", "Exec/StdinUnread", drains),
		running("asks a shell for everything", "Exec/Missing Exec/Args", asksShell),
		running("runs in the root always", "Exec/Dir Exec/Root", func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			c := *cmd
			c.Dir = ""
			return s.Exec(ctx, &c)
		}),
		running("mixes up the results of commands", "Exec/Many", mixedUp()),
		running("shows the output at the end", "Exec/Live", atTheEnd),
		running("needs streams", "Exec/Discard", func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			cmd.Stdout.Write(nil)
			return s.Exec(ctx, cmd)
		}),
	}
}

// drains reads Stdin to its end before it returns.
func drains(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	res, err := s.Exec(ctx, cmd)
	if cmd.Stdin != nil {
		for buf := make([]byte, 32<<10); ctx.Err() == nil; {
			if _, err := cmd.Stdin.Read(buf); err != nil {
				break
			}
		}
	}
	return res, err
}

// asksShell has a shell split the arguments and report what it cannot find.
func asksShell(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	c := *cmd
	c.Args = append([]string{"sh", "-c", "$0 $*"}, cmd.Args...)
	res, err := s.Exec(ctx, &c)
	if is(err, fs.ErrPermission) {
		return hutch.Result{ExitCode: 126, Duration: 1}, nil
	}
	return res, err
}

func atTheEnd(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	c := *cmd
	var out buffer
	c.Stdout, c.Stderr = &out, &out
	res, err := s.Exec(ctx, &c)
	if err == nil && cmd.Stdout != nil {
		cmd.Stdout.Write([]byte(out.String()))
	}
	return res, err
}

// mixedUp gives each command the result of the one before it.
func mixedUp() execFunc {
	last := make(chan hutch.Result, 1)
	return func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		res, err := s.Exec(ctx, cmd)
		var before hutch.Result
		select {
		case before = <-last:
		default:
		}
		select {
		case last <- res:
		default:
		}
		return before, err
	}
}
