package docker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// recorder is a set-up command that makes a program of its arguments' recorder,
// which also leaves a file in the directory.
func recorder(program, dir string) string {
	return fmt.Sprintf(`printf '#!/bin/sh\nprintf "%%%%s|" "$@" >/recorded\ntouch %s/made-by-%s\n' >/usr/local/bin/%[2]s && chmod +x /usr/local/bin/%[2]s`, dir, program)
}

// TestBuildExact builds runtimes with everything that is hard to quote and looks
// at what comes out.
func TestBuildExact(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		for _, test := range []struct{ manager, dir, packages, args string }{
			{"pip", "/workspace", "pandas>=2.0 a[b]==1.*,<2", "install%s--|pandas>=2.0|a[b]==1.*,<2|"},
			{"npm", "/app", "@types/react a@^1|2", "install|--prefix|/app|--no-audit|--no-fund|--no-update-notifier|--|@types/react|a@^1|2|"},
			{"cargo", "/src/it", "ripgrep@>=14", "install|--locked|--root|/usr/local|--|ripgrep@>=14|"},
		} {
			r := testRuntime(t, e)
			r.Manager, r.WorkDir, r.Packages = test.manager, test.dir, strings.Fields(test.packages)
			r.Env = map[string]string{"HARD": `back\slash \\ "quoted" $HOME ${x:-y} $(id) 'single' #` + "\t \\", "EMPTY": "", "UTF": "ü\u2028\ufeff"}
			r.Setup = []string{
				recorder(test.manager, test.dir),
				`printf %s 'a "b" <<E \' >/etc/setup; printf '%s\n' "$HARD" >/etc/hard # \`,
			}
			image := buildTest(t, e, r, o)
			got := inside(t, e, image, "1000:1000", `cat /recorded; echo; printf '%s\n' "$HARD" "$EMPTY" "$UTF"; cat /etc/hard /etc/setup; echo
				pwd; stat -c %u:%g:%n . *; ls / | grep =; ls -A | wc -l; echo "$PATH"`)
			args := test.args
			if test.manager == "pip" {
				args = fmt.Sprintf(args, map[bool]string{true: "|--no-cache-dir|", false: "|"}[o.Classic])
			}
			path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
			if test.manager == "npm" {
				path += ":/app/node_modules/.bin"
			}
			made := "made-by-" + test.manager
			want := args + "\n" + r.Env["HARD"] + "\n\n" + r.Env["UTF"] + "\n" + r.Env["HARD"] + "\n" + `a "b" <<E \` + "\n" +
				test.dir + "\n1000:1000:.\n1000:1000:" + made + "\n1\n" + path + "\n"
			if got != want {
				t.Errorf("%s: it is\n%q, not\n%q", test.manager, got, want)
			}
		}
	})
}

// TestBuildAccount: the user is there, whoever had the number before.
func TestBuildAccount(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		taken := testRuntime(t, e)
		taken.Setup = []string{`sed -i '/^user:/d' /etc/passwd /etc/group; echo node:x:1000:1000::/home/node:/bin/sh >>/etc/passwd; echo node:x:1000: >>/etc/group`}
		for _, base := range []string{testImage, buildTest(t, e, taken, o)} {
			r := testRuntime(t, e)
			r.Base = base
			got := inside(t, e, buildTest(t, e, r, o), "1000:1000", "id; id root; cd ~ && pwd; touch ~/a /workspace/a && stat -c '%U %G' ~ /workspace; ls /etc/*.new")
			want := "uid=1000(user) gid=1000(user) groups=1000(user)\nuid=0(root) gid=0(root) groups=0(root)\n/home/user\nuser user\nuser user\nls: cannot access '/etc/*.new': No such file or directory\n"
			if got != want {
				t.Errorf("on %s: %q", base, got)
			}
		}
	})
}

// TestBuildApt installs packages of the distribution for real.
func TestBuildApt(t *testing.T) {
	slow(t)
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		o.Network = "host" // the tests' engine need not have another that reaches Debian
		r := testRuntime(t, e)
		r.Manager, r.Packages = "apt", []string{"jq", "tree"}
		image := buildTest(t, e, r, o)
		got := inside(t, e, image, "0", `echo '{"a":2}' | jq .a; tree --noreport /home; find / -xdev -name 'jq_*' -o -xdev -name pkgcache.bin`)
		if o.Classic { // with BuildKit those of the base are hidden behind the cache, and not touched
			got += inside(t, e, image, "0", "find /var/lib/apt/lists -name '*_Packages*'")
		}
		if want := "2\n/home\n`-- user\n"; got != want {
			t.Errorf("%q", got)
		}
		r.Packages = []string{"no-such-package"}
		_, err := e.imageOf(t.Context(), r, o)
		var failed *BuildError
		if !errors.As(err, &failed) || !strings.Contains(failed.Output, "no-such-package") || failed.Err.Error() != "exit status 100" {
			t.Errorf("a package that does not exist: %v", err)
		}
	})
}

// TestBuildPip has the real pip choose among versions, on a system that manages
// its Python itself.
func TestBuildPip(t *testing.T) {
	const wheel = `import zipfile,sys
for v in sys.argv[1:]:
  with zipfile.ZipFile(f'/wheels/demo-{v}-py3-none-any.whl','w') as z:
    z.writestr('demo.py', f'version="{v}"'); i=f'demo-{v}.dist-info/'
    z.writestr(i+'METADATA', f'Metadata-Version: 2.1\nName: demo\nVersion: {v}\n')
    z.writestr(i+'WHEEL', 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    z.writestr(i+'RECORD', '')`
	slow(t)
	e := testEngine(t)
	base := testRuntime(t, e)
	base.Manager, base.Packages = "apt", []string{"python3-pip"}
	image := buildTest(t, e, base, &BuildOptions{Network: "host"})
	script := strings.ReplaceAll(strings.ReplaceAll(wheel, `\n`, `\\n`), "\n", `\n`)
	python := testRuntime(t, e)
	python.Base = image
	python.Setup = []string{"mkdir /wheels; printf " + quote(script) + " >/wheels/make.py; python3 /wheels/make.py 1.0 2.1 3.0"}
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		python.Env = map[string]string{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
		for spec, version := range map[string]string{"demo>=2.0,<3": "2.1", "demo < 2": "1.0"} {
			python.Packages = []string{spec}
			image := buildTest(t, e, python, o)
			got := inside(t, e, image, "1000:1000", "python3 -c 'import demo; print(demo.version)'; ls / /workspace | grep =; ls -A /root/.cache /var/cache/hutch/pip 2>/dev/null | grep -v :")
			if strings.TrimSpace(got) != version {
				t.Errorf("%s gives %q, not %s", spec, got, version)
			}
		}
	})
}
