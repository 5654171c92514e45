package docker

import (
	"strings"
	"sync"
)

// apart are the engines that see other files than this process does.
var apart sync.Map

func (e *engine) apart() bool { _, ok := apart.Load(e.host); return ok }
func (e *engine) setApart()   { apart.Store(e.host, true) }

// noSuchSource says that the engine does not see a directory of ours.
func noSuchSource(err error, dir string) bool {
	text := err.Error()
	return strings.Contains(text, dir) && (strings.Contains(text, "does not exist") || strings.Contains(text, "no such file") ||
		strings.Contains(text, "not shared"))
}
