package mcpserver

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// result is what a client is told of an outcome.
func (t *conversation) result(o outcome) (*mcp.CallToolResult, error) {
	if o.err != nil {
		return nil, toolError(o.err)
	}
	res := &mcp.CallToolResult{StructuredContent: o.res.Data, IsError: o.res.Failed}
	if o.res.Text != "" {
		res.Content = append(res.Content, &mcp.TextContent{Text: strings.ToValidUTF8(o.res.Text, "\ufffd")})
	}
	for _, m := range o.res.Media {
		res.Content = append(res.Content, media(m))
	}
	for _, k := range o.res.Kept {
		if link := t.keep(k); link != nil {
			res.Content = append(res.Content, link)
		}
	}
	return res, nil
}

func media(m tool.Media) mcp.Content {
	if strings.HasPrefix(m.Type, "image/") {
		return &mcp.ImageContent{MIMEType: m.Type, Data: m.Data}
	}
	if strings.HasPrefix(m.Type, "audio/") {
		return &mcp.AudioContent{MIMEType: m.Type, Data: m.Data}
	}
	uri := url.URL{Scheme: "hutch", Path: "/" + strings.TrimPrefix(m.Path, "/")}
	return &mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: uri.String(), MIMEType: m.Type, Blob: m.Data}}
}

// toolError is an error of a tool as a client sees it. Errors of backends are made
// to be shown; of others nobody knows what they tell of the host.
func toolError(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errCancelled
	case shown(err):
		return protocolError(jsonrpc.CodeInternalError, err.Error())
	case errors.Is(err, hutch.ErrClosed):
		return protocolError(jsonrpc.CodeInternalError, hutch.ErrClosed.Error())
	}
	return protocolError(jsonrpc.CodeInternalError, "the tool has failed, and not for a reason that another call could mend")
}

// shown reports whether err carries a name of a backend and no error of the host.
func shown(err error) bool {
	var (
		named *fs.PathError
		link  *os.LinkError
		sys   *os.SyscallError
		run   *exec.Error
	)
	if errors.As(err, &link) || errors.As(err, &sys) || errors.As(err, &run) || !errors.As(err, &named) {
		return false
	}
	for e := error(named); errors.As(e, &named); e = named.Err {
		if named.Path != "" && !fs.ValidPath(named.Path) {
			return false
		}
	}
	return true
}
