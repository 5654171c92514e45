package docker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// builders runs a test with every builder of the engine.
func builders(t *testing.T, test func(t *testing.T, e *engine, o *BuildOptions)) {
	for _, classic := range []bool{false, true} {
		name := map[bool]string{false: "buildkit", true: "classic"}[classic]
		t.Run(name, func(t *testing.T) {
			if classic {
				slow(t)
			}
			e := testEngine(t)
			if kit, err := e.hasBuildKit(t.Context()); err != nil || !kit && !classic {
				lacking(t, "docker", fmt.Sprintf("no BuildKit: %v", err))
			}
			test(t, e, &BuildOptions{Classic: classic, Network: "none"})
		})
	}
}

// slow is for tests that fetch from Debian, and those with the classic builder,
// which starts a container for every step.
func slow(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
}

// testRuntime is a runtime that nobody else has; its images go with the test.
func testRuntime(t *testing.T, e *engine) Runtime {
	r := Runtime{Name: "test-" + strings.ToLower(rand.Text()), Base: testImage}
	t.Cleanup(func() {
		if _, err := e.removeImages(context.Background(), r.Name, func(BuiltImage) bool { return true }); err != nil {
			t.Error(err)
		}
	})
	return r
}

func buildTest(t *testing.T, e *engine, r Runtime, o *BuildOptions) string {
	t.Helper()
	image, err := e.imageOf(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// inside runs a script in a container of image and returns what it printed.
func inside(t *testing.T, e *engine, image, user, script string) string {
	t.Helper()
	id := containerOf(t, e, image, user, script)
	wait := e.api.ContainerWait(t.Context(), id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := e.api.ContainerStart(t.Context(), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		t.Fatal(err)
	}
	logs, err := e.api.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, logs); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// containerOf makes a container that is not started and goes with the test.
func containerOf(t *testing.T, e *engine, image, user, script string) string {
	t.Helper()
	c, err := e.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: image, User: user, Cmd: []string{"sh", "-c", script}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := e.api.ContainerRemove(context.Background(), c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	return c.ID
}

func hasImage(t *testing.T, e *engine, image string) bool {
	t.Helper()
	_, err := e.imageID(t.Context(), image)
	if err != nil && !notFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

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

func TestBuildOnce(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"true"}
		var first, second, anew bytes.Buffer
		o.Progress = &first
		image := buildTest(t, e, r, o)
		id, _ := e.imageID(t.Context(), image)
		if !strings.Contains(first.String(), "make the user and /workspace\n") || !strings.Contains(first.String(), "] true\n") {
			t.Errorf("progress: %q", first.String())
		}
		if !strings.HasPrefix(image, "hutch-runtime:"+r.Name+"-") {
			t.Errorf("image %q", image)
		}
		o.Progress = &second
		r.Description = "of no interest"
		if again := buildTest(t, e, r, o); again != image || second.Len() > 0 {
			t.Errorf("built again: %s %q", again, second.String())
		}
		o.Progress, o.NoCache = &anew, true
		if again := buildTest(t, e, r, o); again != image || anew.Len() == 0 {
			t.Errorf("not built anew: %s", again)
		}
		if now, _ := e.imageID(t.Context(), image); now == id {
			t.Error("anew gives the same image")
		}
		if all, err := e.builtImages(t.Context(), runtimeFilter(r.Name)); err != nil || len(all) != 1 {
			t.Errorf("%d images: %+v, %v", len(all), all, err)
		}
	})
}

// TestBuildForged: an image that only has the name is not what is wanted, be it
// anybody's or one of the same runtime.
func TestBuildForged(t *testing.T) {
	e := testEngine(t)
	o := &BuildOptions{Network: "none"}
	base, err := e.imageID(t.Context(), testImage)
	if err != nil {
		t.Fatal(err)
	}
	other := testRuntime(t, e)
	other.Env = map[string]string{"OTHER": "1"}
	for _, forge := range []func() string{func() string { return testImage }, func() string { return buildTest(t, e, other, o) }} {
		r, forged := other, forge()
		r.Env = nil
		tag := target{r, r.hash(base)}.tag()
		if _, err := e.api.ImageTag(t.Context(), client.ImageTagOptions{Source: forged, Target: tag}); err != nil {
			t.Fatal(err)
		}
		id, err := e.imageID(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		if image := buildTest(t, e, r, o); image != tag {
			t.Errorf("%s, not %s", image, tag)
		}
		if now, err := e.imageID(t.Context(), tag); now == id || err != nil {
			t.Errorf("the forged image is used, or %v", err)
		}
	}
}

// TestBuildBaseChanges: another base is another image; without any base what
// was built on it serves.
func TestBuildBaseChanges(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		other := testRuntime(t, e)
		other.Setup = []string{"echo other >/etc/other"}
		r := testRuntime(t, e)
		r.Base = "hutch-test-base:" + r.Name
		name := func(image string) {
			if _, err := e.api.ImageTag(t.Context(), client.ImageTagOptions{Source: image, Target: r.Base}); err != nil {
				t.Fatal(err)
			}
		}
		forget := func() { _, _ = e.api.ImageRemove(context.Background(), r.Base, client.ImageRemoveOptions{}) }
		t.Cleanup(forget)
		name(testImage)
		first := buildTest(t, e, r, o)
		name(buildTest(t, e, other, o))
		second := buildTest(t, e, r, o)
		if first == second {
			t.Errorf("both are %s", first)
		}
		if got := inside(t, e, second, "1000:1000", "cat /etc/other"); got != "other\n" {
			t.Errorf("%q", got)
		}
		if hasImage(t, e, first) {
			t.Error("the first is still there")
		}
		forget()
		if third := buildTest(t, e, r, o); third != second {
			t.Errorf("without the base it is %s", third)
		}
	})
}

func TestBuildFails(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"echo early", `i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "line $i of $$ $(printf %0600d 0)"; done; printf 'bar 1\rbar 2\rbar 3'; exit 7`, "echo late"}
		var progress bytes.Buffer
		o.Progress = &progress
		_, err := e.imageOf(t.Context(), r, o)
		var failed *BuildError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if failed.Runtime != r.Name || !strings.Contains(failed.Step, "] "+r.Setup[1][:30]) || failed.Err.Error() != "exit status 7" {
			t.Errorf("%+v", failed)
		}
		lines := strings.Split(failed.Output, "\n")
		if len(lines) != 20 || !strings.HasPrefix(lines[0], "line 32 of ") || len(lines[0]) > 510 || lines[19] != "bar 3" {
			t.Errorf("output of %d lines: %q", len(lines), lines)
		}
		if text := err.Error(); len(text) > 12_000 || !strings.Contains(text, "line 50") {
			t.Errorf("%d bytes: %s", len(text), text)
		}
		if strings.Contains(progress.String(), "late") {
			t.Error("it went on")
		}
		if all, err := e.builtImages(t.Context(), runtimeFilter(r.Name)); err != nil || len(all) > 0 {
			t.Errorf("left behind: %+v %v", all, err)
		}
	})
}

