package docker

import "regexp"

// manager is a package manager.
type manager struct {
	form  string // what its specifiers look like
	specs *regexp.Regexp
	// not refuses what would be taken for something else, as a file.
	not *regexp.Regexp
}

func (m manager) accepts(spec string) bool {
	return len(spec) <= 500 && m.specs.MatchString(spec) && (m.not == nil || !m.not.MatchString(spec))
}

// managers are the package managers by name.
var managers = map[string]manager{
	managerPip:   {},
	managerNpm:   {},
	managerApt:   {},
	managerCargo: {},
}
