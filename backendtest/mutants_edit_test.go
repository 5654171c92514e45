//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/hutch-dev/hutch"
)

func editMutants() []mutant {
	edit := func(f func(edits []hutch.Edit)) func(*functions) {
		return func(do *functions) {
			do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (hutch.EditResult, error) {
				mine := append([]hutch.Edit(nil), edits...)
				f(mine)
				return hutch.EditFile(ctx, b, n, mine)
			}
		}
	}
	each := func(do *functions) {
		do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (res hutch.EditResult, err error) {
			for _, e := range edits {
				if res, err = hutch.EditFile(ctx, b, n, []hutch.Edit{e}); err != nil {
					return res, err
				}
			}
			return res, nil
		}
	}
	failed := func(f func(e *hutch.EditError)) func(*functions) {
		return func(do *functions) {
			do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (hutch.EditResult, error) {
				res, err := hutch.EditFile(ctx, b, n, edits)
				if e := (*hutch.EditError)(nil); errors.As(err, &e) {
					f(e)
				}
				return res, err
			}
		}
	}
	return []mutant{
		{name: "replaces all", do: edit(func(es []hutch.Edit) {
			for i := range es {
				es[i].All = true
			}
		}), kills: "Edit/Ambiguous Edit/AllOrNone"},
		{name: "replaces one", do: edit(func(es []hutch.Edit) {
			for i := range es {
				es[i].All = false
			}
		}), kills: "Edit/All"},
		{name: "unescapes", do: edit(func(es []hutch.Edit) {
			for i := range es {
				es[i].New = strings.ReplaceAll(es[i].New, `\t`, "\t")
			}
		}), kills: "Edit/Once"},
		{name: "applies the edits one by one", do: each, kills: "Edit/AllOrNone Edit/Several"},
		{name: "applies the first edit only", do: func(do *functions) {
			do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (hutch.EditResult, error) {
				return hutch.EditFile(ctx, b, n, edits[:1])
			}
		}, kills: "Edit/Several Edit/AllOrNone"},
		{name: "stores LF for CRLF", open: storing(func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\r\n"), []byte("\n")) }),
			kills: "Edit/LineEnds Write/Bytes"},
		{name: "tells no lines", do: failed(func(e *hutch.EditError) { e.Lines = nil }), kills: "Edit/Ambiguous"},
		{name: "tells no near miss", do: failed(func(e *hutch.EditError) { e.Near = nil }), kills: "Edit/NotFound"},
		{name: "takes every failure for not found", do: failed(func(e *hutch.EditError) { e.Kind = hutch.EditNotFound }),
			kills: "Edit/Senseless Edit/NotText Edit/Ambiguous"},
		{name: "makes text of what is none", open: storing(func(d []byte) []byte { return bytes.ToValidUTF8(d, []byte("?")) }), kills: "Edit/NotText Write/Bytes"},
		{name: "returns the old version", do: func(do *functions) {
			do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (hutch.EditResult, error) {
				i, _ := b.Stat(ctx, n)
				res, err := hutch.EditFile(ctx, b, n, edits)
				res.Info = i
				return res, err
			}
		}, kills: "Edit/Result"},
		{name: "edits what is too large", do: func(do *functions) {
			do.edit = func(ctx context.Context, b backend, n string, edits []hutch.Edit) (hutch.EditResult, error) {
				return hutch.EditFile(ctx, b.(huge).Backend, n, edits)
			}
		}, kills: "Edit/TooLarge"},
	}
}
