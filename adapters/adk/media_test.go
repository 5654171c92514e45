package adk_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/adk"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/genai"
)

// An image is shown behind the answers of its turn, also later, and what is not
// shown in base64 is not in the answer.
func TestMedia(t *testing.T) {
	b := state.New(nil)
	png, pdf := "\x89PNG\r\n\x1a\n\x00\x01", "%PDF-1.7\n\x00"
	for name, data := range map[string]string{"a.png": png, "b.pdf": pdf} {
		if _, err := hutch.WriteFile(t.Context(), b, name, []byte(data), nil); err != nil {
			t.Fatal(err)
		}
	}
	m := &scripted{turns: [][]use{
		{{"read_file", args{"path": "a.png"}}, {"ls", nil}, {"read_file", args{"path": "b.pdf"}}},
		{{"ls", nil}},
	}}
	got := m.answers(t, t.Context(), llmagent.Config{Tools: adk.Tools(b, &tool.Options{Images: true, Documents: true})})
	for _, a := range got {
		if len(a) != 1 {
			t.Errorf("%v", a)
		}
	}
	for turn, req := range m.sent[1:] {
		shown := req.Contents[3]
		if shown.Role != genai.RoleUser || len(shown.Parts) != 4 {
			t.Fatalf("turn %d: %+v", turn, shown)
		}
		image, doc := shown.Parts[1].InlineData, shown.Parts[3].InlineData
		if shown.Parts[0].Text != "a.png is:" || image.MIMEType != "image/png" || string(image.Data) != png {
			t.Errorf("turn %d: %+v", turn, image)
		}
		if shown.Parts[2].Text != "b.pdf is:" || doc.MIMEType != "application/pdf" || string(doc.Data) != pdf {
			t.Errorf("turn %d: %+v", turn, doc)
		}
	}
}

// What belongs to a session stays as it is, also where it was stored meanwhile,
// and so do the answers of other tools.
func TestMediaOfSession(t *testing.T) {
	read := adk.Tools(state.New(nil), nil)[1].(interface {
		ProcessRequest(agent.Context, *model.LLMRequest) error
	})
	const stored = `{"parts": [
		{"functionResponse": {"name": "read_file", "response": {"output": "x", "media": [{"path": "a.png", "mime_type": "image/png", "data": "AAE="}]}}},
		{"functionResponse": {"name": "other", "response": {"media": [{"path": "b.png", "mime_type": "image/png", "data": "AAE="}]}}}
	], "role": "user"}`
	given, want := new(genai.Content), new(genai.Content)
	for _, c := range []*genai.Content{given, want} {
		if err := json.Unmarshal([]byte(stored), c); err != nil {
			t.Fatal(err)
		}
	}
	req := &model.LLMRequest{Contents: []*genai.Content{given}}
	if err := read.ProcessRequest(nil, req); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(given, want) {
		t.Errorf("the session has now %+v", given.Parts[0].FunctionResponse)
	}
	got := req.Contents[0].Parts
	if len(got) != 2 || len(got[0].FunctionResponse.Response) != 1 || !reflect.DeepEqual(got[1], want.Parts[1]) {
		t.Errorf("%+v", got)
	}
	if len(req.Contents) != 2 || string(req.Contents[1].Parts[1].InlineData.Data) != "\x00\x01" {
		t.Errorf("%+v", req.Contents)
	}
}
