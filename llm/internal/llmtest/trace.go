package llmtest

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// traced counts in n the connections that are made with ctx.
func traced(ctx context.Context, n *atomic.Int64) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if !c.Reused {
			n.Add(1)
		}
	}})
}
