package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/diff"
)

type wroteOut struct {
	File fileOut `json:"file"`
}

type deleteQuery struct {
	Recursive bool `json:"recursive"`
}

func writeFile(c *Call) (any, error) {
	name, err := c.name(c.R.PathValue("path"))
	if err != nil {
		return nil, err
	}
	ifRev, err := condition(c.R.Header)
	if err != nil {
		return nil, err
	}
	i, err := c.Backend.Write(c.Ctx, name, c.R.Body, &hutch.WriteOptions{IfRev: ifRev})
	if err != nil {
		return nil, err
	}
	c.W.Header().Set("ETag", etag(i.Rev))
	return wroteOut{fileOf(i)}, nil
}

// condition is what a write is to find. A condition that is not understood must
// not be passed over, as something would be lost.
func condition(h http.Header) (ifRev string, err error) {
	match, none := h["If-Match"], h["If-None-Match"]
	switch {
	case len(match) == 0 && len(none) == 0:
		return "", nil
	case len(match) == 0 && len(none) == 1 && none[0] == "*":
		return hutch.Absent, nil
	case len(match) == 1 && len(none) == 0:
		if rev, ok := untag(match[0]); ok && rev != hutch.Absent {
			return rev, nil
		}
	}
	return "", invalid(`a condition is If-Match with one ETag, or If-None-Match: *`)
}

func deleteFile(c *Call) (any, error) {
	if c.R.Header["If-Match"] != nil || c.R.Header["If-None-Match"] != nil {
		return nil, Problem(http.StatusUnprocessableEntity, "unsupported", "a file cannot be removed under a condition")
	}
	name, err := c.name(c.R.PathValue("path"))
	if err != nil {
		return nil, err
	}
	err = c.Backend.Remove(c.Ctx, name) // also of a link that leads nowhere
	if c.Query.(*deleteQuery).Recursive && errors.Is(err, hutch.ErrIsDir) {
		err = hutch.RemoveAll(c.Ctx, c.Backend, name)
	}
	return nil, err
}

type editIn struct {
	Path  string  `json:"path"`
	Edits []edit  `json:"edits" jsonschema:"Applied one after the other, each to what the one before it made."`
	Rev   *string `json:"rev,omitempty" jsonschema:"Edit only this revision."`
}

type edit struct {
	Old string `json:"old" jsonschema:"The text to replace. It must be there once, or with all at least once."`
	New string `json:"new"`
	All bool   `json:"all,omitempty" jsonschema:"Replace it wherever it is."`
}

type editOut struct {
	File     fileOut `json:"file"`
	Replaced []int   `json:"replaced" jsonschema:"How many places each edit has changed."`
	Diff     string  `json:"diff" jsonschema:"A unified diff of what was changed; empty where it is too long."`
}

// Bounds of the diff of an edit.
const (
	maxDiffed = 4 << 20   // bytes of the file
	maxDiff   = 256 << 10 // bytes of the diff
)

func editFile(c *Call) (any, error) {
	in := c.In.(*editIn)
	name, err := c.name(in.Path)
	if err != nil {
		return nil, err
	}
	var edits []hutch.Edit
	for _, e := range in.Edits {
		edits = append(edits, hutch.Edit{Old: e.Old, New: e.New, All: e.All})
	}
	b := c.Backend
	if in.Rev != nil {
		b = pinned{b, *in.Rev}
	}
	res, err := hutch.EditFile(c.Ctx, b, name, edits)
	if err != nil {
		return nil, editProblem(err)
	}
	out := editOut{File: fileOf(res.Info), Replaced: res.Replaced}
	if len(res.Before) <= maxDiffed && len(res.After) <= maxDiffed {
		out.Diff = diff.Unified(name, string(res.Before), string(res.After))
	}
	if len(out.Diff) > maxDiff {
		out.Diff = ""
	}
	return out, nil
}

// editProblem tells what edits cannot be applied.
func editProblem(err error) error {
	var e *hutch.EditError
	if !errors.As(err, &e) {
		return err
	}
	code := ""
	switch e.Kind {
	case hutch.EditNotFound:
		code = "edit_not_found"
	case hutch.EditAmbiguous:
		code = "edit_ambiguous"
	case hutch.EditNotText:
		code = "unsupported"
	default:
		return err
	}
	return Problem(http.StatusUnprocessableEntity, code, e.Error())
}

// pinned is a backend of which one revision alone can be edited.
type pinned struct {
	hutch.Backend
	rev string
}

// As implements the method that [hutch.As] asks for.
func (p pinned) As(target any) bool {
	t, ok := target.(*hutch.Updater)
	if ok {
		*t = p
	}
	return ok
}

// Update implements [hutch.Updater].
func (p pinned) Update(ctx context.Context, name string, change func([]byte, hutch.Info) ([]byte, error)) (hutch.EditResult, error) {
	return hutch.UpdateFile(ctx, p.Backend, name, func(before []byte, i hutch.Info) ([]byte, error) {
		if i.Rev != p.rev {
			return nil, hutch.ErrConflict // from here it is not tried again
		}
		return change(before, i)
	})
}
