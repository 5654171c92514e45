package tool

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
)

// magics are what files of some kinds begin with.
var magics = []struct {
	at          int
	magic, kind string
}{
	{0, "\x89PNG\r\n\x1a\n", "image/png"},
	{0, "\xff\xd8\xff", "image/jpeg"},
	{0, "GIF87a", "image/gif"},
	{0, "GIF89a", "image/gif"},
	{8, "WEBP", "image/webp"},
	{0, "%PDF-", "application/pdf"},
	{0, "PK\x03\x04", "application/zip"},
	{0, "\x1f\x8b", "application/gzip"},
	{0, "BZh", "application/x-bzip2"},
	{0, "\xfd7zXZ\x00", "application/x-xz"},
	{0, "\x28\xb5\x2f\xfd", "application/zstd"},
	{257, "ustar", "application/x-tar"},
	{0, "\x7fELF", "application/x-executable"},
	{0, "\xcf\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "MZ", "application/vnd.microsoft.portable-executable"},
	{0, "\x00asm", "application/wasm"},
	{0, "SQLite format 3\x00", "application/vnd.sqlite3"},
	{4, "ftyp", "video/mp4"},
	{0, "OggS", "audio/ogg"},
	{0, "ID3", "audio/mpeg"},
	{0, "RIFF", "audio/x-wav"},
	{0, "\xff\xfe", "text in UTF-16"},
	{0, "\xfe\xff", "text in UTF-16"},
}

// kindOfFile is the type of a file that is no text, as a MIME type or in words;
// "" is text: a file without a NUL byte in its first bytes that is no image and
// no PDF. What decides is the content, never the name.
func kindOfFile(head []byte) string {
	binary := bytes.IndexByte(head, 0) >= 0
	for _, m := range magics {
		if len(head) < m.at+len(m.magic) || string(head[m.at:m.at+len(m.magic)]) != m.magic {
			continue
		}
		if binary || isImage(m.kind) || m.kind == pdf {
			return m.kind
		}
	}
	if binary {
		return "application/octet-stream"
	}
	return ""
}

const pdf = "application/pdf"

func isImage(kind string) bool { return strings.HasPrefix(kind, "image/") }

// readMedia hands over an image or a document, and names anything else.
func (c *console) readMedia(ctx context.Context, name, kind string, info hutch.Info, r *bufio.Reader) (answer[none], error) {
	limit, what := int64(0), ""
	switch {
	case isImage(kind) && c.o.Images:
		limit, what = c.o.MaxImage, "Image"
	case kind == pdf && c.o.Documents:
		limit, what = c.o.MaxDocument, "Document"
	default:
		return answer[none]{}, mistakef("'%s' is a binary file (%s, %d bytes), which cannot be shown as text.", c.path(name), kind, info.Size)
	}
	if info.Size > limit {
		return answer[none]{}, c.tooLarge(what, name, info.Size, limit)
	}
	data, err := readAll(ctx, r, info.Size)
	if err != nil {
		return answer[none]{}, err
	}
	return answer[none]{
		text:  fmt.Sprintf("%s %s (%s, %d bytes)", what, c.path(name), kind, len(data)),
		media: []Media{{Type: kind, Path: hutch.PathOf(c.b, name), Data: data}},
	}, nil
}

func (c *console) tooLarge(what, name string, size, limit int64) error {
	const mb = 1 << 20
	return mistakef("%s '%s' too large (%.1fMB, max %.1fMB).", what, c.path(name), float64(size)/mb, float64(limit)/mb)
}
