package adk

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/hutch-dev/hutch/tool"
	"google.golang.org/genai"
)

// The answer of a tool is an object of JSON in the events of a session, which may
// be stored and read again. Media travel there in base64 and are turned into parts
// of the conversation before the model sees it, as the kit does it with artifacts.
const mediaKey = "media"

// carried is media as they travel: of values that are the same after JSON.
func carried(all []tool.Media) []any {
	var out []any
	for _, m := range all {
		out = append(out, map[string]any{
			"path": m.Path, "mime_type": m.Type, "data": base64.StdEncoding.EncodeToString(m.Data),
		})
	}
	return out
}

// show puts the media in the answers of a tool behind the turn that has them, for
// the model to look at. What it is given belongs to the session and stays as it is.
func show(contents []*genai.Content, name string) ([]*genai.Content, error) {
	var out []*genai.Content
	for _, c := range contents {
		turn, media, err := split(c, name)
		if err != nil {
			return nil, err
		}
		out = append(out, turn)
		if len(media) > 0 {
			out = append(out, &genai.Content{Role: genai.RoleUser, Parts: media})
		}
	}
	return out, nil
}

// split parts a turn from the media in it.
func split(c *genai.Content, name string) (turn *genai.Content, media []*genai.Part, err error) {
	if c == nil {
		return c, nil, nil
	}
	turn = c
	for i, p := range c.Parts {
		if p == nil || p.FunctionResponse == nil || p.FunctionResponse.Name != name {
			continue
		}
		all, ok := p.FunctionResponse.Response[mediaKey].([]any)
		if !ok {
			continue
		}
		parts, err := parts(all)
		if err != nil {
			return nil, nil, fmt.Errorf("adk: an answer of %s: %w", name, err)
		}
		media = append(media, parts...)
		if turn == c {
			turn = &genai.Content{Role: c.Role, Parts: slices.Clone(c.Parts)}
		}
		turn.Parts[i] = without(p)
	}
	return turn, media, nil
}

// without is a part without its media.
func without(p *genai.Part) *genai.Part {
	part, response := *p, *p.FunctionResponse
	response.Response = maps.Clone(response.Response)
	delete(response.Response, mediaKey)
	part.FunctionResponse = &response
	return &part
}

func parts(all []any) ([]*genai.Part, error) {
	var out []*genai.Part
	for _, one := range all {
		m, _ := one.(map[string]any)
		path, _ := m["path"].(string)
		kind, _ := m["mime_type"].(string)
		text, _ := m["data"].(string)
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		out = append(out, genai.NewPartFromText(path+" is:"), genai.NewPartFromBytes(data, kind))
	}
	return out, nil
}
