//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// shorthand for the functions that make mutants.
type (
	wopts   = hutch.WriteOptions
	backend = hutch.Backend
)

func writeMutants() []mutant {
	return []mutant{
		{name: "adds a final newline", open: storing(func(d []byte) []byte {
			if len(d) > 0 && d[len(d)-1] != '\n' {
				d = append(d, '\n')
			}
			return d
		}), kills: "Write/Bytes"},
		{name: "stores 4 MiB at most", open: storing(func(d []byte) []byte { return d[:min(len(d), 4*mib)] }), kills: "Write/Large"},
		{name: "returns no revision", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			i, err := s.Write(ctx, n, r, &o)
			i.Rev = ""
			return i, err
		}), kills: "Write/Info Rev/FiftyWrites Edit/Result"},
		{name: "writes over what was there", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			old, _ := hutch.ReadFile(ctx, s, n)
			data, err := io.ReadAll(r)
			if err != nil {
				return hutch.Info{}, err
			}
			return s.Write(ctx, n, bytes.NewReader(append(data, old[min(len(data), len(old)):]...)), &o)
		}), kills: "Write/Replace"},
		{name: "makes no parents", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			if d := path.Dir(n); path.Dir(d) != "." {
				return hutch.Info{}, fail("write", n, fs.ErrNotExist)
			}
			return s.Write(ctx, n, r, &o)
		}), kills: "Write/Parents"},
		{name: "reads once", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			buf := make([]byte, 1<<20)
			k, _ := r.Read(buf)
			return s.Write(ctx, n, bytes.NewReader(buf[:k]), &o)
		}), kills: "Write/Readers"},
		{name: "needs options", open: breaking(func(b *broken) {
			s := b.b
			b.write = func(ctx context.Context, n string, r io.Reader, o *wopts) (hutch.Info, error) {
				given := *o
				return s.Write(ctx, n, r, &given)
			}
		}), kills: "Write/NoOptions"},
		{name: "stores what came before an error", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			data, err := io.ReadAll(r)
			i, e := s.Write(context.WithoutCancel(ctx), n, bytes.NewReader(data), &o)
			return i, errors.Join(err, e)
		}), kills: "Write/FailingReader Cancel/AtTheEnd"},
		{name: "makes the parents before it reads", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			if strings.Contains(n, "/") {
				s.Write(ctx, path.Dir(n)+"/.keep", strings.NewReader(""), nil)
			}
			return s.Write(ctx, n, r, &o)
		}), kills: "Write/FailingReader Write/HiddenUntilDone"},
		{name: "shows its temporary file", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			s.Write(ctx, "tmp", strings.NewReader(""), nil)
			defer s.Remove(ctx, "tmp")
			return s.Write(ctx, n, r, &o)
		}), kills: "Write/HiddenUntilDone"},
		{name: "is locked while it reads", open: breaking(func(b *broken) {
			s := b.b
			var mu sync.Mutex
			b.write = func(ctx context.Context, n string, r io.Reader, o *wopts) (hutch.Info, error) {
				mu.Lock()
				defer mu.Unlock()
				return s.Write(ctx, n, r, o)
			}
		}), kills: "Write/FromItself"},
		{name: "does not look at the context when it writes", open: breaking(func(b *broken) {
			s := b.b
			b.write = func(ctx context.Context, n string, r io.Reader, o *wopts) (hutch.Info, error) {
				return s.Write(context.WithoutCancel(ctx), n, r, o)
			}
		}), kills: "Cancel/BeforeWrite Cancel/WhileWriting Cancel/AtTheEnd"},
		{name: "lets itself be used after Close", open: func(testing.TB) backend { return neverClosed{state.New(nil)} }, kills: "Close/Refuses"},
	}
}

type neverClosed struct{ backend }

func (neverClosed) Close() error { return nil }

// options is a mutant that changes what Write is asked for.
func options(f func(s backend, name string, o *wopts)) func(testing.TB) backend {
	return writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
		f(s, n, &o)
		return s.Write(ctx, n, r, &o)
	})
}

