package server

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"github.com/hutch-dev/hutch"
)

// fileRoutes are those of files and of searches in them.
func fileRoutes() []Route {
	return slices.Concat(contentRoutes(), searchRoutes(), []Route{
		{
			Method: "GET", Path: "/list", Name: "listFiles",
			Doc:   "Lists a directory, sorted by path. With recursive, the files and links below it, without the directories.",
			Query: listQuery{}, Out: listOut{}, Serve: listFiles,
		},
		{
			Method: "GET", Path: "/stat", Name: "statFile",
			Doc:   "Describes a file or a directory. A link is described as what it leads to.",
			Query: pathQuery{}, Out: fileOut{}, Serve: statFile,
		},
		{
			Method: "POST", Path: "/edit", Name: "editFile", Large: true, Replays: true,
			Doc: "Replaces text in a file, all edits or none, whoever else writes it meanwhile. Old text that is not there, or there more than once, is 422, and the detail says where it nearly is.",
			In:  editIn{}, Out: editOut{}, Serve: editFile,
		},
		{
			Method: "POST", Path: "/move", Name: "moveFile", Replays: true,
			Doc: "Gives a file or a directory another path. A file replaces a file; nothing else is replaced.",
			In:  fromTo{}, Serve: moveFile,
		},
		{
			Method: "POST", Path: "/copy", Name: "copyFile", Replays: true,
			Doc: "Copies a file or a directory. A file replaces a file; nothing else is replaced.",
			In:  fromTo{}, Serve: copyFile,
		},
	})
}

type pathQuery struct {
	Path string `json:"path" jsonschema:"The root of the workspace if it is not there."`
}

type listQuery struct {
	Path      string `json:"path" jsonschema:"The root of the workspace if it is not there."`
	Recursive bool   `json:"recursive"`
	Limit     int    `json:"limit" jsonschema:"1000 if it is not there, at most 10000."`
}

type fromTo struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type fileOut struct {
	Path     string    `json:"path" jsonschema:"Relative to the root of the workspace, a dot for the root."`
	Size     int64     `json:"size" jsonschema:"Bytes; 0 of a directory."`
	Dir      bool      `json:"dir"`
	Link     bool      `json:"link,omitempty" jsonschema:"It is a symbolic link, described as itself."`
	Mode     string    `json:"mode" jsonschema:"The permission bits in octal digits."`
	Modified time.Time `json:"modified,omitzero"`
	Rev      string    `json:"rev,omitempty" jsonschema:"The revision of a file, for If-Match. It differs whenever the content does."`
}

type listOut struct {
	Path       string    `json:"path"`
	Entries    []fileOut `json:"entries"`
	More       bool      `json:"more" jsonschema:"There is more than the limit."`
	Incomplete string    `json:"incomplete,omitempty" jsonschema:"What could not be looked at."`
}

// fileOf is a file as clients see it.
func fileOf(i hutch.Info) fileOut {
	return fileOut{
		Path: i.Name, Size: i.Size, Dir: i.IsDir(), Link: i.Mode&fs.ModeSymlink != 0,
		Mode: fmt.Sprintf("%04o", i.Mode.Perm()), Modified: i.ModTime.UTC(), Rev: i.Rev,
	}
}

// name is the name that a path in a request means.
func (c *Call) name(path string) (string, error) { return hutch.Resolve(c.Backend, "", path) }

// The bounds of lists and searches.
const (
	usualLimit = 1000
	mostLimit  = 10000
)

// limitOf is how many results a request wants.
func limitOf(asked int) (int, error) {
	if asked < 0 || asked > mostLimit {
		return 0, invalid("a limit is 1 to %d", mostLimit)
	}
	return orDefault(asked, usualLimit), nil
}

func statFile(c *Call) (any, error) {
	name, err := c.name(c.Query.(*pathQuery).Path)
	if err != nil {
		return nil, err
	}
	i, err := c.Backend.Stat(c.Ctx, name)
	if err != nil {
		return nil, err
	}
	return fileOf(i), nil
}

func listFiles(c *Call) (any, error) {
	q := c.Query.(*listQuery)
	limit, err := limitOf(q.Limit)
	if err != nil {
		return nil, err
	}
	out := listOut{}
	if out.Path, err = c.name(q.Path); err != nil {
		return nil, err
	}
	seq := c.Backend.List(c.Ctx, out.Path)
	if q.Recursive {
		seq = hutch.Walk(c.Ctx, c.Backend, out.Path)
	}
	out.Entries, out.More, out.Incomplete, err = gather(seq, limit, fileOf)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// gather is what seq gives, up to limit. Of what may not be looked at among much
// that may, missing says so.
func gather[T, O any](seq iter.Seq2[T, error], limit int, f func(T) O) (all []O, more bool, missing string, err error) {
	all = []O{}
	for v, err := range seq {
		switch {
		case err != nil && len(all) > 0 && errors.Is(err, fs.ErrPermission):
			return all, false, err.Error(), nil
		case err != nil:
			return nil, false, "", err
		case len(all) == limit:
			return all, true, "", nil
		}
		all = append(all, f(v))
	}
	return all, false, "", nil
}

func moveFile(c *Call) (any, error) {
	from, to, err := c.names(c.In.(*fromTo))
	if err != nil {
		return nil, err
	}
	return nil, hutch.Move(c.Ctx, c.Backend, from, to)
}

func copyFile(c *Call) (any, error) {
	from, to, err := c.names(c.In.(*fromTo))
	if err != nil {
		return nil, err
	}
	return nil, hutch.Copy(c.Ctx, c.Backend, to, c.Backend, from)
}

func (c *Call) names(in *fromTo) (from, to string, err error) {
	if from, err = c.name(in.From); err != nil {
		return "", "", err
	}
	to, err = c.name(in.To)
	return from, to, err
}
