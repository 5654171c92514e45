package iofs

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
)

// info describes what is at the name at, which holds no link. It reads the
// content only where the revision cannot be had without.
func (b *backend) info(ctx context.Context, name, at string, i fs.FileInfo) (hutch.Info, error) {
	info := describe(name, i)
	if info.IsDir() {
		return info, nil
	}
	rev, final := b.cheapRev(at, i)
	if !final && i.Mode().IsRegular() {
		sum, err := b.hash(ctx, at)
		if err != nil {
			return hutch.Info{}, err
		}
		rev = joined(rev, sum)
		b.remember(at, rev)
	}
	info.Rev = rev
	if info.Rev == "" {
		info.Rev = "irregular" // a link, a pipe: its content is not in this backend
	}
	return info, nil
}

func describe(name string, i fs.FileInfo) hutch.Info {
	if i.IsDir() {
		return hutch.Info{Name: name, Mode: i.Mode(), ModTime: i.ModTime()}
	}
	return hutch.Info{Name: name, Size: i.Size(), Mode: i.Mode(), ModTime: i.ModTime()}
}

// cheapRev is the revision as far as it is known without the content, and
// whether that is all of it.
func (b *backend) cheapRev(at string, i fs.FileInfo) (rev string, final bool) {
	if b.fixed != nil {
		if rev, ok := b.fixed.Load(at); ok {
			return rev.(string), true
		}
		return "", false
	}
	if h, ok := i.Sys().(*zip.FileHeader); ok {
		return fmt.Sprintf("crc.%08x.%x", h.CRC32, h.UncompressedSize64), true
	}
	changed, id, ok := kernel(i)
	if !ok {
		return "", false
	}
	rev = fmt.Sprintf("stat.%x.%x.%x.%s", i.Size(), i.ModTime().UnixNano(), changed.UnixNano(), id)
	return rev, time.Since(changed) > b.recent
}

func (b *backend) remember(at, rev string) {
	if b.fixed != nil {
		b.fixed.Store(at, rev)
	}
}

// joined is a revision made of what the kernel says and of a hash.
func joined(rev, sum string) string {
	if rev == "" {
		return sum
	}
	return rev + "." + sum
}

func (b *backend) hash(ctx context.Context, at string) (string, error) {
	f, err := b.fsys.Open(at)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, reader{ctx, f}); err != nil {
		return "", err
	}
	return sumRev(h.Sum(nil)), nil
}

func sumRev(sum []byte) string { return "sha256." + hex.EncodeToString(sum[:16]) }

// reader is a reader that ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
