package link

import "github.com/hutch-dev/hutch/llm"

// Said takes apart what the user says, for an API whose answers of tools are text
// alone: P is a part of what comes besides.
type Said[P any] struct {
	Tool  string // what the API calls a tool
	Text  func(string) P
	Media func(*llm.Media) (P, error)
}

// Split returns the results of tools, and the parts that come behind all of them:
// what they have shown, and what the user says.
func (s Said[P]) Split(blocks []llm.Block) (results []*llm.Result, parts []P, err error) {
	for _, b := range blocks {
		var p P
		switch {
		case b.Result != nil:
			results = append(results, b.Result)
			if parts, err = s.shown(parts, b.Result); err != nil {
				return nil, nil, err
			}
			continue
		case b.Media != nil:
			if p, err = s.Media(b.Media); err != nil {
				return nil, nil, err
			}
		default:
			p = s.Text(b.Text)
		}
		parts = append(parts, p)
	}
	return results, parts, nil
}

// shown adds the media of a result, behind a line that says whose they are.
func (s Said[P]) shown(parts []P, r *llm.Result) ([]P, error) {
	if len(r.Media) == 0 {
		return parts, nil
	}
	parts = append(parts, s.Text("This is what the "+s.Tool+" "+Name(r.Name)+" has shown, call "+ID(r.ID)+":"))
	for i := range r.Media {
		p, err := s.Media(&r.Media[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}
