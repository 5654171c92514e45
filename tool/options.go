package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/job"
)

// Profile is for whom the descriptions are.
type Profile string

// The profiles. Coding is for a model that works on a program; Agent leaves out
// what is only good for that.
const (
	Coding Profile = "coding"
	Agent  Profile = "agent"
)

// EditFormat is how a model edits.
type EditFormat string

// The edit formats: edit_file and multi_edit, which replace exact text;
// hashline_edit, which names lines by the hashes that read_file then shows;
// apply_patch; or all of them.
const (
	StrReplace EditFormat = "str_replace"
	Hashline   EditFormat = "hashline"
	Patch      EditFormat = "patch"
	AllFormats EditFormat = "all"
)

// Limits of the tools; those that Options has no field for are fixed.
const (
	DefaultMaxInput = 32 << 20 // bytes of arguments of one call
	DefaultMaxMedia = 50 << 20 // bytes of an image or a document
)

// Options qualifies Console. The zero value is good.
type Options struct {
	Profile    Profile    // "" is Coding
	EditFormat EditFormat // "" is StrReplace
	// Texts are other words for some tools, by the name of the tool.
	Texts map[string]Text
	// Without are names of tools that are not wanted.
	Without []string

	// Images and Documents let read_file hand over png, jpeg, gif and webp files,
	// and PDF files, as Media, for a model that can look at them. MaxImage and
	// MaxDocument are in bytes, 0 is DefaultMaxMedia.
	Images, Documents     bool
	MaxImage, MaxDocument int64

	// SearchHidden lets grep and glob look at hidden files where the call does
	// not say otherwise.
	SearchHidden bool
	// Jobs are the commands in the background, for who wants to share them or to
	// end them earlier; it must be of the same backend. Without, a Console has its
	// own, which end with the sandbox.
	Jobs *job.Jobs
	// Keep is where output too large to show is kept, under the same names as in
	// the backend; nil is the backend itself. Where a guard does not let the tools
	// write there of themselves it is not kept, and the results say so.
	Keep hutch.Backend
	// MaxInput is how many bytes of arguments a call takes, 0 is DefaultMaxInput.
	MaxInput int
}

// Text is other words for a tool. What is empty stays as it is.
type Text struct {
	Title       string
	Description string            // in place of ours
	Append      string            // after it, as a paragraph of its own
	Args        map[string]string // descriptions of arguments, by their names
}

// Check returns an error that says what in o has no meaning: a profile or an
// edit format that does not exist, texts for tools or arguments that do not
// exist. [Console] takes no notice of these; call Check where options come from
// a file or from a person.
func (o *Options) Check() error {
	if o == nil {
		return nil
	}
	var errs []error
	if !slices.Contains([]Profile{"", Coding, Agent}, o.Profile) {
		errs = append(errs, fmt.Errorf("no profile %q: there is %s and %s", o.Profile, Coding, Agent))
	}
	if !slices.Contains([]EditFormat{"", StrReplace, Hashline, Patch, AllFormats}, o.EditFormat) {
		errs = append(errs, fmt.Errorf("no edit format %q: there is %s, %s, %s and %s", o.EditFormat, StrReplace, Hashline, Patch, AllFormats))
	}
	for _, name := range slices.Sorted(maps.Keys(o.Texts)) {
		if !slices.Contains(Names(), name) {
			errs = append(errs, fmt.Errorf("text for %q: there is no such tool, only %s", name, strings.Join(Names(), ", ")))
		}
		for _, arg := range slices.Sorted(maps.Keys(o.Texts[name].Args)) {
			if !takes(name, arg) {
				errs = append(errs, fmt.Errorf("text for %q: it has no argument %q", name, arg))
			}
		}
	}
	for _, name := range o.Without {
		if !slices.Contains(Names(), name) {
			errs = append(errs, fmt.Errorf("without %q: there is no such tool, only %s", name, strings.Join(Names(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// takes reports whether a tool has an argument.
func takes(name, arg string) bool {
	c := &console{o: (&Options{EditFormat: AllFormats}).full()}
	x := &commands{console: c}
	for _, t := range append(c.fileTools(), x.executeTool(), x.runTool(), x.outputTool(), x.killTool(), x.listTool()) {
		var s struct{ Properties map[string]any }
		if t.Name == name && json.Unmarshal(t.Input, &s) == nil {
			_, ok := s.Properties[arg]
			return ok
		}
	}
	return true // there is no such tool, which is said already
}

// Names are the names of all tools that a console can have, in their order.
func Names() []string {
	return []string{
		"ls", "read_file", "write_file", "edit_file", "multi_edit", "hashline_edit", "apply_patch", "glob", "grep",
		"execute", "run_in_background", "read_output", "kill_shell", "list_shells",
	}
}

// full is o with its defaults, and a copy.
func (o *Options) full() Options {
	var f Options
	if o != nil {
		f = *o
	}
	f.Texts = maps.Clone(f.Texts)
	f.Without = slices.Clone(f.Without)
	f.Profile = orElse(f.Profile, Coding)
	f.EditFormat = orElse(f.EditFormat, StrReplace)
	f.MaxImage = orElse(f.MaxImage, DefaultMaxMedia)
	f.MaxDocument = orElse(f.MaxDocument, DefaultMaxMedia)
	f.MaxInput = orElse(f.MaxInput, DefaultMaxInput)
	return f
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
