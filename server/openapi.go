package server

import "encoding/json"

// document describes routes.
func document(all []Route) ([]byte, error) {
	return json.Marshal(map[string]any{"openapi": "3.1.0"})
}