func TestBuildPullFails(t *testing.T) {
	e := testEngine(t)
	r := testRuntime(t, e)
	r.Base = "127.0.0.1:1/no/such:1"
	_, err := e.imageOf(t.Context(), r, nil)
	if err == nil || !strings.Contains(err.Error(), "image 127.0.0.1:1/no/such:1 is not here and could not be pulled: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	r.Image, r.Base = r.Base, ""
	if _, err2 := e.imageOf(t.Context(), r, nil); err2 == nil || err2.Error() != err.Error() {
		t.Errorf("%v", err2)
	}
}

// TestBuildRefused: bad data do not reach the engine, which is not there.
func TestBuildRefused(t *testing.T) {
	e := &engine{}
	if _, err := e.imageOf(t.Context(), Runtime{Name: "x", Base: "debian", Packages: []string{"-x"}}, nil); err == nil {
		t.Error("a bad package is accepted")
	}
	if _, err := e.imageOf(t.Context(), Runtime{Name: "x", Base: "debian"}, &BuildOptions{Network: "a b"}); err == nil {
		t.Error("a bad network is accepted")
	}
}

// TestBuildCancelled ends a build whose command holds a connection, which ends
// with the command.
func TestBuildCancelled(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := testRuntime(t, e)
		r.Setup = []string{fmt.Sprintf(`python3 -c 'import socket; s=socket.create_connection(("127.0.0.1",%d)); s.send(b"here\n"); s.recv(1)'`, l.Addr().(*net.TCPAddr).Port)}
		o.Network = "host"
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.imageOf(ctx, r, o)
			done <- err
			l.Close()
		}()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal("the command never came: ", <-done)
		}
		defer conn.Close()
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "here\n" {
			t.Fatal(line, err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("the command is still there: %v", err)
		}
	})
}

// TestBuildTogether builds one runtime in what the engine takes for four processes.
func TestBuildTogether(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"echo together"}
		images := make([]string, 4)
		var wg sync.WaitGroup
		for i := range images {
			wg.Go(func() {
				own := &engine{api: e.api, host: fmt.Sprint("process", i/2)}
				image, err := own.imageOf(t.Context(), r, o)
				if err != nil {
					t.Error(err)
				}
				images[i] = image
			})
		}
		wg.Wait()
		if len(slices.Compact(images)) != 1 {
			t.Errorf("%q", images)
		}
		if got := inside(t, e, images[0], "1000:1000", "echo $0"); got != "sh\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestBuildProgressFails(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		o.Progress = failingWriter{}
		if _, err := e.imageOf(t.Context(), r, o); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestQueue(t *testing.T) {
	var q queue
	var inside, most int
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				done, err := q.enter(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				inside++ // of one at a time, or the race detector says so
				most = max(most, inside)
				inside--
				done()
			}
		})
	}
	wg.Wait()
	if most != 1 || len(q.at) > 0 {
		t.Errorf("%d at a time, %d left", most, len(q.at))
	}
	done, _ := q.enter(t.Context(), "a")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.enter(ended, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("waited: %v", err)
	}
	other, err := q.enter(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	done()
	if len(q.at) > 0 {
		t.Errorf("%d left", len(q.at))
	}
}
