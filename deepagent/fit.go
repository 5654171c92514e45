package deepagent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/tool"
)

const (
	bytesPerToken = 4     // roughly
	shownEnd      = 4_000 // bytes of head and of tail of what is too large
	maxMedia      = 3     // images and documents that the model sees at a time
)

// fit is the text of a result as the model sees it, and the paths of files that
// hold more of it. What is too large is kept in a file, beside what the tools keep
// there; of a file of the workspace, which can be read again, only less is shown.
func (r *run) fit(ctx context.Context, name string, res tool.Result) (text string, kept []string) {
	for _, k := range res.Kept {
		kept = append(kept, k.Path)
	}
	text = res.Text
	most := r.o.ResultTokens * bytesPerToken
	if len(text) <= most {
		return text, kept
	}
	if name == "read_file" {
		head := firstLines(text, most)
		return head + fmt.Sprintf("\n\n... (%d bytes more are left out here; read the file in smaller parts, with offset and limit)", len(text)-len(head)), kept
	}
	end := min(shownEnd, most/2)
	head, tail := firstLines(text, end), lastLines(text, end)
	left := len(text) - len(head) - len(tail)
	info, err := r.keep.Write(ctx, label(name), strings.NewReader(text))
	if err != nil {
		return head + fmt.Sprintf("\n\n... (%d bytes of %d are left out here and could not be kept in a file: %s) ...\n\n", left, len(text), whyNot(err)) + tail, kept
	}
	path := hutch.PathOf(r.b, info.Name)
	return head + fmt.Sprintf("\n\n... (%d bytes of %d are left out here; all of it is in %s) ...\n\n", left, len(text), path) + tail, append(kept, path)
}

// label is a name of a tool as the beginning of the name of a file.
func label(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(clip(name, 60)))
}

func whyNot(err error) string {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "writing there is not permitted"
	case errors.As(err, &pe):
		return pe.Err.Error()
	}
	return err.Error()
}

// firstLines are the whole lines within the first n bytes, or the bytes where a
// line is longer.
func firstLines(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if i := strings.LastIndexByte(s[:n], '\n'); i > n/2 {
		return s[:i]
	}
	return strings.ToValidUTF8(s[:n], "")
}

func lastLines(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if i := strings.IndexByte(s, '\n'); i >= 0 && i < n/2 {
		return s[i+1:]
	}
	return strings.ToValidUTF8(s, "")
}

// pruneMedia leaves the latest images and documents in the conversation. Messages
// are copied, not changed: somebody else may hold them.
func (r *run) pruneMedia() {
	left := maxMedia
	for i := len(r.conv.Messages) - 1; i >= 0; i-- {
		m := r.conv.Messages[i]
		for k := len(m.Content) - 1; k >= 0; k-- {
			res := m.Content[k].Result
			if res == nil || len(res.Media) == 0 {
				continue
			}
			newest := left == maxMedia
			if left -= len(res.Media); left >= 0 || newest {
				continue
			}
			m.Content = slices.Clone(m.Content)
			m.Content[k].Result = withoutMedia(res)
			later := stale(r.conv.Messages[i+1:])
			r.conv.Messages = append(append(slices.Clone(r.conv.Messages[:i]), m), later...)
		}
	}
}

func withoutMedia(res *llm.Result) *llm.Result {
	c := *res
	c.Media = nil
	c.Text += "\n\n(What was shown here is not shown any more. Read it again if you need it.)"
	return &c
}
