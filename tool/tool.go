// Package tool is the console toolset: what a model can do in a workspace, as
// functions with a name, a description and a schema. It knows no framework; an
// adapter to one is a loop over a []Tool.
package tool

import (
	"context"
	"encoding/json"

	"github.com/hutch-dev/hutch/guard"
)

// Tool is one thing that a model can do. It is safe for concurrent use.
type Tool struct {
	Name        string          // as the model calls it: "read_file"
	Title       string          // as a person reads it: "Read file"
	Description string          // Markdown, for the model
	Input       json.RawMessage // JSON Schema of the arguments, an object
	Output      json.RawMessage // JSON Schema of Result.Data; nil without
	Op          guard.Op        // what it does, as rules name it; "" for what no rule is about

	ReadOnly    bool // changes nothing
	Destructive bool // may lose what was there before
	Idempotent  bool // the same call again changes nothing more
	OpenWorld   bool // may reach what is not in the workspace
	Asks        bool // some calls wait for somebody's approval

	// Call does it. Arguments that do not fit the schema and all that the model
	// can mend are a Result with Failed; an error is what it cannot mend: ctx has
	// ended, the workspace is gone.
	Call func(ctx context.Context, c Call) (Result, error)
}

// Call is one use of a tool.
type Call struct {
	Input json.RawMessage
	// Progress, if not nil, gets what a command prints, as it prints it. It is
	// called by one goroutine at a time and never after Call has returned.
	Progress func(text string)
}

// Result is what happened.
type Result struct {
	Text   string  // for the model
	Data   any     // the same as a value that encodes as JSON; nil where it failed early
	Media  []Media // images and documents that were read
	Kept   []Kept  // output too large to show, kept in the workspace
	Failed bool    // Text says what was wrong and how to mend it
}

// Media is a file for a model that can look at it.
type Media struct {
	Type string // MIME type, "image/png"
	Path string
	Data []byte
}

// Kept is output in the workspace.
type Kept struct {
	Name string // in the backend
	Path string // as file tools and commands know it
	Size int64  // in bytes
	Type string // MIME type
}
