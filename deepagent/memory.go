package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/tool"
)

const (
	memoryDir   = ".deep/memory"
	memoryLines = 200     // that are shown at the beginning
	maxMemory   = 1 << 20 // bytes of the file
	shownMemory = 20_000  // bytes that are shown at the beginning
)

func (r *run) memoryFile() string { return path.Join(memoryDir, r.o.Name, "MEMORY.md") }

type writeMemoryIn struct {
	Text string `json:"text" jsonschema:"What to remember, in Markdown. It is added at the end."`
}

type updateMemoryIn struct {
	Old string `json:"old" jsonschema:"Text of the memory that occurs once."`
	New string `json:"new" jsonschema:"What takes its place; empty removes it."`
}

// memoryTools read and write a file of the workspace that later conversations
// begin with.
func (r *run) memoryTools() []action {
	read := tool.Func(tool.Tool{
		Name: "read_memory", Title: "Read memory", ReadOnly: true, Idempotent: true, Op: guard.Read,
		Description: "Show all of your memory, which you have from one conversation to the next.",
	}, r.readMemory)
	write := tool.Func(tool.Tool{
		Name: "write_memory", Title: "Write memory", Op: guard.Write,
		Description: "Add something to your memory that later conversations need: what the user wants in general, how this workspace is built and tested. Not what the files say anyway.",
	}, r.writeMemory)
	update := tool.Func(tool.Tool{
		Name: "update_memory", Title: "Update memory", Destructive: true, Op: guard.Edit,
		Description: "Replace text of your memory that is not right any more.",
	}, r.updateMemory)
	return []action{{Tool: read}, {Tool: write}, {Tool: update}}
}

func (r *run) readMemory(ctx context.Context, _ noArgs) (string, error) {
	text, err := readText(ctx, r.b, r.memoryFile(), maxMemory)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && text == "":
		return "The memory is empty.", nil
	case err != nil:
		return "", err
	}
	return text, nil
}

func (r *run) writeMemory(ctx context.Context, in writeMemoryIn) (string, error) {
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return "", errors.New("`text` is empty")
	}
	_, err := hutch.WriteFile(ctx, r.b, r.memoryFile(), []byte(text+"\n"), &hutch.WriteOptions{IfRev: hutch.Absent})
	if errors.Is(err, fs.ErrExist) {
		_, err = hutch.UpdateFile(ctx, r.b, r.memoryFile(), func(before []byte, _ hutch.Info) ([]byte, error) {
			if len(before)+len(text) > maxMemory {
				return nil, fmt.Errorf("%w: the memory takes %d bytes; remove something with update_memory", hutch.ErrTooLarge, maxMemory)
			}
			all := strings.TrimRight(string(before), "\n") + "\n" + text + "\n"
			return []byte(strings.TrimLeft(all, "\n")), nil
		})
	}
	if err != nil {
		return "", err
	}
	return "Remembered.", nil
}

func (r *run) updateMemory(ctx context.Context, in updateMemoryIn) (string, error) {
	if _, err := hutch.EditFile(ctx, r.b, r.memoryFile(), []hutch.Edit{{Old: in.Old, New: in.New}}); err != nil {
		return "", err
	}
	return "Updated.", nil
}

// memory is the end of the memory, as it is shown at the beginning.
func (r *run) memory(ctx context.Context) (string, error) {
	if r.action("read_memory") == nil {
		return "", nil
	}
	text, err := readText(guard.Unasked(ctx), r.b, r.memoryFile(), maxMemory)
	if absent(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return tailBytes(strings.Join(lines[max(0, len(lines)-memoryLines):], "\n"), shownMemory), nil
}

// tailBytes are the last n bytes of s, whole characters.
func tailBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[len(s)-n:], "")
}
