package deepagent

import (
	"context"
	"fmt"
	"slices"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/keep"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

// ownTools are the names of the tools that come besides the console toolset.
var ownTools = []string{"write_todos", "read_todos", "task", "load_skill", "read_memory", "write_memory", "update_memory"}

// prepare looks at the workspace and makes tools and system prompt. Of a sub-agent
// parent is whose it is: it has no tool that the parent has not.
func (r *run) prepare(ctx context.Context, parent *run) error {
	store := r.o.Console.Keep
	if store == nil {
		store = r.b
	}
	r.own = keep.Quiet(store)
	r.keep = keep.New(r.own, nil)
	if _, ok := hutch.As[hutch.Execer](r.b); ok && r.jobs == nil {
		jobs, err := job.New(r.b, &job.Options{Keep: r.own})
		if err != nil {
			return err
		}
		r.jobs = jobs
	}
	var err error
	if r.skills, err = r.findSkills(ctx); err != nil {
		return err
	}
	r.tools = r.equip(parent)
	r.offer = nil
	for _, a := range r.tools {
		r.offer = append(r.offer, llm.Tool{Name: a.Name, Description: a.Description, Input: a.Input})
	}
	if r.system, err = r.prompt(ctx); err != nil {
		return err
	}
	r.begins()
	return nil
}

// equip is all tools that the agent has.
func (r *run) equip(parent *run) []action {
	o := *r.o.Console
	o.Jobs = r.jobs
	var all []action
	for _, t := range tool.Console(r.b, &o) {
		all = append(all, action{Tool: t})
	}
	all = append(all, r.todoTools()...)
	if len(r.skills) > 0 {
		all = append(all, r.skillTool())
	}
	if parent == nil && !r.o.NoMemory {
		all = append(all, r.memoryTools()...)
	}
	if r.depth < r.o.Nesting && len(r.o.SubAgents) > 0 {
		all = append(all, r.taskTool())
	}
	for _, t := range r.o.Tools {
		all = append(all, action{Tool: t})
	}
	for i := range all {
		all[i].Asks = all[i].Asks || slices.Contains(r.o.Ask, all[i].Name)
	}
	f, guarded := hutch.As[guard.Foreseer](r.b)
	return slices.DeleteFunc(all, func(a action) bool {
		return slices.Contains(r.o.Without, a.Name) || guarded && a.Op != "" && f.Outlook(a.Op) == guard.Denied || !r.spec.has(a, parent)
	})
}

// runsCommands reports whether there is a tool that runs commands.
func (r *run) runsCommands() bool { return r.action("execute") != nil }

// whereabouts says how paths are to be written.
func (r *run) whereabouts() string {
	if root, ok := hutch.As[hutch.Rooted](r.b); ok {
		return fmt.Sprintf("The workspace is at %s; paths are absolute below it, or relative to it.", root.Root())
	}
	return "Paths are relative to the root of the workspace."
}
