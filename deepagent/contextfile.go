package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// DefaultContextFiles are the files at the root of a workspace in which people
// write down what an agent should know.
func DefaultContextFiles() []string { return []string{"AGENTS.md", "CLAUDE.md"} }

const (
	maxContextFile = 20_000 // bytes that are shown of one
	maxContext     = 60_000 // bytes of all
)

// contextFiles are the files as the system prompt has them.
func (r *run) contextFiles(ctx context.Context) (string, error) {
	var out strings.Builder
	for _, name := range r.o.ContextFiles {
		text, err := readText(guard.Unasked(ctx), r.b, name, maxContextFile+1)
		if absent(err) || err == nil && strings.TrimSpace(text) == "" {
			continue
		}
		if err != nil {
			return "", err
		}
		if len(text) > maxContextFile {
			text = firstLines(text, maxContextFile) + "\n(more is in the file)"
		}
		if out.Len()+len(text) > maxContext {
			text = "(not shown, there is too much of it: read the file)"
		}
		out.WriteString(quoted("file", hutch.PathOf(r.b, name), text))
	}
	return out.String(), nil
}

// quoted is content of the workspace between marks that it cannot end itself.
func quoted(mark, name, text string) string {
	text = strings.ReplaceAll(text, "</workspace-", "<\u200b/workspace-")
	return fmt.Sprintf("<workspace-%s name=%q>\n%s\n</workspace-%s>\n", mark, name, strings.TrimSpace(text), mark)
}

// checkFiles finds names of directories and files that are no names.
func (o *Options) checkFiles() error {
	for _, name := range slices.Concat(o.Skills, o.ContextFiles) {
		if err := hutch.CheckName("open", name); err != nil {
			return err
		}
	}
	if slices.Contains(o.ContextFiles, ".") {
		return errors.Join(fs.ErrInvalid, errors.New("a context file cannot be the root"))
	}
	return nil
}
