package deepagent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch/tool"
)

// Todo is a piece of work that the agent has set itself.
type Todo struct {
	Text   string `json:"text" jsonschema:"What is to be done, in a few words."`
	Status string `json:"status" enum:"pending,in_progress,done" jsonschema:"How far it is."`
}

// todoList is the list of one agent. It is safe for concurrent use.
type todoList struct {
	mu  sync.Mutex
	all []Todo
}

func (l *todoList) list() []Todo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func (l *todoList) set(all []Todo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.Clone(all)
}

type writeTodosIn struct {
	Todos []Todo `json:"todos" min:"0" max:"100" jsonschema:"The whole list, which takes the place of the old one."`
}

type noArgs struct{}

func (r *run) todoTools() []action {
	write := tool.Func(tool.Tool{
		Name: "write_todos", Title: "Write todos", Idempotent: true,
		Description: "Write down the steps of your work, for yourself and for whoever looks on. Worth it for work of three steps or more. Give the whole list every time; have one item in progress, and mark it done as soon as it is.",
	}, func(_ context.Context, in writeTodosIn) (string, error) {
		for _, t := range in.Todos {
			if strings.TrimSpace(t.Text) == "" {
				return "", fmt.Errorf("a todo has no text")
			}
		}
		r.todos.set(in.Todos)
		r.emit(Event{Kind: Todos, Todos: r.todos.list()})
		return todoText(in.Todos), nil
	})
	read := tool.Func(tool.Tool{
		Name: "read_todos", Title: "Read todos", ReadOnly: true, Idempotent: true,
		Description: "Show the list of todos.",
	}, func(context.Context, noArgs) (string, error) {
		return todoText(r.todos.list()), nil
	})
	return []action{{Tool: write, own: true}, {Tool: read, own: true}}
}

// todoText is the list for the model.
func todoText(all []Todo) string {
	if len(all) == 0 {
		return "No todos."
	}
	marks := map[string]string{"pending": "[ ]", "in_progress": "[>]", "done": "[x]"}
	var out strings.Builder
	for i, t := range all {
		fmt.Fprintf(&out, "%d. %s %s\n", i+1, marks[t.Status], t.Text)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
