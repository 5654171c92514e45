package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/internal/show"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const chatLong = `Talk with an agent that works in the workspace. It is that of hutch run, with the
same models, rules and conversations; see hutch run --help.

Several lines can be pasted. The arrow keys edit the line and bring back earlier
ones. Ctrl-C ends what the agent is doing, Ctrl-D the conversation, which is kept.

  /help        what can be said
  /todos       what the agent has planned
  /files       what it has changed with its tools
  /model NAME  go on with another model
  /resume ID   go on with another conversation; without ID: list them
  /new         begin a new one
  /quit        end`

const chatHelp = `/help, /todos, /files, /model NAME, /resume [ID], /new, /quit; all else is for the agent
Ctrl-C ends what it is doing, Ctrl-D ends the conversation, which is kept
`

// chat is a conversation at the terminal.
type chat struct {
	*sitting
	files []string // that tools have changed
}

func chatCommand(c *cli) *cobra.Command {
	v := &agentVerb{cli: c, chatting: true}
	cmd := &cobra.Command{
		Use:   "chat [flags]",
		Short: "Talk with an agent that works in the workspace",
		Long:  chatLong,
		Example: `  hutch chat
  hutch --backend docker:python:3.12-slim chat --model anthropic`,
		Args:              args(0, 0),
		RunE:              func(cmd *cobra.Command, _ []string) error { return v.chat(cmd.Context()) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	v.flags(cmd)
	return cmd
}

func (v *agentVerb) chat(ctx context.Context) error {
	if err := v.check(); err != nil {
		return err
	}
	if v.json || !isTerminal(v.in.file) || !isTerminal(v.out.file) {
		return usagef("chat is for a terminal; elsewhere, and for --json, there is hutch run")
	}
	s, err := v.session(ctx)
	if err != nil {
		return err
	}
	if s.id, err = s.resumed(ctx, v.resume); err != nil {
		return err
	}
	c := &chat{sitting: s}
	c.say(fmt.Sprintf("%s in %s; /help says what can be said\n", s.model.Name(), s.c.opened.url))
	err = c.loop(ctx)
	if s.id != "" && !s.demo {
		c.say(fmt.Sprintf("go on with: hutch %schat --resume=%s\n", s.c.backendFlag(), s.id))
	}
	return err
}

// say is the program's own word.
func (c *chat) say(text string) {
	color := ""
	if c.c.printer().color {
		color = show.Dim
	}
	io.WriteString(c.c.out, show.Paint(color, text))
}

// loop reads and answers until somebody has had enough.
func (c *chat) loop(ctx context.Context) error {
	p := &prompter{in: c.c.in.file, out: os.Stdout, typed: c.typed()}
	size := func() (int, int) { w, h, _ := term.GetSize(int(os.Stdout.Fd())); return w, h }
	for {
		c.c.out.Flush()
		line, err := p.read(ctx, size)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == errCtrlC:
			io.WriteString(c.c.out, "\n")
			c.say("Ctrl-D ends the conversation\n")
			continue
		case err == io.EOF:
			io.WriteString(c.c.out, "\n")
			return nil
		case errors.Is(err, errTooLong):
			c.c.complain(err)
			continue
		case err != nil:
			return err
		}
		if quit, err := c.answer(ctx, line); quit || err != nil {
			return err
		}
	}
}

// answer does what a line says. What goes wrong is said, and ends nothing.
func (c *chat) answer(ctx context.Context, line string) (quit bool, err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch rest = strings.TrimSpace(rest); {
	case line == "":
		return false, nil
	case word == "/quit" || word == "/exit":
		return true, nil
	case strings.HasPrefix(line, "/"):
		err = c.command(ctx, word, rest)
	default:
		err = c.turn(ctx, line)
	}
	if ctx.Err() != nil || c.c.out.Err() != nil {
		return true, errors.Join(err, ctx.Err())
	}
	if err != nil {
		c.c.complain(err)
	}
	return false, nil
}

// turn lets the agent work on one prompt. Ctrl-C ends that, and nothing else.
func (c *chat) turn(ctx context.Context, prompt string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.c.signals.instead(cancel)
	defer c.c.signals.instead(nil)
	c.tally = show.Tally{}
	err := c.play(ctx, prompt)
	for _, file := range c.tally.Files() {
		if !slices.Contains(c.files, file) {
			c.files = append(c.files, file)
		}
	}
	if c.tally.Conversation() != "" {
		c.say("\n" + c.tally.Text())
	}
	if errors.Is(err, context.Canceled) {
		c.say("stopped; files and conversation are as the last step left them\n")
		return nil
	}
	return err
}

// command is one of those that begin with a slash.
func (c *chat) command(ctx context.Context, word, rest string) error {
	switch word {
	case "/help":
		c.say(chatHelp)
	case "/todos":
		for _, t := range c.tally.Todos() {
			c.say(fmt.Sprintf("%-12s %s\n", t.Status, t.Text))
		}
	case "/files":
		for _, file := range c.files {
			c.say(file + "\n")
		}
	case "/new":
		c.id, c.tally = "", show.Tally{}
	case "/model":
		return c.another(rest)
	case "/resume":
		return c.switchTo(ctx, rest)
	default:
		return fmt.Errorf("there is no %s; /help says what there is", word)
	}
	return nil
}

// another goes on with another model.
func (c *chat) another(name string) error {
	if name == "" {
		c.say(c.model.Name() + "\n")
		return nil
	}
	m, err := openModel(name)
	if err != nil {
		return err
	}
	return c.make(m)
}

// switchTo goes on with another conversation.
func (c *chat) switchTo(ctx context.Context, id string) error {
	if id == "" {
		ids, err := c.store.List(ctx)
		for _, id := range ids[:min(len(ids), 20)] {
			c.say(id + "\n")
		}
		return err
	}
	id, err := c.resumed(ctx, id)
	if err == nil {
		c.id, c.tally = id, show.Tally{}
	}
	return err
}
