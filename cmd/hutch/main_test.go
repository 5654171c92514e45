package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/local"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"hutch": main}) }

// TestScripts runs the scripts that choose their backend.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script", "") }

// TestScriptsOnBoth runs the scripts that must hold on every backend.
func TestScriptsOnBoth(t *testing.T) {
	for _, b := range []string{"state:ws.json", "local:ws"} {
		scheme, _, _ := strings.Cut(b, ":")
		t.Run(scheme, func(t *testing.T) { runScripts(t, "testdata/script/both", b) })
	}
}

// raceOptions spares every process the second that a program under the race
// detector waits at its end.
const raceOptions = "atexit_sleep_ms=0"

func runScripts(t *testing.T, dir, backend string) {
	runScriptsWith(t, dir, func(e *testscript.Env) error {
		e.Setenv("BACKEND", backend)
		return nil
	})
}

func runScriptsWith(t *testing.T, dir string, setup func(*testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("NL", "\n")
			e.Setenv("GORACE", raceOptions)
			if err := os.MkdirAll(e.WorkDir+"/ws", 0o755); err != nil {
				return err
			}
			return setup(e)
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": wantStatus, "json": jsonField, "bytes": writeBytes,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// condition answers what scripts ask with [name].
func condition(name string) (bool, error) {
	if name != "jail" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	why := noJail()
	if why != nil && need.Required("jail") {
		return false, fmt.Errorf("HUTCH_REQUIRE demands a jail: %w", why)
	}
	return why == nil, nil
}

// needJail skips where there is no jail.
func needJail(t *testing.T) {
	t.Helper()
	if err := noJail(); err != nil {
		need.Lacking(t, "jail", err)
	}
}

// noJail is why commands cannot be isolated here.
var noJail = sync.OnceValue(func() error {
	r := local.Doctor(context.Background())
	if r.Err == nil && r.Level < local.Isolated {
		return fmt.Errorf("this machine gives no more than %s", r.Level)
	}
	return r.Err
})

// wantStatus is "status N PROGRAM ARG...": the program must end with that status.
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ee *exec.ExitError
		if !errors.As(err, &ee) {
			ts.Fatalf("%v", err)
		}
		got = ee.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// jsonField is "json LINE FIELD VALUE": the line of the last output, counted from
// 1, must be a JSON object with that value; VALUE "-" is a field that is not there.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json LINE FIELD VALUE")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n < 1 || n > len(lines) {
		ts.Fatalf("the output has %d lines", len(lines))
	}
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(lines[n-1]), &object))
	got := "-"
	if v, ok := object[args[1]]; ok {
		if s, isText := v.(string); isText {
			got = s
		} else {
			b, err := json.Marshal(v)
			ts.Check(err)
			got = string(b)
		}
	}
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %q", args[1], got)
	}
}

// writeBytes is "bytes FILE TEXT": it makes a file of TEXT, in which backslash
// escapes are those of Go.
func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes FILE TEXT")
	}
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}
