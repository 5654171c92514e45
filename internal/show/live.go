package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// live is what is under way, and what of it is shown on the last line.
type live struct {
	running []*job
	shown   bool
	frame   int
}

// job is one thing that is waited for: a call, or with the ID "" the model.
type job struct {
	id, what string
	since    time.Time
	last     string // line of output
}

const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

// patience is how long something takes before it is shown that it is under way.
const patience = 300 * time.Millisecond

// busy notes that something is under way.
func (s *Show) busy(id, what string) {
	s.live.drop(id)
	s.live.running = append(s.live.running, &job{id: id, what: what, since: s.o.Now()})
}

func (l *live) drop(id string) {
	l.running = slices.DeleteFunc(l.running, func(j *job) bool { return j.id == id })
}

// output notes the last line of what a call has printed.
func (l *live) output(id, text string) {
	for _, j := range l.running {
		if j.id == id {
			j.last = lastLine(text, j.last)
		}
	}
}

// lastLine is the last line of text with something in it, else old.
func lastLine(text, old string) string {
	text = strings.TrimRight(text, "\r\n\t ")
	if i := strings.LastIndexAny(text, "\r\n"); i >= 0 {
		text = text[i+1:]
	}
	if text == "" {
		return old
	}
	return text
}

// Tick shows that time passes. Call it some times a second.
func (s *Show) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.frame++
	s.draw()
}

// draw shows the last line anew: what has been under way for the shortest time,
// once it takes long, and where no text is in the way.
func (s *Show) draw() {
	if !s.o.Live || s.mode != lineStart || s.err != nil {
		return
	}
	n := len(s.live.running)
	if n == 0 {
		s.erase()
		return
	}
	j := s.live.running[n-1]
	took := s.o.Now().Sub(j.since)
	if took < patience {
		return
	}
	frame := []rune(frames)
	text := fmt.Sprintf("%c %s %s", frame[s.live.frame%len(frame)], elapsed(took), Visible(j.what, false))
	if j.last != "" {
		text += ": " + Visible(j.last, false)
	}
	s.erase()
	text, _ = clip(text, max(1, s.o.Width()-1))
	_, s.err = io.WriteString(s.w, s.paint(Dim, text))
	s.live.shown = true
}

// erase takes the last line back.
func (s *Show) erase() {
	if s.live.shown && s.err == nil {
		_, s.err = io.WriteString(s.w, "\r\x1b[K")
	}
	s.live.shown = false
}

// elapsed is a time as people read it.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return d.Round(time.Second).String()
}
