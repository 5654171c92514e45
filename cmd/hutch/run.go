package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/local"
	"github.com/spf13/cobra"
)

// agentVerb is what run and chat have in common.
type agentVerb struct {
	*cli
	model, resume, effort string
	yes, chatting         bool
	maxSteps              int
	maxTokens             int64
	maxCost               float64
	isolation             *isolation
	network               bool
}

// resumeLast is the value of --resume alone.
const resumeLast = "last"

const runLong = `Let an agent work on PROMPT in the workspace until it is done. The prompt is the
standard input where there is no argument, or "-".

The model is --model, else model of the config file, else one whose key is in the
environment: ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY. Models of other
servers are named: openai:NAME with OPENAI_BASE_URL, ollama:NAME with OLLAMA_HOST if
that is elsewhere. Without any, a demonstration is played from a script, in a new
workspace of its own; --model demo asks for it.

Without --policy the rules are those of --policy default: secrets are out of reach,
and you are asked before anything is written or executed. Where nobody can be asked,
say --policy NAME, or --yes: nothing is asked then, whatever the rules would ask about
is allowed, and what they deny is not; without --policy they are those of --policy
permissive. Answers: y this once, s until the end, a always (where that can be
remembered), n no; more words are for the agent to read.

The conversation is kept in the workspace, in .hutch/conversations; --resume goes on
with the last one, --resume=ID with another. Whoever can write there can change what
the agent believes to have said.

Ctrl-C ends what is under way, the command too, and keeps the conversation; a second
one ends hutch at once.

With --json, the events, one object a line. They are those of package deepagent.

Exit status: 0 the agent has finished; 1 it has not; 2 wrong usage; 3 the budget of
--max-steps, --max-tokens or --max-cost is used up; 130, 143, 129 after SIGINT,
SIGTERM, SIGHUP.`

// overBudget is the exit status where the budget is used up.
const overBudget = 3

func runCommand(c *cli) *cobra.Command {
	v := &agentVerb{cli: c}
	cmd := &cobra.Command{
		Use:   "run [flags] {PROMPT... | -}",
		Short: "Let an agent work in the workspace",
		Long:  runLong,
		Example: `  hutch run "Write a script that counts words, and prove that it works"
  hutch run --model ollama:qwen3:8b --policy mine "Why does the test fail?"
  git diff | hutch run --yes --max-steps 50 -`,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args) },
	}
	v.flags(cmd)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (v *agentVerb) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&v.resume, "resume", "", "go on with the last conversation, or with `ID` (--resume=ID)")
	f.Lookup("resume").NoOptDefVal = resumeLast
	f.StringVar(&v.model, "model", "", "the model, `PROVIDER:NAME`, or demo")
	f.BoolVar(&v.yes, "yes", false, "ask nothing: allow what the rules would ask about")
	f.IntVar(&v.maxSteps, "max-steps", deepagent.DefaultMaxSteps, "end after `N` requests to the model")
	f.Int64Var(&v.maxTokens, "max-tokens", 0, "end after `N` tokens, read and written (default no limit)")
	f.Float64Var(&v.maxCost, "max-cost", 0, "end when it has cost `N`, by [prices] of the config file (default no limit)")
	f.StringVar(&v.effort, "effort", "", "how much the model thinks: low, medium or high")
	f.Var(isolationFlag{&v.isolation}, "isolation", "least isolation of commands: isolated, capped, restricted or unconfined")
	f.BoolVar(&v.network, "network", false, "let commands use the network of the host")
	_ = cmd.RegisterFlagCompletionFunc("isolation", cobra.FixedCompletions(
		[]string{"isolated", "capped", "restricted", "unconfined"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("effort", cobra.FixedCompletions(
		[]string{"low", "medium", "high"}, cobra.ShellCompDirectiveNoFileComp))
}

// check finds what is wrong with the flags.
func (v *agentVerb) check() error {
	switch llm.Effort(v.effort) {
	case "", llm.Low, llm.Medium, llm.High:
	default:
		return usagef("--effort %q is not low, medium or high", v.effort)
	}
	switch {
	case v.maxSteps < 1:
		return usagef("--max-steps must be above 0")
	case v.maxTokens < 0 || !(v.maxCost >= 0): // a NaN neither
		return usagef("--max-tokens and --max-cost must not be below 0")
	}
	return nil
}

// adjust lets the flags win over the options of the config file.
func (v *agentVerb) adjust(o *local.Options) {
	if v.isolation != nil {
		o.Isolation = local.Isolation(*v.isolation)
	}
	o.Network = o.Network || v.network
}

func (v *agentVerb) run(ctx context.Context, args []string) error {
	if err := v.check(); err != nil {
		return err
	}
	prompt, err := v.prompt(args)
	if err != nil {
		return err
	}
	s, err := v.session(ctx)
	if err != nil {
		return err
	}
	if s.id, err = s.resumed(ctx, v.resume); err != nil {
		return err
	}
	err = s.play(ctx, prompt)
	if !v.json {
		s.summary(err)
	}
	return ended(err)
}

// ended is how a run has ended as an error with its exit status.
func ended(err error) error {
	if errors.Is(err, deepagent.ErrBudget) {
		return failed(overBudget, err)
	}
	return err
}

// maxPrompt is the size in bytes of the largest prompt.
const maxPrompt = 1 << 20

// prompt is what the agent is to do; "" with --resume is to go on.
func (v *agentVerb) prompt(args []string) (string, error) {
	text := strings.Join(args, " ")
	switch {
	case len(args) == 0 && v.resume != "" && isTerminal(v.in.file):
		return "", nil
	case len(args) == 0 && isTerminal(v.in.file):
		return "", usagef(`run: no prompt; write hutch run "what is to be done"`)
	case len(args) == 0 || text == "-":
		data, err := io.ReadAll(io.LimitReader(v.in, maxPrompt+1))
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
		text = string(data)
	}
	if text = strings.TrimSpace(text); text == "" && v.resume == "" {
		return "", usagef("run: the prompt is empty")
	}
	if len(text) > maxPrompt {
		return "", usagef("run: a prompt of more than 1 MiB; write it into a file of the workspace")
	}
	return text, nil
}

// summary says on the standard error what came of it and how to go on.
func (s *sitting) summary(err error) {
	s.c.out.Flush()
	if s.tally.Conversation() == "" {
		return
	}
	text := s.tally.Text()
	if id := s.tally.Conversation(); s.demo {
		text += demoEnd
	} else {
		text += fmt.Sprintf("go on with: hutch %srun --resume=%s \"...\"\n", s.c.backendFlag(), id)
	}
	if s.tally.Ending() == deepagent.Cancelled {
		text = "stopped; files and conversation are as the last step left them\n" + text
	}
	color := ""
	if s.c.errPrinter().color {
		color = show.Dim
	}
	io.WriteString(s.c.err, "\n"+show.Paint(color, text))
}

// backendFlag is --backend as it was given.
func (c *cli) backendFlag() string {
	if c.backend == "" {
		return ""
	}
	return "--backend " + quoted(c.backend) + " "
}

// quoted is s as a word of the shell.
func quoted(s string) string {
	if strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
