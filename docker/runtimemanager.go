package docker

import (
	"fmt"
	"regexp"
	"strings"
)

// manager is a package manager: what it takes, and how it is run.
type manager struct {
	form  string                // what its specifiers look like
	specs func() *regexp.Regexp // what is one
	files func() *regexp.Regexp // what it would take for a file, or nil

	// install is the shell command that installs packages, which are quoted
	// already. cached says that the directories of cache are mounted for it, and
	// are none of the image.
	install func(workDir, packages string, cached bool) string
	cache   []string
}

func (m manager) accepts(spec string) bool {
	return len(spec) <= 500 && m.specs().MatchString(spec) && (m.files == nil || !m.files().MatchString(spec))
}

const (
	pipVersion = ` ?(?:===|==|~=|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]+`
	pipCache   = "/var/cache/hutch/pip"
	npmCache   = "/var/cache/hutch/npm"
	cargoCache = "/usr/local/cargo/registry" // where the images of Rust have it
	aptCache   = "/var/cache/apt"
	aptLists   = "/var/lib/apt/lists"
)

// managers are the package managers by name.
//
// None of their specifiers begins with a dash, names a file, or holds a quote.
var managers = map[string]manager{
	managerPip: {
		form: "name, name[extra], name>=1.2,<2 or name @ https://…",
		specs: pattern(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?: ?\[[A-Za-z0-9._, -]+\])?` +
			`(?:` + pipVersion + `(?: ?,` + pipVersion + `)*| ?@ ?(?:git\+)?https://[A-Za-z0-9._~:/?#@!$&()*+,;=%-]+)?$`),
		files:   pattern(`(?i)^[^@]*\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.[a-z0-9]+)(?: ?\[.*)?$`),
		install: pipInstall,
		cache:   []string{pipCache},
	},
	managerNpm: {
		form: "name, @scope/name, name@1.2.3 or name@^1.2",
		specs: pattern(`^(?:@[A-Za-z0-9][A-Za-z0-9._~-]*/)?[A-Za-z0-9][A-Za-z0-9._~-]*` +
			`(?:@[A-Za-z0-9^~<>=*|][A-Za-z0-9._^~<>=*| +-]*)?$`),
		files:   pattern(`(?i)\.(?:tgz|tar|tar\.gz)$`),
		install: npmInstall,
		cache:   []string{npmCache},
	},
	managerApt: {
		form: "name, name:arch, name=version or name/release",
		// A dash at the end would remove the package.
		specs: pattern(`^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]*[a-z0-9])?` +
			`(?:=[A-Za-z0-9.+:~-]*[A-Za-z0-9.~]|/[A-Za-z0-9.-]*[A-Za-z0-9])?$`),
		install: aptInstall,
		cache:   []string{aptCache, aptLists},
	},
	managerCargo: {
		form:    "name or name@1.2.3",
		specs:   pattern(`^[A-Za-z][A-Za-z0-9_-]*(?:@[A-Za-z0-9^~<>=*][A-Za-z0-9.^~<>=*, +-]*)?$`),
		install: cargoInstall,
		cache:   []string{cargoCache},
	},
}

// pipInstall also installs where the system says that it manages Python: an
// image is nobody's system.
func pipInstall(_, packages string, cached bool) string {
	env := "PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 "
	if cached {
		return env + "PIP_CACHE_DIR=" + pipCache + " pip install -- " + packages
	}
	return env + "pip install --no-cache-dir -- " + packages
}

// npmInstall installs into the work directory, where programs in it find what
// they import.
func npmInstall(workDir, packages string, cached bool) string {
	install := fmt.Sprintf("npm_config_cache=%s npm install --prefix %s --no-audit --no-fund --no-update-notifier -- %s",
		npmCache, quote(workDir), packages)
	if !cached {
		install += " && rm -rf " + npmCache
	}
	return install
}

// aptInstall keeps what it fetches out of the directory of archives, which the
// images of Debian and Ubuntu empty after every run.
func aptInstall(_, packages string, cached bool) string {
	const (
		update  = "apt-get update -q -o APT::Update::Error-Mode=any"
		install = "apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "
		env     = "export DEBIAN_FRONTEND=noninteractive && "
	)
	if cached {
		const kept = aptCache + "/kept"
		return env + "mkdir -p " + kept + "/partial && " + update + " && " + install + "-o Dir::Cache::archives=" + kept + " -- " + packages
	}
	return env + update + " && " + install + "-- " + packages + " && apt-get clean && rm -rf " + aptLists + "/*"
}

// cargoInstall installs where every user finds the programs.
func cargoInstall(_, packages string, cached bool) string {
	install := "cargo install --locked --root /usr/local -- " + packages
	clean := `rm -rf "${CARGO_HOME:-$HOME/.cargo}/registry"`
	if cached {
		return install + ` && { [ "${CARGO_HOME:-}" = /usr/local/cargo ] || ` + clean + "; }"
	}
	return install + " && " + clean
}

// quote makes one word of a shell of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
