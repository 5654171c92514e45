package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// maxRefusal is how much is read of an answer that is an error.
const maxRefusal = 64 << 10

// Post is one request: its path below the base URL, what is sent as JSON, and
// headers of this request alone.
type Post struct {
	Path   string
	Body   any
	Header http.Header
}

// Decoder makes parts of events. It gives them to the Reply that it was made with.
type Decoder interface {
	// Event takes the next event. done says that the answer is whole, so that
	// nothing more is read.
	Event(ev Event) (done bool, err error)
	// End is asked when the stream has ended well, and done was not said yet: an
	// answer that is not whole is an error.
	End() error
}

// Stream sends p and yields what d makes of the answer, as [llm.Model.Stream] does.
// Parts are taken from b after each event; b's reply is the last of them.
func (l *Link) Stream(ctx context.Context, p Post, b *Builder, d Decoder) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(llm.Part{}, err)
			return
		}
		w := newWatch(ctx)
		defer w.stop()
		broken, err := l.run(w, p, b, d, yield)
		switch {
		case broken:
		case err == nil:
			yield(llm.Part{Kind: llm.Done, Reply: b.Reply()}, nil)
		case ctx.Err() != nil:
			yield(llm.Part{}, ctx.Err())
		default:
			yield(llm.Part{}, err)
		}
	}
}

// run is all of a request but its last part. broken says that the consumer has
// gone.
func (l *Link) run(w *watch, p Post, b *Builder, d Decoder, yield func(llm.Part, error) bool) (broken bool, err error) {
	w.expect(l.wait)
	resp, err := l.send(w, p)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if err := l.check(w, resp); err != nil {
		return false, err
	}
	w.expect(l.idle)
	body := &watched{r: resp.Body, w: w, idle: l.idle}
	events := NewEvents(body)
	for {
		ev, err := events.Next()
		if err != nil && err != io.EOF {
			return false, l.cut(w, err)
		}
		w.pause() // the consumer may take its time
		done := err == io.EOF
		if done {
			err = d.End()
		} else {
			done, err = d.Event(ev)
		}
		for _, part := range b.Take() {
			if !yield(part, nil) {
				return true, nil
			}
		}
		if err != nil {
			return false, err
		}
		if done {
			drain(w, resp.Body)
			return false, nil
		}
		w.expect(l.idle)
	}
}

// drain reads what is left, a few bytes, so that the connection can be used again.
func drain(w *watch, body io.Reader) {
	w.expect(50 * time.Millisecond)
	_, _ = io.CopyN(io.Discard, body, 4<<10)
}

func (l *Link) send(w *watch, p Post) (*http.Response, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p.Body); err != nil {
		return nil, l.Error(llm.ErrRequest, "%v", err)
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, l.address(p.Path), &buf)
	if err != nil {
		return nil, l.Error(llm.ErrRequest, "the address makes no sense")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("User-Agent", "hutch")
	for _, h := range []http.Header{p.Header, l.header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, l.unreached(w, err)
	}
	return resp, nil
}

// address is the base URL with path below it, a query of either kept.
func (l *Link) address(path string) string {
	path, query, _ := strings.Cut(path, "?")
	u := l.base.JoinPath(path)
	u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	return u.String()
}

// check refuses what is not the beginning of a stream.
func (l *Link) check(w *watch, resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode != http.StatusOK:
		w.expect(min(l.idle, 10*time.Second))
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		return l.Refusal(resp, body)
	case resp.Header.Get("Content-Encoding") != "":
		return l.Error(llm.ErrAnswer, "the answer is encoded in a way that was not asked for")
	case kind == "text/event-stream" || kind == "":
		return nil
	}
	w.expect(l.idle)
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if f, ok := ParseFault(body); ok {
		return l.Fault(f)
	}
	return l.Error(llm.ErrAnswer, "the answer is %s, not a stream of events", kind)
}

// unreached is the error of a request that got no answer.
func (l *Link) unreached(w *watch, err error) error {
	if w.late() {
		return l.Error(llm.ErrTrouble, "no answer within %v", l.wait)
	}
	var ue *url.Error
	if errors.As(err, &ue) { // its text has the address
		err = ue.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return l.Error(llm.ErrUnknown, "there is no host %s", l.Host())
	}
	return &llm.Error{Provider: l.provider, Err: &lost{text: l.Line(err.Error()), err: err}}
}

// cut is the error of an answer that has broken off.
func (l *Link) cut(w *watch, err error) error {
	switch {
	case errors.Is(err, errEvent) || errors.Is(err, errStream):
		return l.Error(llm.ErrAnswer, "%v", err)
	case w.late():
		return l.Error(llm.ErrCut, "nothing more has come for %v", l.idle)
	}
	return l.Error(llm.ErrCut, "%v", err)
}

// lost is the error of a connection, without keys in its text.
type lost struct {
	text string
	err  error
}

func (e *lost) Error() string { return "no connection: " + e.text }
func (e *lost) Unwrap() error { return e.err }