// revs is a mutant with other revisions, which IfRev goes by.
func revs(f func(i hutch.Info) string) func(testing.TB) backend {
	change := func(i hutch.Info) hutch.Info {
		if i.Rev != "" {
			i.Rev = f(i)
		}
		return i
	}
	return func(t testing.TB) backend {
		b := infos(change)(t).(*broken)
		write := b.write
		b.write = func(ctx context.Context, n string, r io.Reader, o *wopts) (hutch.Info, error) {
			if o != nil && o.IfRev != "" && o.IfRev != hutch.Absent {
				mine := *o
				i, err := b.b.Stat(ctx, n)
				if mine.IfRev = i.Rev; err != nil || change(i).Rev != o.IfRev {
					mine.IfRev = "stale"
				}
				o = &mine
			}
			return write(ctx, n, r, o)
		}
		return b
	}
}

func revMutants() []mutant {
	bare := func(s backend, n string) fs.FileMode {
		i, _ := s.Stat(context.Background(), n)
		return i.Mode.Perm()
	}
	size := revs(func(i hutch.Info) string { return "size" + padded(int(i.Size)) })
	return []mutant{
		{name: "makes files private", open: options(func(s backend, n string, o *wopts) {
			if o.Mode == 0 && bare(s, n) == 0 {
				o.Mode = 0o600
			}
		}), kills: "Mode/Default Write/NoOptions"},
		{name: "knows executable and not", open: options(func(_ backend, _ string, o *wopts) {
			if o.Mode.Perm() != 0 {
				o.Mode = 0o644 | o.Mode&0o111
			}
		}), kills: "Mode/Given"},
		{name: "forgets the mode when it replaces", open: options(func(_ backend, _ string, o *wopts) {
			if o.Mode.Perm() == 0 {
				o.Mode = hutch.DefaultMode
			}
		}), kills: "Mode/Kept Edit/Mode"},
		{name: "takes other bits for a mode", open: options(func(_ backend, _ string, o *wopts) {
			if o.Mode != 0 && o.Mode.Perm() == 0 {
				o.Mode = 0o600
			}
		}), kills: "Mode/OtherBits"},
		{name: "has the size for a revision", open: size, kills: "Rev/FiftyWrites Rev/Returns Rev/Removed Rev/Moved IfRev/Stale Parallel/Counter"},
		{name: "writes always", open: options(func(_ backend, _ string, o *wopts) { o.IfRev = "" }),
			kills: "IfRev/Absent IfRev/Stale IfRev/Missing Parallel/Create"},
		{name: "conflicts without saying that the file exists", open: meaning(fs.ErrExist, hutch.ErrConflict), kills: "IfRev/Absent Parallel/Create"},
		{name: "never finds the revision", open: options(func(_ backend, _ string, o *wopts) {
			if o.IfRev != "" && o.IfRev != hutch.Absent {
				o.IfRev += "x"
			}
		}), kills: "IfRev/Match Mode/Kept"},
		{name: "makes a file that a revision was wanted of", open: options(func(s backend, n string, o *wopts) {
			if _, err := s.Stat(context.Background(), n); err != nil && o.IfRev != hutch.Absent {
				o.IfRev = ""
			}
		}), kills: "IfRev/Missing Rev/Removed"},
		{name: "checks the revision before the write, not in it", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			i, err := s.Stat(ctx, n)
			switch {
			case o.IfRev == hutch.Absent && err == nil:
				return i, fail("write", n, errors.Join(hutch.ErrConflict, fs.ErrExist))
			case o.IfRev != "" && o.IfRev != hutch.Absent && i.Rev != o.IfRev:
				return i, fail("write", n, hutch.ErrConflict)
			}
			data, err := io.ReadAll(slowly(r))
			if err != nil {
				return i, err
			}
			o.IfRev = ""
			return s.Write(ctx, n, bytes.NewReader(data), &o)
		}), kills: "Parallel/Create Parallel/Edits Parallel/Counter"},
	}
}

