package tool

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.md
var pages embed.FS

// text is the words for a tool: those of its page, then those of the options.
//
// A page is Markdown. A line "::word" begins a part that is only for consoles
// with that flag, "::!word" one for those without it; "::" ends it.
func (c *console) text(name string) Text {
	page, err := pages.ReadFile(name + ".md")
	if err != nil {
		panic(err) // a tool without a page
	}
	t := Text{Description: render(string(page), c.flags())}
	o := c.o.Texts[name]
	t.Title, t.Args = o.Title, o.Args
	if o.Description != "" {
		t.Description = o.Description
	}
	if o.Append != "" {
		t.Description += "\n\n" + o.Append
	}
	return t
}

// flags are what parts of a page can ask for.
func (c *console) flags() []string {
	flags := []string{string(c.o.Profile), string(c.o.EditFormat)}
	if c.o.Images {
		flags = append(flags, "images")
	}
	if c.o.Documents {
		flags = append(flags, "documents")
	}
	return flags
}

func render(page string, flags []string) string {
	var out strings.Builder
	show := true
	for line := range strings.Lines(page) {
		word, mark := strings.CutPrefix(strings.TrimSpace(line), "::")
		if !mark {
			if show {
				out.WriteString(line)
			}
			continue
		}
		word, not := strings.CutPrefix(word, "!")
		show = word == "" || slices.Contains(flags, word) != not
	}
	return strings.TrimSpace(out.String())
}
