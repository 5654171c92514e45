package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

// remembered is an answer that is good for ever: for what was asked about, in the
// workspace and under the policy where it was asked.
type remembered struct {
	Backend string `json:"backend"`
	Policy  string `json:"policy"`
	policy.Approval
}

// id names an answer for hutch policy forget.
func (r *remembered) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", r.Backend, r.Policy, r.Op, r.Name, r.Args))
	return hex.EncodeToString(sum[:5])
}

// book is the file of such answers, one JSON object a line. What cannot be read in
// it approves nothing.
type book struct {
	file            string
	backend, policy string // what it is asked about

	mu   sync.Mutex
	seen fs.FileInfo // of the file that known was read from
	here []policy.Approval
}

// bookFile is the file that the config file names, else one in the user's
// directory of configurations; "" where there is to be none.
func (c *config) bookFile() string {
	switch c.Remember {
	case noPolicy:
		return ""
	case "":
		dir, err := os.UserConfigDir()
		if err != nil {
			return ""
		}
		return filepath.Join(dir, "hutch", "remembered")
	}
	return inDir(c.dir, c.Remember)
}

// book is that of a workspace under a policy; nil where nothing is remembered.
// Inside of the workspace, who is asked about could write the answers.
func (w *workspace) book(r *rules) (*book, error) {
	file := w.cfg.bookFile()
	if file == "" || w.id == "" {
		return nil, nil
	}
	for _, dir := range w.dirs {
		switch in, err := inside(file, dir); {
		case in && w.cfg.Remember == "":
			return nil, nil
		case in:
			return nil, usagef("remember: %s is inside of the workspace, which could write its own answers", w.cfg.Remember)
		case err != nil:
			return nil, fmt.Errorf("remember: %w", bare(err))
		}
	}
	b := &book{file: file, backend: w.id, policy: r.name}
	if strings.ContainsAny(r.name, `/\.`) {
		b.policy = absolute(r.name)
	}
	return b, b.read()
}

// inside reports whether a file is, or would be, below a directory.
func inside(file, dir string) (bool, error) {
	at, err := realPath(file)
	if err != nil {
		return true, err
	}
	if dir, err = realPath(dir); err != nil {
		return true, err
	}
	rel, err := filepath.Rel(dir, at)
	return err == nil && filepath.IsLocal(rel), nil
}

// realPath is a path without links, of which the end may not be there yet.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	there, err := filepath.EvalSymlinks(path)
	parent := filepath.Dir(path)
	if !errors.Is(err, fs.ErrNotExist) || parent == path {
		return there, err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is a link that leads nowhere", path)
	}
	parent, err = realPath(parent)
	return filepath.Join(parent, filepath.Base(path)), err
}

// absolute is a path as it is seen from everywhere.
func absolute(path string) string {
	if real, err := realPath(path); err == nil {
		return real
	}
	return path
}

// recall reports whether a is in the book. The file is looked at every time:
// what is forgotten is asked about again at once.
func (b *book) recall(a policy.Approval) bool { return b.has(a.Equal) }

// recalls reports whether there is anything of op in the book.
func (b *book) recalls(op guard.Op) bool {
	return b.has(func(a policy.Approval) bool { return a.Op == op })
}

func (b *book) has(what func(policy.Approval) bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read() == nil && slices.ContainsFunc(b.here, what)
}

// read reads the file if it is another one than before.
func (b *book) read() error {
	info, err := os.Stat(b.file)
	if errors.Is(err, fs.ErrNotExist) {
		b.seen, b.here = nil, nil
		return nil
	}
	if err == nil && b.seen != nil && os.SameFile(info, b.seen) && info.Size() == b.seen.Size() && info.ModTime().Equal(b.seen.ModTime()) {
		return nil
	}
	b.seen, b.here = nil, nil
	all, err := readBook(b.file)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Backend == b.backend && all[i].Policy == b.policy {
			b.here = append(b.here, all[i].Approval)
		}
	}
	b.seen = info
	return nil
}

// canRemember reports whether a can be written down as it is, and should be: the
// values of variables are often secrets.
func (b *book) canRemember(a policy.Approval) bool {
	for _, s := range append([]string{a.Name, b.backend, b.policy}, a.Args...) {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return len(a.Env) == 0
}

// remember adds a to the file.
func (b *book) remember(ctx context.Context, a policy.Approval) error {
	if !b.canRemember(a) {
		return errors.New("this is not remembered")
	}
	if err := os.MkdirAll(filepath.Dir(b.file), 0o700); err != nil {
		return bare(err)
	}
	return changeBook(ctx, b.file, func(all []remembered) []remembered {
		return append(all, remembered{b.backend, b.policy, a})
	})
}

// readBook reads all answers. A file that is not there has none.
func readBook(file string) ([]remembered, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remembered answers %s: %w", file, bare(err))
	}
	var all []remembered
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		r, err := parseRemembered(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("remembered answers %s:%d: %w", file, n, err)
		}
		all = append(all, r)
	}
	return all, lines.Err()
}

// parseRemembered reads one answer, whole and nothing else.
func parseRemembered(line []byte) (r remembered, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, errors.New("it is no answer that hutch has written")
	}
	if _, err := d.Token(); err != io.EOF || r.Backend == "" || r.Policy == "" || r.Op == "" || r.Name == "" {
		return r, errors.New("it is no answer that hutch has written")
	}
	return r, nil
}

// changeBook replaces the answers in a file, under its lock.
func changeBook(ctx context.Context, file string, change func([]remembered) []remembered) error {
	unlock, err := lock(ctx, file+".lock")
	if err != nil {
		return fmt.Errorf("lock of %s: %w", file, bare(err))
	}
	defer unlock()
	all, err := readBook(file)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	written := map[string]bool{}
	for _, r := range change(all) {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if !written[string(line)] {
			text.Write(append(line, '\n'))
		}
		written[string(line)] = true
	}
	if err := replaceFile(file, &text, 0o600); err != nil {
		return fmt.Errorf("remembered answers %s: %w", file, bare(err))
	}
	return nil
}
