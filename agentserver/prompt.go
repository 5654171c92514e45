package agentserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/server"
)

// notApproved is what a run is told that waited when it was interrupted.
const notApproved = "The run was interrupted while it waited for approval. What was asked about was not approved and not done. If it is still needed, call the tool again: somebody is asked again."

// choosePrompt decides what the agent is told, and notes it in the record until the
// conversation has it.
func (s *Server) choosePrompt(ctx context.Context, store deepagent.Store, w *wish) error {
	rec := &w.rec
	var messages []llm.Message
	if !w.fresh {
		conv, err := load(ctx, store, rec.Conversation)
		if err != nil {
			return err
		}
		messages = conv.Messages
	}
	digest := digestOf(messages)
	unsaid := rec.Unsaid != "" && digest == rec.Before
	switch {
	case w.prompt != "":
		rec.Prompt = clip(w.prompt, maxExcerpt)
	case unsaid && len(rec.Unsaid) <= max(s.o.MaxPrompt, len(notApproved)):
		w.prompt = rec.Unsaid
	case rec.Asked:
		w.prompt = notApproved
	case finished(messages):
		return invalid("there is nothing to go on with: it needs a prompt")
	}
	rec.Unsaid, rec.Before = w.prompt, digest
	rec.State, rec.Asked, rec.Ending, rec.Text, rec.Error, rec.Ended = isRunning, false, "", "", "", nil
	return nil
}

// load is a conversation, an empty one where there is none.
func load(ctx context.Context, store deepagent.Store, id string) (*deepagent.Conversation, error) {
	conv, err := store.Load(ctx, id)
	var at *fs.PathError
	switch {
	case err == nil:
		return conv, nil
	case errors.Is(err, fs.ErrNotExist):
		return &deepagent.Conversation{}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &at) && (at.Op == "load" || unreadable(err)): // else it is the ID
		return nil, server.Problem(http.StatusUnprocessableEntity, "unreadable", "the conversation cannot be read")
	}
	return nil, err
}

// finished reports whether nobody waits for the model to say anything.
func finished(messages []llm.Message) bool {
	if len(messages) == 0 {
		return true
	}
	last := messages[len(messages)-1]
	for _, b := range last.Content {
		if b.Call != nil {
			return false
		}
	}
	return last.Role != llm.User
}

func digestOf(messages []llm.Message) string {
	data, err := json.Marshal(messages)
	if err != nil || len(messages) == 0 {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// saying is a Store that notes when the conversation has the prompt.
type saying struct {
	deepagent.Store
	r *run
}

func (s *saying) Save(ctx context.Context, c *deepagent.Conversation) error {
	if err := s.Store.Save(ctx, c); err != nil {
		return err
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.rec.Unsaid, s.r.rec.Before = "", ""
	return nil
}
