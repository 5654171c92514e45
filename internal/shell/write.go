package shell

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

func (v view) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	s := v.s
	if err := s.begin(ctx, "write", name); err != nil {
		return hutch.Info{}, err
	}
	defer s.end()
	var o hutch.WriteOptions
	if opts != nil {
		o = *opts
	}
	if name == "." {
		return hutch.Info{}, fail("write", name, hutch.ErrIsDir)
	}
	n, err := v.write(ctx, name, r, o)
	if err != nil {
		return hutch.Info{}, fail("write", name, err)
	}
	return n.info(name), nil
}

func (v view) write(ctx context.Context, name string, r io.Reader, o hutch.WriteOptions) (node, error) {
	if r == nil {
		r = strings.NewReader("")
	}
	head, err := io.ReadAll(io.LimitReader(&checked{ctx: ctx, r: r}, small+1))
	if err != nil {
		return node{}, err
	}
	if len(head) > small {
		return v.writeLarge(ctx, name, head, r, o)
	}
	if err := ctx.Err(); err != nil {
		return node{}, err
	}
	form, content := "text", string(head)
	if !plain(head) {
		form, content = "base64", base64.StdEncoding.EncodeToString(head)
	}
	return v.commit(ctx, "write", name, o, int64(len(head)), form, content)
}

// plain reports whether a shell stores b as it is: text without control
// characters, which spares a process.
func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(b)
}

// commit gives content its name, if IfRev allows it. From here on the end of
// ctx undoes nothing: the step has been made or not, and what the shell says of
// it is the answer.
func (v view) commit(ctx context.Context, function, name string, o hutch.WriteOptions, size int64, last ...string) (node, error) {
	mode := ""
	if m := o.Mode.Perm(); m != 0 {
		mode = strconv.FormatUint(uint64(m), 8)
	}
	args := append([]string{name, o.IfRev, mode, strconv.FormatInt(size, 10)}, last...)
	a, err := v.s.replace(ctx, v.way(function), name, o.IfRev, args)
	if err != nil {
		return node{}, err
	}
	if a.word != "ok" {
		return node{}, a.err()
	}
	n, err := a.one()
	if err == nil && size <= small {
		v.s.known.keep(v.key(name), n.rev)
	}
	return n, err
}

// writeLarge gives content of any size to a process of its own, which puts it
// into a staged file.
func (v view) writeLarge(ctx context.Context, name string, head []byte, r io.Reader, o hutch.WriteOptions) (n node, err error) {
	s := v.s
	s.pool.change()
	a, err := s.pool.ask(ctx, false, "stage")
	if err != nil {
		return node{}, err
	}
	if a.word != "ok" {
		return node{}, a.err()
	}
	file := a.rest
	defer func() {
		if err != nil { // ctx may have ended; what is staged goes all the same
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			s.pool.ask(ctx, false, "drop", file)
		}
	}()
	size, err := s.pour(ctx, path.Join(s.opts.Root, staging, file), head, r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return node{}, err
	}
	return v.commit(ctx, "commit", name, o, size, file)
}

// pourScript writes to a file that is there already, and says nothing but the
// last words of what goes wrong.
const pourScript = `[ -f "$1" ] || exit 3; e=$({ cat >"$1"; } 2>&1) && exit 0; printf %s "${e##*: }" >&2; exit 1`

// pour writes head and then what r gives to a file.
func (s *Sandbox) pour(ctx context.Context, file string, head []byte, r io.Reader) (int64, error) {
	p, err := s.pool.host.Start(ctx, []string{"sh", "-c", pourScript, "sh", file}, StartOptions{Dir: "/", Env: servingEnv(s.opts.Env), Stdin: true})
	if err != nil {
		return 0, err
	}
	defer p.Close()
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	go io.Copy(io.Discard, p)
	said := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(p.Stderr(), 1<<10))
		said <- string(b)
	}()
	src := &checked{ctx: ctx, r: r}
	n, err := p.Write(head)
	size := int64(n)
	if err == nil {
		var more int64
		more, err = io.Copy(struct{ io.Writer }{p}, src)
		size += more
	}
	if e := p.CloseWrite(); err == nil {
		err = e
	}
	// Also after an error: until it has ended it might make the file anew.
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	code, werr := p.Wait(wait)
	switch {
	case src.err != nil: // the reader's, not that of the process
		return 0, src.err
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case werr == nil && code == 1:
		return 0, spoken(<-said)
	case err != nil || werr != nil || code != 0:
		return 0, errGone
	}
	return size, nil
}

// spoken is what the last words of a program mean.
func spoken(text string) error {
	switch {
	case strings.HasPrefix(text, "No space left"), strings.Contains(text, "uota exceeded"), strings.HasPrefix(text, "File too large"):
		return words["full"]
	case strings.HasPrefix(text, "Permission denied"), strings.HasPrefix(text, "Read-only"):
		return words["denied"]
	}
	return errors.New("writing failed in the sandbox")
}

// checked is a reader that looks at a context, and that keeps the error of what
// it reads from.
type checked struct {
	ctx   context.Context
	r     io.Reader
	empty int
	err   error
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

func (c *checked) read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if n < 0 || n > len(p) {
		return 0, errors.New("reader returned an impossible count")
	}
	if n > 0 || err != nil {
		c.empty = 0
	} else if c.empty++; c.empty == 100 {
		return 0, io.ErrNoProgress
	}
	return n, err
}
