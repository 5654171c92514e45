package state

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// loader builds a version from a document. It reads token by token, because
// json.Unmarshal takes the last of two equal keys and any case of a key.
type loader struct {
	dec    *json.Decoder
	limits *Options
	v      version
}

func (l *loader) load(data []byte) error {
	if err := lossless(data); err != nil {
		return err
	}
	l.dec = json.NewDecoder(bytes.NewReader(data))
	l.dec.UseNumber()
	var version, files, foreign bool
	err := l.object(func(key string) error {
		switch {
		case key == "version" && !foreign:
			version = true
			return l.version()
		case key == "files" && !foreign: // may come first: databases sort keys as they like
			files = true
			return l.object(func(name string) error { return l.file(name, (*fields).own) })
		case version || files:
			return bad("unknown key %q", key)
		}
		foreign = true
		return l.file(strings.TrimPrefix(key, "/"), (*fields).original)
	})
	if err != nil {
		return err
	}
	if version != files {
		return bad("\"version\" and \"files\" go together")
	}
	if _, err := l.dec.Token(); err != io.EOF {
		return bad("something follows its end")
	}
	return nil
}

func (l *loader) version() error {
	t, err := l.dec.Token()
	if err != nil {
		return syntax(err)
	}
	if t != json.Number(strconv.Itoa(Version)) {
		return bad("version %v, this program reads %d", t, Version)
	}
	return nil
}

// object reads an object and calls value for each key to read its value.
func (l *loader) object(value func(key string) error) error {
	if t, err := l.dec.Token(); err != nil || t != json.Delim('{') {
		if err != nil {
			return syntax(err)
		}
		return bad("%v where an object should be", t)
	}
	seen := map[string]bool{}
	for l.dec.More() {
		t, err := l.dec.Token()
		if err != nil {
			return syntax(err)
		}
		key := t.(string) // the decoder lets nothing else be a key
		if seen[key] {
			return bad("%q comes twice", key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	_, err := l.dec.Token()
	return syntax(err)
}

// file reads one file and puts it under name.
func (l *loader) file(name string, content func(*fields) ([]byte, error)) error {
	if err := hutch.CheckName("load", name); err != nil {
		return err
	}
	fail := func(err error) error { return &fs.PathError{Op: "load", Path: name, Err: err} }
	if name == "." {
		return fail(bad("the root is a directory"))
	}
	f := fields{mode: hutch.DefaultMode}
	if err := l.object(func(key string) error { return l.field(&f, key) }); err != nil {
		return fail(err)
	}
	data, err := content(&f)
	if err == nil {
		err = l.limits.fitsFile(int64(len(data)))
	}
	if err != nil {
		return fail(err)
	}
	if e, err := l.v.top.get(name); err == nil && !e.isDir() {
		return fail(bad("the name comes twice"))
	}
	v, err := l.limits.put(l.v, name, &file{data: data, mode: f.mode, mtime: f.mtime, rev: contentRev(data)}, nil)
	if errors.Is(err, hutch.ErrIsDir) || errors.Is(err, hutch.ErrNotDir) {
		return fail(fmt.Errorf("%w: a file and a directory: %w", errDocument, err))
	}
	if err != nil {
		return fail(err)
	}
	l.v = v
	return nil
}

// fields is what a document says of one file.
type fields struct {
	text     *string   // the form of Save
	lines    *[]string // the original's form
	encoding string
	mode     fs.FileMode
	mtime    time.Time
}

func (l *loader) field(f *fields, key string) error {
	switch key {
	case "content":
		var raw json.RawMessage
		if err := l.dec.Decode(&raw); err != nil {
			return syntax(err)
		}
		if raw[0] != '[' {
			return decode(raw, &f.text)
		}
		return f.readLines(raw)
	case "encoding", "mode", "modified_at", "created_at":
		t, err := l.dec.Token()
		if err != nil {
			return syntax(err)
		}
		s, ok := t.(string)
		if !ok {
			return bad("%q is not a string", key)
		}
		return f.set(key, s)
	}
	return bad("unknown key %q", key)
}

// readLines reads an array in which null, which json would take for an empty
// string, is an error.
func (f *fields) readLines(raw json.RawMessage) error {
	var all []*string
	if err := decode(raw, &all); err != nil {
		return err
	}
	lines := make([]string, len(all))
	for i, s := range all {
		if s == nil {
			return bad("null in \"content\"")
		}
		lines[i] = *s
	}
	f.lines = &lines
	return nil
}

func (f *fields) set(key, s string) error {
	switch key {
	case "encoding":
		if s != "base64" {
			return bad("unknown encoding %q", s)
		}
		f.encoding = s
	case "mode":
		m, err := strconv.ParseUint(s, 8, 32)
		if err != nil || m > 0o777 {
			return bad("%q is not the permission bits of a file", s)
		}
		f.mode = fs.FileMode(m)
	case "modified_at":
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			// The original writes times without a zone, too.
			t, err = time.Parse("2006-01-02T15:04:05.999999999", s)
		}
		if err != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
			return bad("%q is not a time", s)
		}
		f.mtime = t.UTC()
	}
	return nil
}

func (f *fields) own() ([]byte, error) {
	if f.text == nil {
		return nil, bad("no text as \"content\"")
	}
	return f.bytes(*f.text)
}

func (f *fields) original() ([]byte, error) {
	if f.lines == nil {
		return nil, bad("no list of lines as \"content\"")
	}
	if f.encoding != "" {
		return f.bytes(strings.Join(*f.lines, ""))
	}
	return f.bytes(strings.Join(*f.lines, "\n"))
}

func (f *fields) bytes(s string) ([]byte, error) {
	if f.encoding == "" {
		return []byte(s), nil
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	return data, nil
}

// lossless refuses what the decoder would replace by U+FFFD without a word:
// bytes that are not UTF-8, and halves of surrogate pairs.
func lossless(data []byte) error {
	if !utf8.Valid(data) {
		return bad("not UTF-8")
	}
	for i := bytes.IndexByte(data, '\\'); i >= 0 && i+1 < len(data); {
		high := surrogate(data[i:])
		switch {
		case high == 0:
			i += 2
		case high < 0xdc00 && surrogate(data[i+6:]) >= 0xdc00:
			i += 12
		default:
			return bad("half of a surrogate pair")
		}
		next := bytes.IndexByte(data[min(i, len(data)):], '\\')
		if next < 0 {
			return nil
		}
		i += next
	}
	return nil
}

// surrogate is the surrogate that data begins with as an escape, or 0.
func surrogate(data []byte) uint64 {
	if len(data) < 6 || data[1] != 'u' || data[0] != '\\' {
		return 0
	}
	u, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil || u < 0xd800 || u > 0xdfff {
		return 0
	}
	return u
}

func decode(raw json.RawMessage, to any) error {
	return syntax(json.Unmarshal(raw, to))
}

func syntax(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errDocument, err)
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDocument, fmt.Sprintf(format, args...))
}
