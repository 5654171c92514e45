package page_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// exec knows a few scripts.
func (f *fake) exec(w http.ResponseWriter, r *http.Request, s *room) {
	var in struct{ Script string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	defer f.happens(s, object{"op": "exec", "args": []string{"sh", "-c", in.Script}, "who": "api", "decision": "allowed", "exit_code": 0, "duration_ms": 12})
	sse(w)
	text := func(stream, s string) { send(w, "", stream, object{"text": s}) }
	code := 0
	switch in.Script {
	case "hold":
		text("stdout", "begun\n")
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		f.gone <- in.Script
		return
	case "flood":
		for i := range 400 {
			var b strings.Builder
			for j := range 50 {
				fmt.Fprintf(&b, "line %d\n", i*50+j)
			}
			text("stdout", b.String())
		}
	case "hostile":
		text("stdout", "\x1b[31mred\x1b[0m \x1b]0;title\x07<img src=x onerror=\"window.pwned=1\">\x1b[")
		text("stdout", "1mbold\x1b[0m\u009b2J\n")
		text("stdout", "10%\r20%\rdone: ")
		send(w, "", "stdout", object{"b64": "4oI="}) // the first two bytes of a euro sign
		send(w, "", "stdout", object{"b64": "rA=="})
		text("stderr", "<script>window.pwned=1</script>\n")
		code = 3
	default:
		text("stdout", "collected 3 items\n\ntest_main.py ")
		text("stdout", "...                                      [100%]\n\n3 passed in 0.12s\n")
		text("stderr", "warning: no configuration found, defaults are used\n")
	}
	send(w, "", "result", object{"exit_code": code, "timed_out": false, "duration_ms": 124})
}

func (f *fake) jobs(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply(w, 200, object{"jobs": slices.Clone(s.jobs)})
}

func (f *fake) start(w http.ResponseWriter, r *http.Request, s *room) {
	var in struct{ Script string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	var job object
	f.change(func() {
		job = object{"id": fmt.Sprint("job", len(s.jobs)+1), "args": []string{"sh", "-c", in.Script}, "running": true, "started": time.Now()}
		s.jobs = append(s.jobs, job)
	})
	reply(w, 201, job)
}

func (s *room) job(id string) object {
	for _, job := range s.jobs {
		if job["id"] == id {
			return job
		}
	}
	return object{}
}

func (f *fake) output(w http.ResponseWriter, r *http.Request, s *room) {
	sse(w)
	send(w, "7", "stdout", object{"text": "serving on :8000\n"})
	if f.wait(r, func() bool { return s.job(r.PathValue("job"))["running"] == false }) {
		send(w, "9", "end", object{"running": false, "cursor": "9"})
	}
}

func (f *fake) kill(w http.ResponseWriter, r *http.Request, s *room) {
	f.change(func() {
		// Another one, as the answers that are being written have the old one.
		s.jobs = slices.Clone(s.jobs)
		for i, job := range s.jobs {
			if job["id"] == r.PathValue("job") {
				s.jobs[i] = object{"id": job["id"], "args": job["args"], "running": false, "started": job["started"], "ended": time.Now(), "signal": "killed"}
			}
		}
	})
	reply(w, 200, object{})
}

// run is one of the agent.
type run struct {
	id, state string
	created   time.Time
	pending   []object
	events    []object
	scope     string // of the answer
}

func (r *run) info() object {
	return object{"id": r.id, "conversation": "c1", "state": r.state, "ending": map[bool]string{true: "finished"}[r.state == "done"],
		"prompt":  "Clean up and build again.",
		"created": r.created, "usage": object{}, "cost": 0.0123, "pending": slices.Clone(r.pending)}
}

func (s *room) find(id string) *run {
	for _, r := range s.runs {
		if r.id == id {
			return r
		}
	}
	return &run{}
}

func (f *fake) runs(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []object{}
	for _, r := range s.runs {
		all = append(all, r.info())
	}
	reply(w, 200, object{"runs": all})
}

// run starts one that asks a question at once.
func (f *fake) run(w http.ResponseWriter, r *http.Request, s *room) {
	var in struct{ Prompt string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	call := object{"id": "c1", "name": "execute", "input": object{"command": "rm -r build <b>"}}
	next := &run{id: fmt.Sprint("run", len(s.runs)+1), state: "waiting", created: time.Now()}
	next.events = []object{
		{"kind": "begin", "conversation": "c1", "text": "a model"},
		{"kind": "reasoning", "text": "They want it clean."},
		{"kind": "text", "text": "I will clean up first. <img src=x "}, {"kind": "text", "text": "onerror=window.pwned=1>"},
		{"kind": "todos", "todos": []object{{"text": "Clean the build folder", "status": "in_progress"}, {"text": "Build again", "status": "pending"}}},
		{"kind": "tool_call", "call": call},
		{"kind": "asked", "call": call, "question": object{"title": "May it run this command?"}},
	}
	next.pending = []object{{"question_id": "q/1", "title": "May it run this command? <u>", "text": "rm -r build <b>\n\u202egpj.x", "pattern": "rm -r *"}}
	f.change(func() { s.runs = append(s.runs, next) })
	reply(w, 202, next.info())
}

func (f *fake) oneRun(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply(w, 200, s.find(r.PathValue("run")).info())
}

func (f *fake) story(w http.ResponseWriter, r *http.Request, s *room) {
	sse(w)
	at := 0
	_, _ = fmt.Sscan(r.Header.Get("Last-Event-ID"), &at)
	for {
		var fresh []object
		if !f.wait(r, func() bool { fresh = slices.Clone(s.find(r.PathValue("run")).events[at:]); return len(fresh) > 0 }) {
			return
		}
		for _, e := range fresh {
			at++
			send(w, fmt.Sprint(at), fmt.Sprint(e["kind"]), object{"seq": at, "time": time.Now(), "event": e})
			if e["kind"] == "end" {
				f.oneRunEnds(w, r, s)
				return
			}
		}
	}
}

func (f *fake) oneRunEnds(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	send(w, "", "run", s.find(r.PathValue("run")).info())
}

func (f *fake) approve(w http.ResponseWriter, r *http.Request, s *room) {
	var in struct{ Scope string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	call := object{"id": "c1", "name": "execute"}
	status := 204
	f.change(func() {
		one := s.find(r.PathValue("run"))
		if r.PathValue("question") != "q/1" || len(one.pending) == 0 {
			status = 409
			return
		}
		one.scope, one.pending, one.state = in.Scope, nil, "done"
		one.events = append(one.events,
			object{"kind": "answered", "call": call, "question": object{"title": "May it run this command?"}, "answer": object{"scope": 1}},
			object{"kind": "progress", "call": call, "text": "removed build\n"},
			object{"kind": "tool_done", "call": call, "outcome": object{"text": "removed build", "duration": 1200000}},
			object{"kind": "todos", "todos": []object{{"text": "Clean the build folder", "status": "done"}, {"text": "Build again", "status": "done"}}},
			object{"kind": "text", "text": "The build folder is gone, and the build is green again."},
			object{"kind": "usage", "usage": object{"total": object{"input": 1234, "output": 321}, "steps": 2, "cost": 0.0123}},
			object{"kind": "end", "result": object{"text": "The build folder is gone.", "ending": "finished"}})
	})
	w.WriteHeader(status)
}

func (f *fake) cancel(w http.ResponseWriter, r *http.Request, s *room) {
	if r.ContentLength != 0 { // the service refuses what means nothing
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.change(func() {
		one := s.find(r.PathValue("run"))
		one.state, one.pending = "cancelled", nil
		one.events = append(one.events, object{"kind": "end", "error": "cancelled", "result": object{"ending": "cancelled"}})
	})
	w.WriteHeader(202)
}

// happens adds an event to the trail.
func (f *fake) happens(s *room, event object) {
	f.change(func() {
		event["seq"] = len(s.events) + 1
		event["time"] = time.Now()
		s.events = append(s.events, event)
	})
}

// puts writes a file.
func (f *fake) puts(s *room, name, content string) {
	f.change(func() { s.files[name] = content })
	f.happens(s, object{"op": "write", "path": name, "who": "api", "decision": "allowed", "bytes": len(content), "duration_ms": 1})
}

func send(w http.ResponseWriter, id, event string, v any) {
	data, _ := json.Marshal(v)
	if id != "" {
		fmt.Fprintf(w, "id: %s\n", id)
	}
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
	w.(http.Flusher).Flush()
}

// sse begins an answer of events.
func sse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, ": \n\n")
	w.(http.Flusher).Flush()
}

func (f *fake) trail(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	f.opened = append(f.opened, r.Header.Get("Last-Event-ID"))
	f.mu.Unlock()
	sse(w)
	at := 0
	_, _ = fmt.Sscan(r.Header.Get("Last-Event-ID"), &at)
	for {
		var fresh []object
		cut := false
		if !f.wait(r, func() bool {
			fresh = slices.Clone(s.events[min(at, len(s.events)):])
			if len(fresh) > 0 && f.cut > 0 {
				f.cut--
				cut = true
			}
			return len(fresh) > 0
		}) {
			return
		}
		for _, e := range fresh {
			at++
			send(w, fmt.Sprint(at), "event", e)
		}
		if cut {
			panic(http.ErrAbortHandler)
		}
	}
}
