package eino

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/cloudwego/eino/adk/middlewares/plantask"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

// DefaultMaxRead is how many bytes a Read returns at most where BackendOptions
// name no number.
const DefaultMaxRead = 8 << 20

// BackendOptions qualifies NewBackend. The zero value is good.
type BackendOptions struct {
	// SearchHidden lets GrepRaw and GlobInfo look at hidden files.
	SearchHidden bool
	// Gitignore lets them leave out what .gitignore files leave out.
	Gitignore bool
	// MaxRead and MaxMedia are how many bytes Read returns, and how large an image
	// or a document may be for MultiModalRead; 0 is DefaultMaxRead and
	// [tool.DefaultMaxMedia]. More is an error.
	MaxRead, MaxMedia int64
}

// Backend is a workspace as Eino's filesystem.Backend, with MultiModalReader,
// and as the Backend of its plantask middleware. It is safe for concurrent use.
//
// Paths may be absolute or relative to the root of the workspace, which is where
// commands see it ("/workspace"), or "/" where b runs none. Those that it returns
// are absolute, so that every one can be given back as it is. Its errors hold the
// path that was asked for and match those of package hutch; [Mend] makes results
// of them that a model can act on.
type Backend struct {
	b hutch.Backend
	o BackendOptions
}

var (
	_ filesystem.Backend          = (*Backend)(nil)
	_ filesystem.MultiModalReader = (*Backend)(nil)
	_ plantask.Backend            = (*Backend)(nil)
)

// NewBackend gives b to Eino; o may be nil.
func NewBackend(b hutch.Backend, o *BackendOptions) *Backend {
	e := &Backend{b: b}
	if o != nil {
		e.o = *o
	}
	e.o.MaxRead = cmp.Or(e.o.MaxRead, DefaultMaxRead)
	e.o.MaxMedia = cmp.Or(e.o.MaxMedia, tool.DefaultMaxMedia)
	return e
}

// Root is the path of the workspace, to tell the model about.
func (e *Backend) Root() string { return e.path(".") }

func (e *Backend) path(name string) string {
	p := hutch.PathOf(e.b, name)
	switch {
	case strings.HasPrefix(p, "/"):
		return p
	case p == ".":
		return "/"
	}
	return "/" + p
}

// LsInfo lists what is directly in a directory, hidden files too, or the one file
// that the path names. What does not exist is empty, as in Eino's own backend in
// memory: its middlewares list directories before they write into them.
func (e *Backend) LsInfo(ctx context.Context, req *filesystem.LsInfoRequest) ([]filesystem.FileInfo, error) {
	name, err := e.resolve(req.Path)
	if err != nil {
		return nil, err
	}
	top, err := e.b.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, e.failed("list", req.Path, err)
	}
	if !top.IsDir() {
		return []filesystem.FileInfo{e.info(top)}, nil
	}
	var all []filesystem.FileInfo
	for i, err := range e.b.List(ctx, name) {
		if err != nil {
			return nil, e.failed("list", req.Path, err)
		}
		all = append(all, e.info(i))
	}
	return all, nil
}

func (e *Backend) info(i hutch.Info) filesystem.FileInfo {
	f := filesystem.FileInfo{Path: e.path(i.Name), IsDir: i.IsDir(), Size: i.Size}
	if !i.ModTime.IsZero() {
		f.ModifiedAt = i.ModTime.UTC().Format(time.RFC3339Nano)
	}
	return f
}

// Read returns the lines from Offset on, Limit of them or all, without the line
// end of the last one where Limit has cut. Past the end it is empty. A file that
// is not UTF-8 text, or more than MaxRead, is an error.
func (e *Backend) Read(ctx context.Context, req *filesystem.ReadRequest) (*filesystem.FileContent, error) {
	name, err := e.resolve(req.FilePath)
	if err != nil {
		return nil, err
	}
	f, err := e.b.Open(ctx, name)
	if err != nil {
		return nil, e.failed("read", req.FilePath, err)
	}
	defer f.Close()
	out, err := readLines(ctx, f, req.Offset, req.Limit, e.o.MaxRead)
	if err == nil && !utf8.Valid(out) {
		err = fmt.Errorf("%w: not UTF-8 text", fs.ErrInvalid)
	}
	if err != nil {
		return nil, e.failed("read", req.FilePath, err)
	}
	return &filesystem.FileContent{Content: string(out)}, nil
}

