package mcpserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	maxKept     = 256      // links that can be followed, the latest
	maxResource = 16 << 20 // bytes that are sent of one
)

// keep makes a link to output that was kept; nil where it could not be followed.
// The link, and nothing else, is what resources/read takes.
func (t *conversation) keep(k tool.Kept) *mcp.ResourceLink {
	s := t.s
	if s.o.Backend == nil || !fs.ValidPath(k.Name) {
		return nil
	}
	uri := (&url.URL{Scheme: "hutch", Host: "kept", Path: "/" + rand.Text() + "/" + path.Base(k.Name)}).String()
	about := "the whole output; also the file " + k.Path
	read := func(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		ctx, over := s.withPost(ctx, req.Extra)
		defer over()
		return s.readKept(ctx, uri, k)
	}
	t.mcp.AddResource(&mcp.Resource{URI: uri, Name: k.Path, Description: about, MIMEType: k.Type, Size: k.Size}, read)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.kept = append(t.kept, uri)
	if len(t.kept) > maxKept {
		t.mcp.RemoveResources(t.kept[0])
		t.kept = t.kept[1:]
	}
	return &mcp.ResourceLink{URI: uri, Name: k.Path, Description: about, MIMEType: k.Type, Size: &k.Size}
}

func (s *Server) readKept(ctx context.Context, uri string, k tool.Kept) (*mcp.ReadResourceResult, error) {
	if !s.begin() {
		return nil, errEnding
	}
	defer s.all.Done()
	data, err := readUpTo(ctx, s.o.Backend, k.Name, maxResource)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, mcp.ResourceNotFoundError(uri)
	case errors.Is(err, hutch.ErrTooLarge):
		text := fmt.Sprintf("%s has more than %d bytes; read it in parts with the tools for files", k.Path, maxResource)
		return nil, protocolError(jsonrpc.CodeInternalError, text)
	case err != nil:
		return nil, toolError(err)
	}
	c := &mcp.ResourceContents{URI: uri, MIMEType: k.Type, Text: string(data)}
	if !utf8.Valid(data) {
		c.Text, c.Blob = "", data
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{c}}, nil
}

// readUpTo reads a file of at most n bytes.
func readUpTo(ctx context.Context, b hutch.Backend, name string, n int64) ([]byte, error) {
	f, err := b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, n+1))
	if err == nil && int64(len(data)) > n {
		return nil, hutch.ErrTooLarge
	}
	return data, err
}
