package llm

import "encoding/json"

// Input is what a model has written as the arguments of a call.
type Input string

// MarshalJSON implements [json.Marshaler].
func (in Input) MarshalJSON() ([]byte, error) {
	if s := string(in); json.Valid([]byte(s)) && s[0] != '"' {
		return []byte(s), nil
	}
	return json.Marshal(string(in))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (in *Input) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '"' {
		*in = Input(data)
		return nil
	}
	return json.Unmarshal(data, (*string)(in))
}

// Object is in as a JSON object. Nothing at all is an object without members, as
// some models write it; ok is false where in is anything else but an object.
func (in Input) Object() (object json.RawMessage, ok bool) {
	if in == "" {
		return json.RawMessage("{}"), true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(in), &members) != nil || members == nil {
		return nil, false
	}
	return json.RawMessage(in), true
}
