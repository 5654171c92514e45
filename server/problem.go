package server

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
)

// problem is an error with the status, the code and the text that the client gets.
type problem struct {
	status int
	code   string
	detail string
	retry  time.Duration // for Retry-After; 0 is none
}

func (p *problem) Error() string { return p.detail }

// Problem is an error of a [Route] that is answered with this status, this code,
// a stable word, and this text.
func Problem(status int, code, detail string) error {
	return &problem{status: status, code: code, detail: detail}
}

// problems are the errors that mean something to a client, the more telling
// first: an error can match several.
var problems = []struct {
	err    error
	status int
	code   string
	text   string // instead of the error's; "" is its own
}{
	{session.ErrFull, http.StatusTooManyRequests, "too_many", ""},
	{session.ErrGone, http.StatusGone, "gone", "what the session held is not there any more"},
	{session.ErrBusy, http.StatusConflict, "busy", "the session is in use"},
	{session.ErrStart, http.StatusBadGateway, "start_failed", "the workspace of the session could not be started"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", "it took too long"},
	{hutch.ErrConflict, http.StatusPreconditionFailed, "conflict", ""},
	{hutch.ErrIsDir, http.StatusConflict, "is_dir", ""},
	{hutch.ErrNotDir, http.StatusConflict, "not_dir", ""},
	{hutch.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", ""},
	{hutch.ErrClosed, http.StatusGone, "gone", "the workspace of the session was closed"},
	{fs.ErrPermission, http.StatusForbidden, "denied", ""},
	{fs.ErrInvalid, http.StatusBadRequest, "invalid", ""},
	{fs.ErrExist, http.StatusConflict, "exists", ""},
	{fs.ErrNotExist, http.StatusNotFound, "not_found", ""},
	{errors.ErrUnsupported, http.StatusUnprocessableEntity, "unsupported", ""},
}

// statusGone is what is counted where nobody is there to read the answer.
const statusGone = 499

// problemOf is what err is to a client. The text of an error that is not in the
// table is not told: nobody has looked at what is in it.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	for _, row := range problems {
		if !errors.Is(err, row.err) {
			continue
		}
		p = &problem{status: row.status, code: row.code, detail: row.text}
		if p.detail == "" {
			p.detail = err.Error()
		}
		if row.status == http.StatusTooManyRequests {
			p.retry = time.Second
		}
		return p
	}
	if errors.Is(err, context.Canceled) {
		return &problem{status: statusGone, code: "cancelled", detail: "the request was cancelled"}
	}
	return &problem{status: http.StatusInternalServerError, code: "internal", detail: "something went wrong"}
}

// Problems as [RFC 9457] has them, and a code.
//
// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
type problemBody struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status" jsonschema:"That of the answer."`
	Detail string `json:"detail" jsonschema:"What is wrong, in words."`
	Code   string `json:"code" jsonschema:"What is wrong, as a word that stays."`
}

// body is p as JSON.
func (p *problem) body() []byte {
	title := http.StatusText(p.status)
	if title == "" {
		title = "Cancelled"
	}
	b, _ := json.Marshal(problemBody{Type: "about:blank", Title: title, Status: p.status, Detail: p.detail, Code: p.code})
	return append(b, '\n')
}

// write answers with p.
func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range []string{"ETag", "Content-Disposition", "Content-Range", "Accept-Ranges", "Last-Modified"} {
		h.Del(name)
	}
	b := p.body()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(b)
}