// MultiModalRead is Read, but of a png, jpeg, gif or webp file and of a PDF file
// it returns the bytes. What decides is the content, not the name. Only whole
// documents are handed over: Pages match errors.ErrUnsupported.
func (e *Backend) MultiModalRead(ctx context.Context, req *filesystem.MultiModalReadRequest) (*filesystem.MultiFileContent, error) {
	name, err := e.resolve(req.FilePath)
	if err != nil {
		return nil, err
	}
	kind, err := e.kind(ctx, name)
	if err != nil {
		return nil, e.failed("read", req.FilePath, err)
	}
	if kind == "" {
		c, err := e.Read(ctx, &req.ReadRequest)
		if err != nil {
			return nil, err
		}
		return &filesystem.MultiFileContent{FileContent: c}, nil
	}
	if req.Pages != "" {
		return nil, e.failed("read", req.FilePath, fmt.Errorf("%w: single pages; read it without `pages`", errors.ErrUnsupported))
	}
	data, err := e.whole(ctx, name, e.o.MaxMedia)
	if err != nil {
		return nil, e.failed("read", req.FilePath, err)
	}
	p := filesystem.FileContentPart{Type: filesystem.FileContentPartTypePDF, MIMEType: kind, Data: data}
	if isImage(kind) {
		p.Type = filesystem.FileContentPartTypeImage
	}
	return &filesystem.MultiFileContent{Parts: []filesystem.FileContentPart{p}}, nil
}

// kind is the MIME type of a file that a model can look at, or "".
func (e *Backend) kind(ctx context.Context, name string) (string, error) {
	f, err := e.b.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := readLimited(ctx, f, sniffed)
	if err != nil && !errors.Is(err, hutch.ErrTooLarge) {
		return "", err
	}
	switch kind := http.DetectContentType(head); kind {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf":
		return kind, nil
	}
	return "", nil
}

const sniffed = 512 // bytes that http.DetectContentType looks at

func isImage(kind string) bool { return strings.HasPrefix(kind, "image/") }

func (e *Backend) whole(ctx context.Context, name string, most int64) ([]byte, error) {
	f, err := e.b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size := f.Info().Size; size > most {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", hutch.ErrTooLarge, size, most)
	}
	return readLimited(ctx, f, most)
}

// Write makes the file or replaces it, all or nothing, with its parents.
func (e *Backend) Write(ctx context.Context, req *filesystem.WriteRequest) error {
	name, err := e.resolve(req.FilePath)
	if err != nil {
		return err
	}
	_, err = e.b.Write(ctx, name, strings.NewReader(req.Content), nil)
	return e.failed("write", req.FilePath, err)
}

// Edit is one edit of [hutch.EditFile]: edits side by side never lose one, and
// what cannot be applied is an [*hutch.EditError] inside.
func (e *Backend) Edit(ctx context.Context, req *filesystem.EditRequest) error {
	name, err := e.resolve(req.FilePath)
	if err != nil {
		return err
	}
	edit := hutch.Edit{Old: req.OldString, New: req.NewString, All: req.ReplaceAll}
	_, err = hutch.EditFile(ctx, e.b, name, []hutch.Edit{edit})
	return e.failed("edit", req.FilePath, err)
}

// Delete removes one file, for Eino's plantask middleware.
func (e *Backend) Delete(ctx context.Context, req *plantask.DeleteRequest) error {
	name, err := e.resolve(req.FilePath)
	if err != nil {
		return err
	}
	return e.failed("remove", req.FilePath, e.b.Remove(ctx, name))
}

func (e *Backend) resolve(path string) (string, error) {
	name, err := hutch.Resolve(e.b, ".", path)
	return name, e.failed("resolve", path, err)
}

// isText reports whether data is what a search of lines looks at.
func isText(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) < 0
}
