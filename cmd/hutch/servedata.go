package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/server"
)

// serveData is the folder in which a service keeps its sessions, its alone as
// long as it runs.
type serveData struct {
	dir     string
	lock    *os.File
	key     []byte // signs session tokens
	records *local.Sandbox
}

// defaultData is where sessions are kept where nobody says otherwise.
func defaultData() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hutch", "serve"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", usagef("serve: --data names no folder, and there is no home: %v", err)
	}
	return filepath.Join(home, ".local", "state", "hutch", "serve"), nil
}

// within reports whether dir, which need not be there yet, is one of these folders or
// below one.
func within(dir string, folders []string) bool {
	at, err := filepath.Abs(dir)
	if err != nil {
		return true
	}
	for { // the part of it that is there
		if real, err := filepath.EvalSymlinks(at); err == nil {
			at = real
			break
		}
		at = filepath.Dir(at)
	}
	for {
		here, err := os.Stat(at)
		for _, f := range folders {
			if i, err2 := os.Stat(f); err != nil || err2 != nil || os.SameFile(here, i) {
				return true
			}
		}
		up := filepath.Dir(at)
		if up == at {
			return false
		}
		at = up
	}
}

// openServeData opens the folder, and makes it for its owner alone.
func openServeData(dir string) (*serveData, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	records := filepath.Join(dir, "sessions")
	if err := os.MkdirAll(records, 0o700); err != nil {
		return nil, fmt.Errorf("--data %s: %w", dir, bare(err))
	}
	d := &serveData{dir: dir}
	if err := d.open(records); err != nil {
		return nil, errors.Join(fmt.Errorf("--data %s: %w", dir, bare(err)), d.close())
	}
	return d, nil
}

func (d *serveData) open(records string) (err error) {
	if d.lock, err = os.OpenFile(filepath.Join(d.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if ours, err := tryLock(d.lock); err != nil || !ours {
		return errors.New("another hutch serve has its sessions there")
	}
	if d.key, err = signingKey(filepath.Join(d.dir, "key")); err != nil {
		return fmt.Errorf("key: %w", bare(err))
	}
	d.records, err = local.Open(records, nil)
	return err
}

// signingKey is the key in a file, made where there is none.
func signingKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err == nil && len(key) < 32 {
		return nil, errors.New("it is too short; without the file a new one is made, and session tokens are worthless")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	next := file + ".new"
	if err := os.WriteFile(next, key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(next, file)
}

func (d *serveData) close() error {
	var err error
	if d.records != nil {
		err = d.records.Close()
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// serviceTokens are those in a file: one a line, with expires=TIME and name=NAME
// after it where they are wanted. Lines that begin with "#" are for people.
func serviceTokens(file string) ([]server.Token, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", file, bare(err))
	}
	var all []server.Token
	for n, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		t := server.Token{Value: fields[0]}
		for _, f := range fields[1:] {
			if err := setToken(&t, f); err != nil {
				return nil, fmt.Errorf("token file %s, line %d: %w", file, n+1, err)
			}
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("token file %s holds no token", file)
	}
	return all, nil
}

// setToken takes one word after a token.
func setToken(t *server.Token, word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch {
	case key == "name" && value != "":
		t.Name = value
	case key == "expires":
		if t.Expires, err = time.Parse(time.RFC3339, value); err != nil {
			return fmt.Errorf("expires is a time like %s", time.Now().UTC().AddDate(0, 1, 0).Format(time.RFC3339))
		}
	default:
		return errors.New("after the token there may be expires=TIME and name=NAME, and nothing else")
	}
	return nil
}
