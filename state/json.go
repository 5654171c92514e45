package state

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// Version is the version of the document that [Backend.Save] writes.
const Version = 1

// document is the form of one file in a document.
type document struct {
	Content  string     `json:"content"`
	Encoding string     `json:"encoding,omitempty"`
	Mode     string     `json:"mode,omitempty"`
	Modified *time.Time `json:"modified_at,omitempty"`
}

// MarshalJSON returns the document that [Backend.Save] writes.
func (b *Backend) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	err := b.Save(&buf)
	return buf.Bytes(), err
}

// Save writes the content as one JSON document, as it is at the moment of the
// call:
//
//	{"version":1,"files":{"src/a.go":{"content":"package a\n","modified_at":"2026-01-02T03:04:05.678Z"}}}
//
// Equal files make equal documents: names are in the byte order of Walk, and
// no space is added. Content that is UTF-8 without NUL bytes, which databases
// refuse, is text, any other is marked "encoding":"base64". A "mode", octal, is
// there where it is not that of a new file. Revisions are left out.
func (b *Backend) Save(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `{"version":%d,"files":{`, Version)
	sep := ""
	b.load().top.walk(".", func(name string, f *file) bool {
		out.WriteString(sep)
		out.Write(encode(name))
		out.WriteByte(':')
		_, err := out.Write(encode(f.document()))
		sep = ","
		return err == nil
	})
	out.WriteString("}}")
	return out.Flush()
}

func (f *file) document() document {
	d := document{Content: string(f.data)}
	if !utf8.Valid(f.data) || bytes.IndexByte(f.data, 0) >= 0 {
		d.Content, d.Encoding = base64.StdEncoding.EncodeToString(f.data), "base64"
	}
	if f.mode != hutch.DefaultMode {
		d.Mode = strconv.FormatUint(uint64(f.mode), 8)
	}
	if !f.mtime.IsZero() {
		d.Modified = &f.mtime
	}
	return d
}

// encode is json.Marshal of a string or a document, neither of which can fail,
// without the escapes that only HTML asks for.
func encode(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("state: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// UnmarshalJSON is [Backend.Load] of data.
func (b *Backend) UnmarshalJSON(data []byte) error { return b.Load(bytes.NewReader(data)) }

// Load replaces the content by that of a document, in one step. It takes what
// Save writes and the documents of the StateBackend of pydantic-ai-backend:
//
//	{"/src/a.py": {"content": ["line", "line"], "modified_at": "2026-01-02T03:04:05.678901+00:00"}}
//
// where "content" holds the lines of a text or, with "encoding":"base64", one
// chunk; "created_at" is dropped.
//
// A document that is not quite right (a name that [hutch.CheckName] refuses, a
// name or key that comes twice, a file where a directory must be, an unknown
// key, a string that is not Unicode, anything after its end) is an error that
// matches fs.ErrInvalid, one over the limits [hutch.ErrTooLarge]; then nothing
// changes. Load holds the whole document in memory: bound r where it comes from
// others.
func (b *Backend) Load(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("state: load: %w", err)
	}
	l := loader{limits: &b.limits}
	if err := l.load(data); err != nil {
		return fmt.Errorf("state: load: %w", err)
	}
	b.now.Store(&l.v)
	return nil
}

// contentRev is the revision of a file that was loaded.
func contentRev(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256." + hex.EncodeToString(sum[:16])
}

var errDocument = fmt.Errorf("%w document", fs.ErrInvalid)
