package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"
)

// classicLog follows the classic builder, which tells everything as text.
type classicLog struct {
	*buildLog
	file []instruction
}

var (
	classicStep = pattern(`^Step (\d+)/(\d+) : (.*)`)
	// classicNoise is about the containers that the builder works in.
	classicNoise = pattern(`^( ---> .*|Removing intermediate container [0-9a-f]{12}|Successfully (built|tagged) \S+)\n?$`)
)

func (l *classicLog) message(m jsonstream.Message) error {
	found := classicStep().FindStringSubmatch(m.Stream)
	switch {
	case found != nil:
		l.begin(title(l.file, found[1], found[2], found[3]))
	case m.Stream == " ---> Using cache\n":
		l.note("cached")
	case classicNoise().MatchString(m.Stream):
	case m.Stream != "":
		l.output(m.Stream)
	case m.Status != "" && (m.Progress == nil || m.Progress.Total == 0):
		l.note(strings.TrimSpace(m.ID + " " + m.Status))
	}
	return l.failed
}

// title is how people are told of step number n of all, which is a line of the
// file unless the builder has added some of its own.
func title(file []instruction, n, all, said string) string {
	at, err := strconv.Atoi(n)
	if err == nil && at >= 1 && at <= len(file) && strings.HasPrefix(said, file[at-1].keyword+" ") {
		said = file[at-1].title
	}
	return fmt.Sprintf("[%s/%s] %s", n, all, said)
}

// kitLog follows BuildKit.
type kitLog struct {
	*buildLog
	file  []instruction
	steps map[string]*kitStep // by digest
}

type kitStep struct {
	title         string // "" is shown to nobody
	begun, cached bool
}

var kitStepName = pattern(`^\[(\d+)/(\d+)\] (.*)`)

// message takes a message of BuildKit. What cannot be read is left out: it is
// for people only, and success and failure come in other messages.
func (l *kitLog) message(m jsonstream.Message) error {
	var data []byte
	if m.ID != "moby.buildkit.trace" || m.Aux == nil || json.Unmarshal(*m.Aux, &data) != nil {
		return nil
	}
	t, err := parseTrace(data)
	if err != nil {
		return nil
	}
	if l.steps == nil {
		l.steps = map[string]*kitStep{}
	}
	for _, v := range t.vertexes {
		l.vertex(v)
	}
	for _, out := range t.logs {
		l.turnTo(l.steps[out.vertex])
		l.output(out.text)
	}
	return l.failed
}

func (l *kitLog) vertex(v vertex) {
	s := l.steps[v.digest]
	if s == nil {
		s = &kitStep{title: l.title(v.name)}
		l.steps[v.digest] = s
	}
	if s.title == "" {
		return
	}
	if v.started && !s.begun {
		s.begun = true
		l.begin(s.title)
	}
	if v.cached && !s.cached {
		s.cached = true
		l.note("cached")
	}
	if v.fault != "" {
		l.turnTo(s)
	}
}

// title is that of a vertex. BuildKit numbers only what changes files.
func (l *kitLog) title(name string) string {
	found := kitStepName().FindStringSubmatch(name)
	switch {
	case found != nil:
		return title(l.numbered(), found[1], found[2], found[3])
	case strings.HasPrefix(name, "exporting to"):
		return name
	}
	return ""
}

func (l *kitLog) numbered() []instruction {
	var some []instruction
	for _, i := range l.file {
		if i.keyword == "FROM" || i.keyword == "RUN" || i.keyword == "WORKDIR" {
			some = append(some, i)
		}
	}
	return some
}

// turnTo makes a step the current one where another has begun meanwhile.
func (l *kitLog) turnTo(s *kitStep) {
	if s != nil && s.title != "" && s.title != l.step {
		l.begin(s.title)
	}
}

var (
	exitCode = pattern(`(?:exit code: |returned a non-zero code: )(\d+)$`)
	// command is what a builder repeats of the step before it says why.
	command = pattern(`(?s)^(?:failed to solve[^:]*: )*(?:executor failed running \[.*\]|process ".*" did not complete successfully): `)
)

// reason is why a step failed, in few words: the step itself is named already.
func reason(err error) error {
	text := strings.TrimSpace(err.Error())
	if found := exitCode().FindStringSubmatch(text); found != nil {
		return errors.New("exit status " + found[1])
	}
	return errors.New(said(errors.New(command().ReplaceAllString(text, ""))))
}
