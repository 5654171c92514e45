package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A chat goes on from prompt to prompt; Ctrl-C ends what is under way and no more,
// Ctrl-D all.
func TestChat(t *testing.T) {
	needJail(t)
	mark := fmt.Sprintf("86400.%d9", os.Getpid()) // no other's
	f := newFakeModel(t,
		says{text: "I write.", calls: []call{{"write_todos", map[string]any{"todos": []any{map[string]any{"text": "feed the hares", "status": "pending"}}}}, write("a", "b\n")}},
		says{text: "Written."},
		says{calls: []call{execute("echo begun; sleep " + mark)}},
		says{text: "Four."},
		says{text: "Five."},
		says{text: "Six."})
	dir := t.TempDir()
	s := sit(t, f, dir, "chat", "--yes", "--model", "openai:fake")
	s.await("/help says what can be said")
	s.await("> ")
	s.keys("write a file\r")
	s.await("Written.")
	s.await("changed: /workspace/a")
	s.await("> ")

	s.keys("/files\r")
	s.await("/workspace/a\x1b[0m\r\n")
	s.await("> ")
	s.keys("/todos\r")
	s.await("feed the hares")
	s.await("> ")
	s.keys("/nonsense\r")
	s.await("there is no /nonsense")
	s.await("> ")

	s.keys("sleep\r")
	s.await(": begun")
	s.keys("\x03")
	s.await("stopped;")
	s.await("> ")
	if left := running(t, mark); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}

	s.keys("half a line\x03")
	s.await("Ctrl-D ends the conversation")
	s.await("> ")
	s.keys("\x1b[200~first\rsecond\rthird\x1b[201~\r")
	s.await("Four.")
	s.await("> ")
	if last := f.last(); !strings.Contains(last, `first\nsecond\nthird`) || strings.Contains(last, "half a line") {
		t.Errorf("%s", last)
	}
	s.keys("\x1b[A") // the last line again
	s.await("third")
	s.keys("!\r")
	s.await("Five.")
	s.await("> ")
	if last := f.last(); !strings.Contains(last, "third!") || !strings.Contains(last, "write a file") {
		t.Errorf("%s", last)
	}
	s.keys("/new\r")
	s.await("> ")
	s.keys("anew\r")
	s.await("Six.")
	s.await("> ")
	if last := f.last(); strings.Contains(last, "write a file") {
		t.Errorf("the old conversation goes on: %s", last)
	}
	s.keys("/resume\r")
	s.await("> ")
	s.keys("\x04")
	if got := s.end(0); !strings.Contains(got, "go on with: hutch chat --resume=") {
		t.Errorf("%q", got)
	}
}

// What was typed before a question is asked does not answer it.
func TestChatTypedAhead(t *testing.T) {
	needJail(t)
	gate := make(chan struct{})
	f := newFakeModel(t, says{text: "Wait.", gate: gate, calls: []call{write("a", "b\n")}}, says{text: "Well."})
	dir := t.TempDir()
	s := sit(t, f, dir, "chat", "--model", "openai:fake")
	s.await("> ")
	s.keys("go\r")
	s.await("Wait.")
	s.keys("y\ny\ny")
	s.await("y\r\ny\r\ny") // the terminal has it
	close(gate)
	s.await("[n]: ")
	s.keys("n\n")
	s.await("Well.")
	s.await("> ")
	s.keys("/quit\r")
	s.end(0)
	if _, err := os.Stat(dir + "/a"); err == nil {
		t.Error("it was written")
	}
}

// What the line editor would cut is not sent.
func TestChatLongLine(t *testing.T) {
	f := newFakeModel(t)
	s := sit(t, f, t.TempDir(), "--backend", "state:ws.json", "chat", "--yes", "--model", "openai:fake")
	s.await("> ")
	for range 50 {
		s.keys(strings.Repeat("x", 100))
	}
	s.keys("\r")
	s.await("is not read whole")
	s.await("> ")
	s.keys("\x04")
	s.end(0)
	if len(f.requests()) > 0 {
		t.Error("it was sent")
	}
}

// Without a model there is no chat, but a word on how to get one; without a
// terminal neither.
func TestChatRefuses(t *testing.T) {
	f := newFakeModel(t)
	agent(t, f, t.TempDir(), "chat", "--model", "openai:fake", "--yes").want(t, 2, "chat is for a terminal")
	s := sit(t, f, t.TempDir(), "chat")
	got := s.end(2)
	for _, want := range []string{"ANTHROPIC_API_KEY", "--model demo"} {
		if !strings.Contains(got, want) {
			t.Errorf("nothing of %s: %q", want, got)
		}
	}
}

func TestChatDemo(t *testing.T) {
	needJail(t)
	s := sit(t, newFakeModel(t), t.TempDir(), "chat", "--model", "demo")
	s.await("no language model reads")
	s.await("> ")
	s.keys("hello\r")
	s.await("the same by another way")
	s.await("> ")
	s.keys("/quit\r")
	s.end(0)
}
