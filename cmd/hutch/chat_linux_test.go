package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// chatting begins a chat in which nothing is asked.
func chatting(t *testing.T, f *fakeModel, dir string) *seat {
	t.Helper()
	s := sit(t, f, dir, "--backend", "local:"+dir, "chat", "--yes", "--model", "openai:fake")
	s.await("/help says what can be said")
	s.await("> ")
	return s
}

// says types a line and waits for an answer and for the next prompt.
func (s *seat) says(line string, answers ...string) {
	s.t.Helper()
	s.keys(line + "\r")
	for _, a := range answers {
		s.await(a)
	}
	s.await("> ")
}

// A chat goes on from prompt to prompt, and tells what was planned and changed.
func TestChat(t *testing.T) {
	needJail(t)
	todos := map[string]any{"todos": []any{map[string]any{"text": "feed the hares", "status": "pending"}}}
	f := newFakeModel(t, says{text: "I write.", calls: []call{{"write_todos", todos}, write("a", "b\n")}}, says{text: "Written."},
		says{text: "Two."}, says{text: "Three."}, says{text: "Four."})
	s := chatting(t, f, t.TempDir())
	s.says("write a file", "Written.", "changed: /workspace/a")
	s.says("/files", "/workspace/a\x1b[0m\r\n")
	s.says("/todos", "feed the hares")
	s.says("/nonsense", "there is no /nonsense")
	s.says("/model", "openai:fake")
	s.says("/model nope", "does not name a model")
	s.says("more", "Two.")
	if last := f.last(); !strings.Contains(last, "write a file") {
		t.Errorf("the conversation does not go on: %s", last)
	}
	s.says("/new")
	s.says("anew", "Three.")
	if last := f.last(); strings.Contains(last, "write a file") {
		t.Errorf("the old conversation goes on: %s", last)
	}
	s.says("/resume nope", "there is no conversation")
	s.keys("\x04")
	got := s.end(0)
	_, id, ok := strings.Cut(got, "chat --resume=")
	if !ok {
		t.Fatalf("%q", got)
	}
	id, _, _ = strings.Cut(id, "\x1b")
	s = sit(t, f, s.cmd.Dir, "chat", "--yes", "--model", "openai:fake", "--resume="+id)
	s.await("> ")
	s.says("still there?", "Four.")
	if last := f.last(); !strings.Contains(last, "anew") {
		t.Errorf("the conversation is not gone on with: %s", last)
	}
	s.says("/resume", id)
	s.keys("/quit\r")
	s.end(0)
}

// Ctrl-C ends what is under way and no more.
func TestChatCtrlC(t *testing.T) {
	needJail(t)
	mark := fmt.Sprintf("86400.%d9", os.Getpid()) // no other's
	sleep := says{calls: []call{execute("echo begun; sleep " + mark)}}
	f := newFakeModel(t, sleep, sleep, says{text: "Well."})
	s := chatting(t, f, t.TempDir())
	for range 2 {
		s.keys("sleep\r")
		s.await(": begun")
		s.keys("\x03")
		s.await("stopped;")
		s.await("> ")
		if left := running(t, mark); len(left) > 0 {
			t.Errorf("still running: %q", left)
		}
	}
	s.keys("half a line\x03")
	s.await("Ctrl-D ends the conversation")
	s.await("> ")
	s.says("go on", "Well.")
	if last := f.last(); strings.Contains(last, "half a line") || !strings.Contains(last, "Cancelled") {
		t.Errorf("%s", last)
	}
	s.keys("\x04")
	s.end(0)
}

// Several lines that are pasted are one prompt, and lines come back.
func TestChatEditor(t *testing.T) {
	f := newFakeModel(t, says{text: "One."}, says{text: "Two."})
	s := sit(t, f, t.TempDir(), "--backend", "state:ws.json", "chat", "--yes", "--model", "openai:fake")
	s.await("> ")
	s.says("\x1b[200~first\rsecond\rthird\x1b[201~", "One.")
	if last := f.last(); !strings.Contains(last, `first\nsecond\nthird`) {
		t.Errorf("%s", last)
	}
	s.keys("\x1b[A") // the last line again
	s.await("third")
	s.says("!", "Two.")
	if last := f.last(); !strings.Contains(last, "third!") {
		t.Errorf("%s", last)
	}
	s.keys("\x04")
	s.end(0)
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
