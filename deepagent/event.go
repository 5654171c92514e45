package deepagent

import (
	"encoding/json"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// Kind is what an Event is about.
type Kind string

// The kinds of events, and which fields an Event of that kind has.
const (
	Begin     Kind = "begin"      // Conversation, Text: the name of the model, Todos
	Text      Kind = "text"       // Text: more of what the model says
	Reasoning Kind = "reasoning"  // Text: more of what it thinks
	CallBegin Kind = "call_begin" // Call without Input: the model is writing one
	ToolCall  Kind = "tool_call"  // Call: a tool is about to be called
	Progress  Kind = "progress"   // Call, Text: what a command has printed
	ToolDone  Kind = "tool_done"  // Call, Outcome
	Asked     Kind = "asked"      // Call, Question: somebody is being asked
	Answered  Kind = "answered"   // Call, Question, Answer
	Todos     Kind = "todos"      // Todos: the whole list after a change
	Retrying  Kind = "retry"      // Retry
	Compacted Kind = "compacted"  // Compaction
	Used      Kind = "usage"      // Usage, after every reply
	Saved     Kind = "checkpoint" // Checkpoint: its ID
	End       Kind = "end"        // Result, of a sub-agent too; Error where it failed
)

// Event is something that happens in a run. It encodes as JSON.
type Event struct {
	Kind Kind `json:"kind"`
	// Agent is the name of the sub-agent whose event it is, with those above it
	// and slashes between them; "" is the agent itself. Task is the ID of the call
	// that it works for.
	Agent string `json:"agent,omitempty"`
	Task  string `json:"task,omitempty"`

	Text         string      `json:"text,omitempty"`
	Conversation string      `json:"conversation,omitempty"`
	Call         *Call       `json:"call,omitempty"`
	Outcome      *Outcome    `json:"outcome,omitempty"`
	Question     *Question   `json:"question,omitempty"`
	Answer       *Answer     `json:"answer,omitempty"`
	Todos        []Todo      `json:"todos,omitempty"`
	Retry        *Retry      `json:"retry,omitempty"`
	Compaction   *Compaction `json:"compaction,omitempty"`
	Usage        *Usage      `json:"usage,omitempty"`
	Checkpoint   string      `json:"checkpoint,omitempty"`
	Result       *Result     `json:"result,omitempty"`
	Error        string      `json:"error,omitempty"`
}

// Call is a call of a tool.
type Call struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Title string    `json:"title,omitempty"` // of the tool, for people
	Input llm.Input `json:"input,omitempty"`
}

// Outcome is what came of a call.
type Outcome struct {
	Text   string `json:"text"` // as the model sees it
	Failed bool   `json:"failed,omitempty"`
	// Data is the same as a value, where the tool has one.
	Data     json.RawMessage `json:"data,omitempty"`
	Kept     []string        `json:"kept,omitempty"` // paths of files with all of the output
	Duration time.Duration   `json:"duration"`       // in nanoseconds
}

// Retry is a request that failed and is tried again.
type Retry struct {
	Try    int           `json:"try"` // that failed, 1 is the first
	Wait   time.Duration `json:"wait"`
	Reason string        `json:"reason"`
	// Void says that what came of text, reasoning and calls since the last reply is
	// void: it comes again.
	Void bool `json:"void,omitempty"`
}

// Compaction is a conversation that was made shorter.
type Compaction struct {
	Before int `json:"before"` // tokens, estimated
	After  int `json:"after"`
	// File is where the whole history is; "" where it could not be kept.
	File string `json:"file,omitempty"`
}

// Usage counts what was used.
type Usage struct {
	Last  llm.Usage `json:"last"`  // of the last reply
	Total llm.Usage `json:"total"` // of the run, with its sub-agents
	Steps int       `json:"steps"` // the same
	Cost  float64   `json:"cost"`  // the same; 0 without prices
	// Estimated says that a provider did not tell, so that some of it is estimated.
	Estimated bool `json:"estimated,omitempty"`
}

// Ending is how a run has ended.
type Ending string

// The endings. All but Finished come with an error.
const (
	Finished  Ending = "finished"  // the model has said what it had to say
	OverLimit Ending = "budget"    // ErrBudget
	Stuck     Ending = "stuck"     // ErrStuck
	Refused   Ending = "refused"   // ErrRefused
	Cancelled Ending = "cancelled" // the error of the context
	Broken    Ending = "error"
)

// Result is what came of a run.
type Result struct {
	// Text is what the model has said last.
	Text         string `json:"text"`
	Ending       Ending `json:"ending"`
	Conversation string `json:"conversation,omitempty"`
	Usage        Usage  `json:"usage"` // of the run
	Todos        []Todo `json:"todos,omitempty"`

	// Messages is the conversation as it would go on; of a sub-agent, its own.
	Messages []llm.Message `json:"-"`
}
