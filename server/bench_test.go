package server

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
)

// benchClients is how many clients a benchmark has beside each other.
const benchClients = 64

// beside does f b.N times, by many clients.
func beside(b *testing.B, clients int, f func()) {
	turns := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range turns {
				f()
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		turns <- struct{}{}
	}
	close(turns)
	all.Wait()
}

// drained sends a request and reads the answer, whatever it is.
func (f *fixture) drained(q *http.Request) {
	a, err := f.plain.Do(q)
	if err != nil {
		f.t.Error(err)
		return
	}
	_, err = io.Copy(io.Discard, a.Body)
	a.Body.Close()
	if err != nil || a.StatusCode != 200 {
		f.t.Errorf("%s, %v", a.Status, err)
	}
}

func BenchmarkRead4K(b *testing.B) {
	f, path, token := one(b, state.New(nil), nil)
	f.plain.Transport.(*http.Transport).MaxIdleConnsPerHost = benchClients
	f.want(200, "", "PUT", path+"/files/a", token, strings.Repeat("x", 4096))
	b.SetBytes(4096)
	beside(b, benchClients, func() { f.drained(f.request("GET", path+"/files/a", token, nil)) })
}

func BenchmarkExecTrue(b *testing.B) {
	s := testroom.Jail(b)
	f, path, token := one(b, s, nil)
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"http", func() { f.drained(f.request("POST", path+"/exec", token, `{"args":["true"]}`)) }},
		{"here", func() {
			if _, err := s.Exec(b.Context(), &hutch.Cmd{Args: []string{"true"}}); err != nil {
				b.Error(err)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) { beside(b, 1, c.do) })
		b.Run(c.name+"-8", func(b *testing.B) { beside(b, 8, c.do) })
	}
}
