package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/tool"
)

// DefaultSkills are where skills are looked for: a skill is a directory in one of
// these, with a file SKILL.md.
func DefaultSkills() []string { return []string{"skills", ".hutch/skills"} }

const (
	maxSkill      = 64 << 10 // bytes of a SKILL.md
	maxSkills     = 100
	maxSkillFiles = 50  // that are listed
	maxSkillLine  = 500 // bytes of a description in the system prompt
)

// skill is a way to do something, written down in the workspace.
type skill struct {
	name, description string
	dir               string // its name in the backend
}

// findSkills looks for skills. Of two of one name the first is taken; what may not
// be read is not there.
func (r *run) findSkills(ctx context.Context) ([]skill, error) {
	ctx = guard.Unasked(ctx)
	var found []skill
	taken := map[string]bool{}
	for _, dir := range r.o.Skills {
		for i, err := range r.b.List(ctx, dir) {
			if absent(err) {
				break
			}
			if err != nil {
				return nil, err
			}
			if !i.IsDir() || len(found) == maxSkills {
				continue
			}
			text, err := readText(ctx, r.b, path.Join(i.Name, "SKILL.md"), maxSkill)
			if absent(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			s := readSkill(path.Base(i.Name), text)
			s.dir = i.Name
			if !taken[s.name] {
				found, taken[s.name] = append(found, s), true
			}
		}
	}
	return found, nil
}

// absent reports whether something is not there, or not for us.
func absent(err error) bool {
	for _, e := range []error{fs.ErrNotExist, fs.ErrPermission, hutch.ErrNotDir, hutch.ErrIsDir, errors.ErrUnsupported} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// readText reads the first max bytes of a file as text.
func readText(ctx context.Context, b hutch.Backend, name string, max int) (string, error) {
	f, err := b.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(max)))
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(string(data), "\ufffd"), nil
}

type loadSkillIn struct {
	Name string `json:"name" jsonschema:"The name of the skill."`
}

// skillTool shows a skill.
func (r *run) skillTool() action {
	return action{own: true, Tool: tool.Func(tool.Tool{
		Name: "load_skill", Title: "Load skill", ReadOnly: true, Idempotent: true, Op: guard.Read,
		Description: "Show the instructions of a skill, and which files belong to it. Do this before you begin work that a skill is for.",
	}, func(ctx context.Context, in loadSkillIn) (string, error) {
		for _, s := range r.skills {
			if s.name == in.Name {
				return r.loadSkill(ctx, s)
			}
		}
		return "", fmt.Errorf("there is no skill %q", clip(in.Name, 100))
	})}
}

func (r *run) loadSkill(ctx context.Context, s skill) (string, error) {
	name := path.Join(s.dir, "SKILL.md")
	text, err := readText(ctx, r.b, name, maxSkill)
	if err != nil {
		return "", err
	}
	if _, body, ok := frontMatter(text); ok {
		text = body
	}
	var files []string
	for i, err := range hutch.Walk(ctx, r.b, s.dir) {
		if err != nil {
			return "", err
		}
		if i.Name == name {
			continue
		}
		if len(files) == maxSkillFiles {
			files = append(files, "...")
			break
		}
		files = append(files, hutch.PathOf(r.b, i.Name))
	}
	out := fmt.Sprintf("Skill %s, in %s:\n\n%s", s.name, hutch.PathOf(r.b, s.dir), strings.TrimSpace(text))
	if len(files) > 0 {
		out += "\n\nFiles of the skill:\n" + strings.Join(files, "\n")
	}
	return out, nil
}
