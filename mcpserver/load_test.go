package mcpserver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/tool"
)

// Too many requests at a time are refused, not heaped up, and nothing hangs.
func TestTooMuch(t *testing.T) {
	block, begun, _ := blocking()
	c, _ := rawDial(t, server(t, nil, block, echo()))
	const most, atWork = 512, 64
	go func() {
		for i := range most + 10 {
			c.call(i+1, "block")
		}
	}()
	refused := map[any]bool{}
	for range 10 {
		a := c.answer()
		if !a.Result.IsError || !strings.Contains(a.Result.Content[0].Text, "too much") {
			t.Fatalf("%+v", a)
		}
		refused[a.ID] = true
	}
	if len(refused) != 10 {
		t.Errorf("refused %v", refused)
	}
	for range atWork {
		<-begun
	}
	if len(begun) > 0 {
		t.Error("more are at work than may be")
	}
	for i := range most {
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, i+1))
		if a := c.answer(); a.Error.Code == 0 {
			t.Fatalf("%+v", a)
		}
	}
	c.call(9999, "echo")
	if a := c.answer(); a.ID != 9999.0 || len(a.Result.Content) != 1 {
		t.Errorf("afterwards: %+v", a)
	}
}

// Progress is told a few times a second, in order, with the end of what was printed,
// and never after the result.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told bool
		run := fake("run", func(_ context.Context, c tool.Call) (tool.Result, error) {
			if told = c.Progress != nil; !told {
				return tool.Result{}, nil
			}
			for i := range 1000 {
				c.Progress(fmt.Sprintf("%04d %s", i, strings.Repeat("é", 2000)))
				time.Sleep(time.Millisecond)
			}
			return tool.Result{Text: "done"}, nil
		})
		s := server(t, nil, run)
		c, over := rawDial(t, s)
		c.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","_meta":{"progressToken":"p"}}}`)
		n, before := 0, 0.0
		for {
			a := c.answer()
			if a.Method == "" {
				if a.Result.Content[0].Text != "done" {
					t.Errorf("%+v", a)
				}
				break
			}
			if a.Method != "notifications/progress" || a.Params.Progress <= before || len(a.Params.Message) > 2<<10+2 || a.Params.Message == "" {
				t.Errorf("%+v", a)
			}
			n, before = n+1, a.Params.Progress
		}
		if n < 4 || n > 6 {
			t.Errorf("%d notifications in a second", n)
		}
		c.call(2, "run")
		if c.answer(); told {
			t.Error("progress for a client that wants none")
		}
		c.Close()
		over()
		s.Close()
	})
}