func changeMutants() []mutant {
	return []mutant{
		{name: "removes what begins alike too", open: removing(func(s backend, ctx context.Context, n string) error {
			err := s.Remove(ctx, n)
			if err == nil {
				for i := range hutch.Walk(ctx, s, ".") {
					if len(n) > 2 && strings.HasPrefix(i.Name, n[:len(n)-1]) {
						s.Remove(ctx, i.Name)
					}
				}
			}
			return err
		}), kills: "Remove/File"},
		{name: "removes directories whole", open: removing(func(s backend, ctx context.Context, n string) error {
			err := s.Remove(ctx, n)
			if errors.Is(err, hutch.ErrIsDir) && n != "." {
				return hutch.RemoveAll(ctx, s, n)
			}
			return err
		}), kills: "Remove/Dir Errors/DirWritten"},
		{name: "leaves a mark where something was removed", open: removing(func(s backend, ctx context.Context, n string) error {
			err := s.Remove(ctx, n)
			if err == nil && path.Base(n) != ".gone" {
				hutch.WriteFile(ctx, s, path.Join(path.Dir(n), ".gone"), nil, nil)
			}
			return err
		}), kills: "Remove/Last Remove/Name RemoveAll/Root RemoveAll/Dir"},
		{name: "does not say what cannot be found", open: meaning(fs.ErrNotExist, fs.ErrInvalid), kills: "RemoveAll/Missing RemoveAll/Dir"},
		{name: "copies without the mode", open: infos(func(i hutch.Info) hutch.Info {
			if !i.IsDir() {
				i.Mode = 0o644
			}
			return i
		}), kills: "Copy/File Copy/Replace Move/File Mode/Given"},
		{name: "writes only what is new", open: options(func(_ backend, _ string, o *wopts) {
			if o.IfRev == "" {
				o.IfRev = hutch.Absent
			}
		}), kills: "Copy/Replace Move/Replace Write/Replace"},
		{name: "hides the files below a directory", open: listing(func(dir string, all []hutch.Info) []hutch.Info {
			if strings.Contains(dir, "/") {
				return nil
			}
			return all
		}), kills: "Copy/Dir Copy/Between Move/Dir"},
		{name: "writes a file over a directory", open: writing(func(s backend, ctx context.Context, n string, r io.Reader, o wopts) (hutch.Info, error) {
			if i, err := s.Stat(ctx, n); err == nil && i.IsDir() && n != "." {
				hutch.RemoveAll(ctx, s, n)
			}
			return s.Write(ctx, n, r, &o)
		}), kills: "Copy/Refused Move/Refused Errors/DirWritten"},
		{name: "moves what it should leave", open: moving(func(b backend, ctx context.Context, from, to string) error {
			return hutch.Copy(ctx, b, to, b, from)
		}), kills: "Move/File Move/Replace Move/Dir Speeds/Move"},
		{name: "loses a name that is moved to itself", open: moving(func(b backend, ctx context.Context, from, to string) error {
			if from != to {
				return hutch.Move(ctx, b, from, to)
			}
			return hutch.RemoveAll(ctx, b, from)
		}), kills: "Move/Itself Speeds/Move"},
		{name: "moves over a directory", open: moving(func(b backend, ctx context.Context, from, to string) error {
			if err := hutch.RemoveAll(ctx, b, to); err != nil {
				return err
			}
			return hutch.Move(ctx, b, from, to)
		}), kills: "Move/Refused Speeds/Move"},
		{name: "keeps the revision of the name that is moved onto", open: keepsRevs, kills: "Rev/Moved"},
	}
}

// keepsRevs is a mutant with a counter for each name that only writes count.
func keepsRevs(t testing.TB) backend {
	var mu sync.Mutex
	count := map[string]int{}
	b := revs(func(i hutch.Info) string {
		mu.Lock()
		defer mu.Unlock()
		return padded(count[i.Name])
	})(t).(*broken)
	write := b.write
	b.write = func(ctx context.Context, n string, r io.Reader, o *wopts) (hutch.Info, error) {
		if _, err := write(ctx, n, r, o); err != nil {
			return hutch.Info{}, err
		}
		mu.Lock()
		count[n]++
		mu.Unlock()
		return b.stat(ctx, n)
	}
	b.as = func(target any) bool {
		r, ok := target.(*hutch.Renamer)
		if ok {
			*r = renameSpeed(func(ctx context.Context, from, to string) error { return hutch.Move(ctx, b.b, from, to) })
		}
		return ok
	}
	return b
}
