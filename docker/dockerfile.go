package docker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// generator is counted up whenever what Dockerfile writes for the same data
// changes what comes out of a build.
const generator = 1

// Dockerfile is the file that r is built from, made of r alone: the same data
// always gives the same text. A runtime with a ready image has none.
//
// Commands are written as JSON, which neither the engine nor the base image can
// read differently.
func (r Runtime) Dockerfile() string { return dockerfile(r.instructions(false)) }

// instruction is a line of a Dockerfile, and how people are told of it.
type instruction struct{ keyword, rest, title string }

func dockerfile(all []instruction) string {
	var b strings.Builder
	for _, i := range all {
		b.WriteString(i.keyword + " " + i.rest + "\n")
	}
	return b.String()
}

// instructions are the lines of the file; cached mounts the caches of package
// managers, which takes BuildKit and changes nothing of the image.
func (r Runtime) instructions(cached bool) []instruction {
	if r.Base == "" {
		return nil
	}
	all := []instruction{plain("FROM", r.Base), plain("USER", "root")}
	all = append(all, r.environment()...)
	all = append(all, run("-ec", r.account(), "make the user and "+r.workDir()))
	for _, s := range r.Setup {
		all = append(all, run("-c", s, s))
	}
	switch {
	case len(r.Packages) > 0:
		all = append(all, r.install(cached))
	case len(r.Setup) > 0:
		all = append(all, run("-ec", r.handOver(), "give "+r.workDir()+" to the user"))
	}
	return append(all, plain("WORKDIR", r.workDir()))
}

func plain(keyword, rest string) instruction { return instruction{keyword, rest, keyword + " " + rest} }

// run is one command of a shell, which the engine passes on as it is.
func run(flag, script, title string, mounts ...string) instruction {
	var words bytes.Buffer
	enc := json.NewEncoder(&words)
	enc.SetEscapeHTML(false)
	_ = enc.Encode([]string{"/bin/sh", flag, script}) // strings can always be encoded
	mounts = append(mounts, strings.TrimSpace(words.String()))
	return instruction{"RUN", strings.Join(mounts, " "), title}
}

// environment is, for npm, the programs of packages in the path behind those of
// the system, then what was declared.
func (r Runtime) environment() []instruction {
	var all []instruction
	if r.manager() == managerNpm && len(r.Packages) > 0 {
		all = append(all, plain("ENV", `PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}:`+r.workDir()+`/node_modules/.bin"`))
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(r.Env)) {
		pairs = append(pairs, key+`="`+envValue.Replace(r.Env[key])+`"`)
	}
	if len(pairs) > 0 {
		all = append(all, plain("ENV", strings.Join(pairs, " ")))
	}
	return all
}

// envValue takes their meaning from the characters of a quoted value of ENV.
var envValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// account makes the user, the home and the workspace. The user is written into
// the files of accounts, since not every base has a program for that; an
// account that has the number already keeps its name, but the number is ours.
func (r Runtime) account() string {
	file := func(name, line string) string {
		return fmt.Sprintf("{ echo %s; grep -v '^user:' /etc/%s || :; } >/etc/%[2]s.new && cat /etc/%[2]s.new >/etc/%[2]s && rm /etc/%[2]s.new", line, name)
	}
	return strings.Join([]string{
		fmt.Sprintf("mkdir -p %s %s /etc", quote(r.workDir()), userHome),
		file("passwd", fmt.Sprintf("user:x:%d:%[1]d::%s:/bin/sh", userID, userHome)),
		file("group", fmt.Sprintf("user:x:%d:", userID)),
		fmt.Sprintf("chown %d:%[1]d %s", userID, userHome),
		r.handOver(),
	}, " && ")
}

// handOver gives the workspace to the user.
func (r Runtime) handOver() string {
	return fmt.Sprintf("chown -Rh %d:%[1]d %s", userID, quote(r.workDir()))
}

// install installs the packages and hands over in the same step, since a change
// of owner in a later one would store the files again.
func (r Runtime) install(cached bool) instruction {
	m := managers[r.manager()]
	var words []string
	for _, p := range r.Packages {
		words = append(words, quote(p))
	}
	packages := strings.Join(words, " ")
	var mounts []string
	for _, dir := range m.cache {
		if cached {
			mounts = append(mounts, fmt.Sprintf("--mount=type=cache,id=hutch-%s-%s-%s,target=%[3]s,sharing=locked", r.manager(), r.Base, dir))
		}
	}
	script := m.install(r.workDir(), packages, cached) + " && " + r.handOver()
	return run("-ec", script, r.manager()+" install "+packages, mounts...)
}
