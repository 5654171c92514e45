// Command hutch works on the files of a workspace and runs commands in it.
//
// One file holds one verb or a family of them; main.go ties them together,
// open.go holds the table of backends, config.go the config file.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// verbs is the table of commands, in the order in which help shows them.
var verbs = []func(*cli) *cobra.Command{
	lsCommand, catCommand, writeCommand, editCommand, rmCommand, mvCommand, cpCommand,
	globCommand, grepCommand, execCommand, runCommand, chatCommand, dockerCommand, runtimesCommand, serveCommand, mcpCommand, policyCommand, doctorCommand, benchCommand, versionCommand,
}

func main() { os.Exit(run(os.Args[1:])) }

// run is one run of the program: it returns the exit status.
func run(args []string) int {
	ctx, signals := withSignals(context.Background())
	defer signals.stop()
	c := newCLI(ctx)
	c.signals = signals
	root := c.rootCommand()
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	return c.finish(ctx, err)
}

const rootLong = `hutch gives agents a place for files and for commands.

A backend holds the files. --backend names it:

  local:DIR         a directory; commands run on it in a jail
  state:FILE.json   a workspace in one JSON document, without commands
  docker:IMAGE      a container of an image, or of a runtime (hutch runtimes ls);
                    it waits an hour for the next run, see hutch docker --help
  http://HOST:PORT  what hutch serve serves there; https:// where it is another
                    machine. $HUTCH_TOKEN is the token
  NAME              [backends.NAME] of the config file

Without --backend it is the default of the config file, else local:. which is
the current directory.

The config file is the one that --config or $HUTCH_CONFIG names. No file of the
workspace is ever read as configuration, since an agent could have written it:

  default = "work"
  policy = "mine"             # rules for every verb, without --policy
  remember = "answers"        # the file of what is always allowed; none is no such
  audit = "log"               # a record of every operation, without --audit
  model = "ollama:qwen3:8b"   # of run and chat, without --model

  [limit]                     # of one run, what is refused included; also file_bytes,
  operations = "10000"        # write_bytes, read_bytes, entries, matches (of one
  commands = "100"            # search), at_once
  output_bytes = "10MiB"      # of one command, which is ended there

  [backends.code]
  url = "local:/my/project"   # relative to the config file
  isolation = "isolated"      # or unconfined, restricted, capped
  network = false
  host_path = false           # show the workspace at its own path to commands
  visible = ["/opt/go"]       # more of the host, read-only
  protect = [".env"]          # names that nothing may write
  unprotect = [".gitmodules"]
  hide = ["**/*.pem"]         # patterns of names that commands cannot read
  env = { LANG = "C.UTF-8" }
  limits = { time = "5m", memory = "2GiB" }   # cpu, processes, file_size, open_files

  [backends.there]
  url = "https://build.example.com:7333"
  token_file = "token"        # in place of $HUTCH_TOKEN
  ca_file = "ca.pem"          # whom to trust; the default is the system

  [backends.lab]
  url = "docker:lab"          # an image, or a runtime; also network, env, limits,
                              # and protect and hide, with names and no patterns
  name = "lab"                # of the container; the default is one for each
                              # user and image

  [policies.mine]             # see hutch policy --help
  base = "default"

  [prices."ollama:qwen3:8b"]  # of a million tokens, for --max-cost; also cache_read,
  input = 0.1                 # cache_write
  output = 0.4

  [runtimes.lab]              # see hutch runtimes --help
  base = "python:3.12-slim"
  packages = ["pandas>=2.0"]

  [backends.work]             # several backends as one
  default = "code"
  routes = { "/notes/" = "state:notes.json", "/docs/" = "local:/my/docs" }
  read_only = ["/docs/"]

Paths are relative to the root of the backend. A path that begins with a slash
starts there too; where commands see the workspace at /workspace, it must lie
below that.

Exit status: 0 done; 1 the operation failed, or nothing was found (glob, grep);
2 wrong usage; 130, 143, 129 after SIGINT, SIGTERM, SIGHUP. exec and run have more,
see hutch exec --help and hutch run --help.`

func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "hutch [flags] VERB",
		Short: "A place for files and for commands",
		Long:  rootLong,
		Example: `  hutch ls -l src
  hutch exec -- go test ./...
  hutch --backend state:notes.json write todo.txt --content 'buy hay'`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("no verb given; see hutch --help")
		},
	}
	root.SuggestionsMinimumDistance = 2
	f := root.PersistentFlags()
	f.StringVar(&c.backend, "backend", "", "the backend, a `URL`: local:DIR, state:FILE.json, docker:IMAGE, http(s)://HOST:PORT, or a name of the config file")
	f.StringVar(&c.config, "config", "", "the config `FILE` (default $HUTCH_CONFIG, else none)")
	f.StringVar(&c.policy, "policy", "", "hold to the rules of a policy: `NAME` or FILE, see hutch policy --help; none is no policy")
	f.StringSliceVar(&c.accept, "accept", nil, "let commands do what the policy forbids and the sandbox cannot keep them from: `read`, write or both")
	f.StringVar(&c.audit, "audit", "", "append a record of every operation to `FILE`, one JSON object a line; best outside of the workspace; none is none")
	f.Var(capsFlag{&c.limit}, "limit", "do no more than this in one run, as [limit] of the config file: `KEY=N,...`, N may be none")
	f.BoolVar(&c.json, "json", false, "print JSON: one document, or one a line")
	f.Var(&c.color, "color", "colour: auto, always or never (NO_COLOR is honoured)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(flagError(err)) })
	root.SetOut(c.out)
	root.SetErr(c.err)
	for _, verb := range verbs {
		root.AddCommand(verb(c))
	}
	root.SetHelpCommand(helpCommand(root))
	c.completions(root)
	return root
}

// helpCommand is the verb help, which is the flag --help in other words.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Explain a verb",
		RunE: func(_ *cobra.Command, args []string) error {
			verb, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(root, args)
			}
			return verb.Help()
		},
	}
}

// unknownVerb is what becomes of arguments that are no verb.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return usagef("unknown verb %q; did you mean %q?", args[0], like[0])
	}
	return usagef("unknown verb %q; see hutch --help", args[0])
}

// flagError is an error about a flag without the names of Go functions.
func flagError(err error) error {
	head, tail, ok := strings.Cut(err.Error(), " flag: strconv.")
	if !ok {
		return err
	}
	return fmt.Errorf("%s flag: %s", head, tail[strings.LastIndex(tail, ": ")+2:])
}
