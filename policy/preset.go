package policy

import (
	"maps"
	"slices"

	"github.com/hutch-dev/hutch/guard"
)

// secrets are names of files that hold keys and passwords. Certificates
// ("**/*.crt") are public and not among them.
var secrets = []string{
	"**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/.aws/**", "**/.ssh/**", "**/.gnupg/**",
	"**/*.{p12,pfx,jks,keystore,kdbx}", "**/id_{rsa,dsa,ecdsa,ed25519}{,_sk}",
	"**/{.netrc,.pgpass,.git-credentials}", "**/.docker/config.json", "**/.kube/config",
	"**/{secrets,passwords}.{js,cjs,mjs,ts,lua,php,pl,py,rb}", // settings, in languages in which these are written
}

// telling are names that tell of secrets: of files with any ending but those of
// sources, and of directories with all in them but sources.
var telling = []string{"**/credentials*", "**/secrets*", "**/*secret*", "**/*password*"}

// sources are files of programs. "secretary.go", "secrets_test.go" and the package
// "internal/secrets" are about secrets and hold none. Not among them are scripts of
// the shell, SQL, markup and notes, which do hold some.
const sources = "**/*.{go,c,cc,cpp,cxx,h,hh,hpp,cs,clj,cljs,dart,erl,ex,exs,fs,hs,java,js,cjs,mjs,jsx,jl,kt,lua,m,mm,ml,mli," +
	"php,pl,pm,proto,py,pyi,rb,rs,scala,svelte,swift,ts,tsx,vue,zig}"

// templates look like secrets and are there to be read.
var templates = []string{"**/.env.{example,sample,template,dist}"}

// system are the directories of the system on which commands run.
var system = []string{
	"//etc/**", "//var/**", "//usr/**", "//bin/**", "//sbin/**", "//lib{,32,64}/**", "//boot/**", "//sys/**", "//proc/**", "//dev/**",
}

const (
	secretText    = "files that look like secrets stay out of reach"
	systemText    = "system directories are not changed"
	dangerousText = "this would destroy a system or a whole home directory"
)

// Options says what [New] makes. The zero value may read and search all but
// secrets, and asks before it writes, edits or executes.
type Options struct {
	// Default is for operations that are not switched on. "" is Ask.
	Default Action
	// What is switched on is allowed.
	AllowWrite, AllowEdit, AllowExecute bool
	// Reading and searching is allowed unless it is switched off.
	NoRead, NoList, NoGlob, NoGrep bool
	// Secrets treats files that look like secrets as all others. Without it they
	// are neither read, written nor edited. An operation that is allowed may be done
	// with source files even so, as "secrets_test.go" is one.
	Secrets bool
}

// New makes a Set from a few switches. nil is the zero Options.
func New(opts *Options) Set {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Default == "" {
		o.Default = Ask
	}
	on := func(allowed bool) Rules {
		if allowed {
			return Rules{Default: Allow}
		}
		return Rules{Default: o.Default}
	}
	s := Set{
		Default: o.Default,
		Read:    on(!o.NoRead), List: on(!o.NoList), Glob: on(!o.NoGlob), Grep: on(!o.NoGrep),
		Write: on(o.AllowWrite), Edit: on(o.AllowEdit), Execute: on(o.AllowExecute),
	}
	if !o.Secrets {
		s.denySecrets(guard.Read, guard.Write, guard.Edit)
	}
	return s
}

// Default reads and searches all but secrets, and asks before it writes, edits or
// executes.
func Default() Set {
	s := New(nil)
	s.Write.Rules, s.Edit.Rules = nil, nil
	return s
}

// Permissive allows all but secrets, system directories and dangerous commands.
func Permissive() Set {
	var s Set
	s.Default = Allow
	s.Write.deny(systemText, system) // before what is allowed wherever it is
	s.Edit.deny(systemText, system)
	s.denySecrets(guard.Read, guard.Write, guard.Edit)
	s.Execute.deny(dangerousText, []string{"@dangerous"})
	return s
}

// ReadOnly reads and searches all but secrets, and changes and executes nothing.
func ReadOnly() Set {
	s := Set{Default: Allow, Write: Rules{Default: Deny}, Edit: Rules{Default: Deny}, Execute: Rules{Default: Deny}}
	s.denySecrets(guard.Read)
	return s
}

// Strict asks before everything, and lets nobody approve secrets.
func Strict() Set {
	s := Set{Default: Ask}
	s.denySecrets(guard.Read, guard.Write, guard.Edit)
	s.Execute.deny(dangerousText, []string{"@dangerous"})
	return s
}

var presets = map[string]func() Set{
	"default": Default, "permissive": Permissive, "read-only": ReadOnly, "strict": Strict,
}

// Presets are the names that [Preset] knows, sorted.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset is a ready-made Set by its name: default, permissive, read-only, strict.
func Preset(name string) (Set, bool) {
	make, ok := presets[name]
	if !ok {
		return Set{}, false
	}
	return make(), true
}

// denySecrets denies secrets to the operations. Where all else is allowed, so are
// templates, and sources whatever they are named; elsewhere such names are denied,
// since a rule that allows them would do so without asking.
func (s *Set) denySecrets(ops ...guard.Op) {
	for _, op := range ops {
		r := s.For(op)
		open := first(r.Default, s.Default) == Allow
		if open {
			r.allow("templates of secrets hold none", templates...)
		}
		r.deny(secretText, secrets)
		if open {
			r.allow("sources are about secrets and hold none", sources)
		}
		r.deny(secretText, telling)
	}
}

func (r *Rules) allow(why string, patterns ...string) {
	for _, p := range patterns {
		r.Rules = append(r.Rules, Rule{Pattern: p, Action: Allow, Description: why})
	}
}

func (r *Rules) deny(why string, patterns []string) {
	for _, p := range patterns {
		r.Rules = append(r.Rules, Rule{Pattern: p, Action: Deny, Description: why})
	}
}
