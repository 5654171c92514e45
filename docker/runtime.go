package docker

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distribution/reference"
)

// Runtime is a named, ready-made environment for a sandbox: an image that is
// there for everybody, or a base with what is to be installed on it.
//
// A runtime is data. An image is built from it only where the engine does not
// have one of the same data and the same base yet.
type Runtime struct {
	// Name is what the runtime is called: up to 64 letters, digits, dots,
	// dashes and underscores, beginning with a letter or digit.
	Name        string
	Description string

	// Image is a ready image, used as it is; or Base is the image to build on,
	// a Debian, Alpine or like system with /bin/sh, to which the fields below
	// are added. Exactly one of them is set.
	Image string
	Base  string

	// Manager installs Packages: "pip" (which "" means), "npm", "apt" or
	// "cargo". The base must have it, or Setup must install it.
	Manager string
	// Packages are specifiers as the manager has them, each one argument:
	// "pandas>=2.0", "typescript@^5.4", "jq=1.6-2.1". npm puts them into
	// WorkDir, cargo into /usr/local/bin.
	Packages []string
	// Setup holds shell commands, one line each, run as root while the image is
	// built, in this order and before Packages.
	Setup []string

	// Env is the environment while the image is built and of commands. Values
	// are literal, whatever characters they have; line ends cannot be.
	Env map[string]string
	// WorkDir is the absolute path of the workspace; "" is /workspace.
	WorkDir string

	// What a sandbox gets where its options name nothing; zero values suggest
	// nothing. Memory is in bytes, CPUs in processors.
	Memory  int64
	CPUs    float64
	Network string
}

// The managers of packages.
const (
	managerPip   = "pip"
	managerNpm   = "npm"
	managerApt   = "apt"
	managerCargo = "cargo"
)

var (
	runtimeNames = pattern(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	envNames     = pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)
	workDirs     = pattern(`^(/[A-Za-z0-9._@+-]+)+$`)
)

// Check reports what is wrong with r, in the words of whoever declared it. What
// it accepts is what Build takes; nothing of it can mean something else to the
// engine, to a shell or to a package manager.
func (r Runtime) Check() error {
	if !runtimeNames().MatchString(r.Name) {
		return fmt.Errorf("runtime %q: the name has up to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit", r.Name)
	}
	for _, check := range []func() error{r.checkImage, r.checkPackages, r.checkSetup, r.checkEnv, r.checkLimits} {
		if err := check(); err != nil {
			return fmt.Errorf("runtime %q: %w", r.Name, err)
		}
	}
	if err := checkWorkDir(r.workDir()); err != nil {
		return fmt.Errorf("runtime %q: work directory %w", r.Name, err)
	}
	return nil
}

func (r Runtime) checkImage() error {
	switch {
	case r.Image == "" && r.Base == "":
		return errors.New("neither an image nor a base to build on")
	case r.Image != "" && r.Base != "":
		return errors.New("an image, used as it is, and a base to build on exclude each other")
	case r.Image != "" && len(r.Packages)+len(r.Setup) > 0:
		return errors.New("an image is used as it is; name it as the base to install packages or run set-up commands")
	case r.Image != "":
		return checkImageName(r.Image)
	case r.Base == "scratch":
		return errors.New("the base scratch has no shell to install anything with")
	}
	if _, err := reference.ParseNormalizedNamed(r.Base); err != nil {
		return fmt.Errorf("base %q is not the name of an image", r.Base)
	}
	return nil
}

// checkImageName refuses what is neither the name nor the id of an image.
func checkImageName(image string) error {
	if _, err := reference.ParseAnyReference(image); err != nil {
		return fmt.Errorf("image %q is neither the name nor the id of one", image)
	}
	return nil
}

func (r Runtime) checkPackages() error {
	m, ok := managers[r.manager()]
	if !ok {
		return fmt.Errorf("there is no package manager %q; known are %s", r.Manager, strings.Join(slices.Sorted(maps.Keys(managers)), ", "))
	}
	for _, p := range r.Packages {
		if !m.accepts(p) {
			return fmt.Errorf("package %q: %s takes %s", p, r.manager(), m.form)
		}
	}
	return nil
}

func (r Runtime) checkSetup() error {
	for _, s := range r.Setup {
		if strings.TrimSpace(s) == "" {
			return errors.New("a set-up command is empty")
		}
		if s[0] == '-' || s[0] == '+' {
			return fmt.Errorf("set-up command %q: the shell would take it for an option", s)
		}
		if !oneLine(s) {
			return fmt.Errorf("set-up command %q: a command is one line of UTF-8 text", s)
		}
	}
	return nil
}

func (r Runtime) checkEnv() error {
	for _, key := range slices.Sorted(maps.Keys(r.Env)) {
		if !envNames().MatchString(key) {
			return fmt.Errorf("environment: %q is no name of a variable", key)
		}
		if !oneLine(r.Env[key]) {
			return fmt.Errorf("environment: the value of %s is not one line of UTF-8 text", key)
		}
	}
	return nil
}

// oneLine accepts UTF-8 without control characters other than the tab.
func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && unicode.IsControl(r) })
}

func (r Runtime) checkLimits() error {
	switch {
	case math.IsNaN(r.CPUs) || math.IsInf(r.CPUs, 0):
		return fmt.Errorf("%v is no number of processors", r.CPUs)
	case r.Network == "host":
		return errors.New("network host gives away the isolation from this machine; only the options of a sandbox can ask for it")
	case r.Network != "" && !networkPattern().MatchString(r.Network):
		return fmt.Errorf("network %q is not the name of one", r.Network)
	}
	return nil
}

// checkWorkDir accepts the absolute path of a directory that a container can
// keep its workspace in.
func checkWorkDir(dir string) error {
	if !workDirs().MatchString(dir) || path.Clean(dir) != dir || len(dir) > 255 {
		return fmt.Errorf("%q: must be an absolute path of letters, digits and . _ @ + -", dir)
	}
	top, below, _ := strings.Cut(dir[1:], "/")
	switch top {
	case "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys":
		return fmt.Errorf("%q: belongs to the system", dir)
	case "home", "media", "mnt", "opt", "root", "srv", "tmp", "usr", "var":
		if below == "" {
			return fmt.Errorf("%q: belongs to the system; name a directory in it", dir)
		}
	}
	return nil
}

func (r Runtime) workDir() string {
	if r.WorkDir == "" {
		return defaultWorkDir
	}
	return r.WorkDir
}

func (r Runtime) manager() string {
	if r.Manager == "" {
		return managerPip
	}
	return r.Manager
}

// clone is a copy that shares nothing with r.
func (r Runtime) clone() Runtime {
	r.Packages, r.Setup, r.Env = slices.Clone(r.Packages), slices.Clone(r.Setup), maps.Clone(r.Env)
	return r
}
