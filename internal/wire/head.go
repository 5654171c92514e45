package wire

import (
	"encoding/json"
	"time"

	"github.com/hutch-dev/hutch"
)

// request is the head of a request. Every operation uses some of it.
type request struct {
	Op   string `json:"op"` // the route, so that no request ends up at another one
	ID   uint64 `json:"id"` // see seedOf
	Name string `json:"name,omitempty"`

	To    string `json:"to,omitempty"`
	IfRev []byte `json:"if_rev,omitempty"`
	Mode  uint32 `json:"mode,omitempty"`

	Pattern []byte   `json:"pattern,omitempty"`
	Glob    *glob    `json:"glob,omitempty"`
	Query   *query   `json:"query,omitempty"`
	Command *command `json:"command,omitempty"`

	In json.RawMessage `json:"in,omitempty"`
}

type glob struct {
	Recurse   bool `json:"recurse,omitempty"`
	Hidden    bool `json:"hidden,omitempty"`
	Gitignore bool `json:"gitignore,omitempty"`
	Names     bool `json:"names,omitempty"`
}

type query struct {
	Literal    bool     `json:"literal,omitempty"`
	IgnoreCase bool     `json:"ignore_case,omitempty"`
	Include    [][]byte `json:"include,omitempty"`
	Exclude    [][]byte `json:"exclude,omitempty"`
	Hidden     bool     `json:"hidden,omitempty"`
	Gitignore  bool     `json:"gitignore,omitempty"`
	Before     int      `json:"before,omitempty"`
	After      int      `json:"after,omitempty"`
	MaxPerFile int      `json:"max_per_file,omitempty"`
	Max        int      `json:"max,omitempty"`
	MaxLine    int      `json:"max_line,omitempty"`
}

func queryOf(q hutch.Query) *query {
	return &query{
		Literal: q.Literal, IgnoreCase: q.IgnoreCase, Include: bytesOf(q.Include), Exclude: bytesOf(q.Exclude),
		Hidden: q.Hidden, Gitignore: q.Gitignore, Before: q.Before, After: q.After,
		MaxPerFile: q.MaxPerFile, Max: q.Max, MaxLine: q.MaxLine,
	}
}

func (q *query) query(dir, pattern string) hutch.Query {
	return hutch.Query{
		Pattern: pattern, Dir: dir,
		Literal: q.Literal, IgnoreCase: q.IgnoreCase, Include: stringsOf(q.Include), Exclude: stringsOf(q.Exclude),
		Hidden: q.Hidden, Gitignore: q.Gitignore, Before: q.Before, After: q.After,
		MaxPerFile: q.MaxPerFile, Max: q.Max, MaxLine: q.MaxLine,
	}
}

// command is a hutch.Cmd.
type command struct {
	Args   [][]byte `json:"args"`
	Env    [][]byte `json:"env,omitempty"`
	Stdin  bool     `json:"stdin,omitempty"`  // frames with input follow
	Stdout bool     `json:"stdout,omitempty"` // wanted
	Stderr bool     `json:"stderr,omitempty"` // wanted
	Merge  bool     `json:"merge,omitempty"`  // both are one stream
	Limits limits   `json:"limits,omitzero"`

	Signals bool `json:"signals,omitempty"` // frames with signals may follow
}

type limits struct {
	Time      time.Duration `json:"time,omitempty"` // in nanoseconds, as CPU
	CPU       time.Duration `json:"cpu,omitempty"`
	Memory    int64         `json:"memory,omitempty"`
	Processes int           `json:"processes,omitempty"`
	FileSize  int64         `json:"file_size,omitempty"`
	OpenFiles int           `json:"open_files,omitempty"`
}

// result is a hutch.Result.
type result struct {
	ExitCode int           `json:"exit_code"`
	Signal   string        `json:"signal,omitempty"`
	TimedOut bool          `json:"timed_out,omitempty"`
	Duration time.Duration `json:"duration"` // in nanoseconds
}

// hello is what a client says first.
type hello struct {
	Versions []int `json:"versions"`
}

// welcome is the answer to hello.
type welcome struct {
	Version int      `json:"version"`
	Root    string   `json:"root,omitempty"`
	Powers  []string `json:"powers"`
	Signals []string `json:"signals,omitempty"` // that commands can be sent; none from servers that know no such frames
	Limits  caps     `json:"limits"`
}

// caps are the limits of a server, in bytes.
type caps struct {
	Head     int `json:"head"`
	ExecHead int `json:"exec_head"`
	Frame    int `json:"frame"`
	Stdin    int `json:"stdin"`
	Requests int `json:"requests"` // at a time on a connection
}

// The powers, and the speed that cannot be stood in for on the way.
const (
	powerExec   = "exec"
	powerRename = "rename"
	powerLinks  = "links" // the route real, and those that go through no link
)

func bytesOf(list []string) [][]byte {
	var all [][]byte
	for _, s := range list {
		all = append(all, []byte(s))
	}
	return all
}

func stringsOf(list [][]byte) []string {
	var all []string
	for _, b := range list {
		all = append(all, string(b))
	}
	return all
}
