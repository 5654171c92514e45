package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/local"
	"github.com/pelletier/go-toml/v2"
)

// config is the config file.
type config struct {
	Default  string                    `toml:"default"`
	Backends map[string]*backendConfig `toml:"backends"`
	Runtimes map[string]*runtimeConfig `toml:"runtimes"`
	Policy   string                    `toml:"policy"`
	Policies map[string]*policyConfig  `toml:"policies"`
	Remember string                    `toml:"remember"` // a file of answers
	Audit    string                    `toml:"audit"`    // a file
	Limit    caps                      `toml:"limit"`
	Model    string                    `toml:"model"`  // of an agent
	Prices   map[string]*price         `toml:"prices"` // of models, by their names

	dir string // what relative paths in it are relative to
}

// backendConfig is one named backend: a URL with options of its sandbox, or a
// composite.
type backendConfig struct {
	URL       string            `toml:"url"`
	Name      string            `toml:"name"`
	Isolation *isolation        `toml:"isolation"`
	Network   bool              `toml:"network"`
	HostPath  bool              `toml:"host_path"`
	Visible   []string          `toml:"visible"`
	Protect   []string          `toml:"protect"`
	Unprotect []string          `toml:"unprotect"`
	Hide      []string          `toml:"hide"`
	Env       map[string]string `toml:"env"`
	Limits    limits            `toml:"limits"`

	Default  string            `toml:"default"`
	Routes   map[string]string `toml:"routes"`
	ReadOnly []string          `toml:"read_only"`

	farConfig
}

// limits are the limits of commands, in the config file and as flags.
type limits struct {
	Time      duration `toml:"time"`
	CPU       duration `toml:"cpu"`
	Memory    size     `toml:"memory"`
	Processes count    `toml:"processes"`
	FileSize  size     `toml:"file_size"`
	OpenFiles count    `toml:"open_files"`
}

// loadConfig reads a config file. Without one there are no named backends.
func loadConfig(file string) (*config, error) {
	if file == "" {
		file = os.Getenv("HUTCH_CONFIG")
	}
	if file == "" {
		return &config{}, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("config file %s: %w", file, bare(err))
	}
	c := &config{dir: filepath.Dir(file)}
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, configError(file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Backends)) {
		if err := c.Backends[name].check(name); err != nil {
			return nil, fmt.Errorf("config file %s: backends.%s: %w", file, name, err)
		}
	}
	if err := c.checkPolicies(); err != nil {
		return nil, fmt.Errorf("config file %s: %w", file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Prices)) {
		if err := c.Prices[name].check(); err != nil {
			return nil, fmt.Errorf("config file %s: prices.%q: %w", file, name, err)
		}
	}
	if _, err := c.catalog(); err != nil {
		return nil, fmt.Errorf("config file %s: %w", file, err)
	}
	return c, nil
}

// bare is an error of the file system without operation and path.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// configError says where in the file the error is.
func configError(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		row, column := first.Position()
		return fmt.Errorf("config file %s:%d:%d: unknown key %q", file, row, column, strings.Join(first.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, column := bad.Position()
		text := strings.TrimPrefix(bad.Error(), "toml: ")
		if strings.Contains(text, "Go struct field") || strings.Contains(text, "main.") {
			text = fmt.Sprintf("wrong type for %q", strings.Join(bad.Key(), "."))
		}
		return fmt.Errorf("config file %s:%d:%d: %s", file, row, column, text)
	}
	return fmt.Errorf("config file %s: %w", file, err)
}

// check finds what is wrong with one backend before any is opened.
func (b *backendConfig) check(name string) error {
	if err := b.checkFar(); err != nil && (b.URL == "") == (b.Default != "") {
		return err
	}
	switch {
	case name == "" || strings.Contains(name, ":"):
		return errors.New("the name of a backend is not empty and has no colon")
	case b.URL == "" && b.Default == "":
		return errors.New("neither url nor, for a composite, default")
	case b.Name != "" && !strings.HasPrefix(b.URL, "docker:"):
		return errors.New("only the container of docker: has a name")
	case b.URL != "" && (b.Default != "" || b.Routes != nil || b.ReadOnly != nil):
		return errors.New("url and default, routes or read_only exclude each other")
	case b.Default != "" && b.hasOptions():
		return errors.New("a composite has no options of its own; set them on the backend whose commands they are for")
	case strings.HasPrefix(b.URL, "docker:"):
		if b.Isolation != nil || b.HostPath || b.Visible != nil || b.Unprotect != nil {
			return fmt.Errorf("%s takes name, network, protect, hide, env and limits, and no other options", b.URL)
		}
	case b.URL != "" && !strings.HasPrefix(b.URL, "local:") && b.hasOptions():
		return fmt.Errorf("%s takes no options", b.URL)
	}
	for _, prefix := range b.ReadOnly {
		if _, ok := b.Routes[prefix]; !ok {
			return fmt.Errorf("read_only names %q, which is not among the routes", prefix)
		}
	}
	for key := range b.Env {
		if key == "" || strings.ContainsAny(key, "=\x00") {
			return fmt.Errorf("env: %q is no name of a variable", key)
		}
	}
	return nil
}

func (b *backendConfig) hasOptions() bool {
	return b.Isolation != nil || b.Network || b.HostPath || b.Visible != nil || b.Protect != nil ||
		b.Unprotect != nil || b.Hide != nil || b.Env != nil || b.Limits != limits{}
}

// options are those of a local backend.
func (b *backendConfig) options() *local.Options {
	o := &local.Options{
		Network: b.Network, HostPath: b.HostPath,
		Visible: b.Visible, Protect: b.Protect, Unprotect: b.Unprotect, Hide: b.Hide,
	}
	if b.Isolation != nil {
		o.Isolation = local.Isolation(*b.Isolation)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Env)) {
		o.Env = append(o.Env, key+"="+b.Env[key])
	}
	b.Limits.apply(&o.Limits)
	return o
}
