package docker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/moby/moby/client"
)

// TestHardened tries, from inside, what a container must not let anybody do.
func TestHardened(t *testing.T) {
	s := openTest(t, nil)
	for _, c := range []struct{ what, script, want string }{
		{"user", "id -u; id -g", "1000\n1000"},
		{"capabilities", "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2 | sort -u", "0000000000000000"},
		{"no new privileges", "grep NoNewPrivs /proc/self/status | cut -f2", "1"},
		{"filter of system calls", "grep '^Seccomp:' /proc/self/status | cut -f2", "2"},
		{"system is read-only", "touch /usr/x /etc/x /x /var/x 2>/dev/null; echo $?", "1"},
		{"tmp and home are writable", "touch /tmp/x ~/x && pwd && echo $HOME", "/workspace\n/home/user"},
		{"no network", "ls /sys/class/net", "lo"},
		{"no devices", "mknod /tmp/d c 1 3 2>/dev/null; echo $?", "1"},
		{"no mounts", "mount -t tmpfs none /mnt 2>/dev/null || echo refused", "refused"},
		{"the helper cannot be changed", "for f in /.hutch-*/bin/hutch; do echo x > $f; done 2>/dev/null; echo $?", "2"},
		{"no socket of the owner", "ls /.hutch-*/owner/s 2>/dev/null; echo $?", "2"},
		{"the helper's memory and environment", "cat /proc/1/environ /proc/1/mem 2>/dev/null; echo $?", "1"},
		{"the helper cannot be killed", "kill -9 1 2>/dev/null; kill -TERM 1 2>/dev/null; echo alive", "alive"},
		{"no engine", "ls /var/run/docker.sock /run/docker.sock 2>/dev/null; echo $?", "2"},
	} {
		t.Run(c.what, func(t *testing.T) {
			out, _ := sh(t, s, c.script)
			if out != c.want && !strings.HasSuffix(out, "\n"+c.want) {
				t.Errorf("%s\nprints %q, not %q", c.script, out, c.want)
			}
		})
	}
}

// TestLimitsHold at what was asked for.
func TestLimitsHold(t *testing.T) {
	s := openTest(t, &Options{Memory: 64 << 20, Processes: 40, CPUs: 0.5, CPUShares: 512})
	got, err := s.e.api.ContainerInspect(t.Context(), s.ID(), client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h := got.Container.HostConfig
	if h.Memory != 64<<20 || *h.PidsLimit != 40 || h.NanoCPUs != 5e8 || h.CPUShares != 512 {
		t.Errorf("the engine has %d bytes, %d processes, %d ns of processor, %d shares", h.Memory, *h.PidsLimit, h.NanoCPUs, h.CPUShares)
	}
	cmd := hutch.Shell(`python3 -c 'b = bytearray(200 << 20)'; echo $?`)
	var out hutch.Capture
	cmd.Stdout = &out
	if _, err := s.Exec(t.Context(), cmd); err != nil {
		t.Fatalf("more memory than there is takes the helper along: %v", err)
	}
	if got := strings.TrimSpace(out.String()); got != "137" && got != "1" {
		t.Errorf("more memory than there is ends with %s", got)
	}
	if out, _ := sh(t, s, `i=0; while [ $i -lt 100 ]; do sleep 5 & i=$((i+1)); done 2>&1 | tail -1; echo done`); !strings.Contains(out, "done") {
		t.Errorf("more processes than there are: %q", out)
	}
	if _, err := s.Stat(t.Context(), "."); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestNotGranted is an error that says what is missing.
func TestNotGranted(t *testing.T) {
	e := testEngine(t)
	for what, o := range map[string]Options{
		"OCI runtime": {OCIRuntime: "no-such-runtime"},
		"network":     {Network: "no-such-network"},
		"source":      {Volumes: []Volume{{Source: "/no/such/place", Target: "/data"}}},
		"image":       {Image: "hutch-no-such-image:0"},
	} {
		t.Run(what, func(t *testing.T) {
			o.Image = first(o.Image, testImage)
			s, err := Open(t.Context(), &o)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			t.Log(err)
		})
	}
	o := Options{Image: testImage, Disk: 64 << 20}
	s, err := Open(t.Context(), &o)
	if err == nil { // this engine has quotas: they must hold
		defer s.Close()
		if out, code := sh(t, s, "head -c 100M /dev/zero > big 2>&1"); code == 0 {
			t.Errorf("a quota does not hold: %s", out)
		}
		return
	}
	if !strings.Contains(err.Error(), "quota") {
		t.Errorf("no quota: %v", err)
	}
	// What the engine reports back decides, not what it was told.
	o = Options{}
	o.complete(1)
	i := newIdentity(&o, testImage)
	b := &blueprint{identity: &i, opts: &o, image: testImage}
	whole := b.hostConfig()
	if missing := b.missing(whole, b.config()); missing != "" {
		t.Errorf("what was asked for is missing: %s", missing)
	}
	for what, spoil := range map[string]func(){
		"memory":     func() { whole.Memory = 0 },
		"processors": func() { whole.NanoCPUs = 0 },
		"processes":  func() { whole.PidsLimit = nil },
		"read-only":  func() { whole.ReadonlyRootfs = false },
		"capabil":    func() { whole.CapDrop = nil },
		"privileges": func() { whole.SecurityOpt = nil },
		"network":    func() { whole.NetworkMode = "bridge" },
		"in memory":  func() { whole.Tmpfs = nil },
		"volumes":    func() { whole.Mounts = nil },
	} {
		whole = b.hostConfig()
		spoil()
		if missing := b.missing(whole, b.config()); !strings.Contains(missing, what) {
			t.Errorf("without %s: %q", what, missing)
		}
	}
	_ = e
}

// TestVolumes are read-only unless said otherwise.
func TestVolumes(t *testing.T) {
	testEngine(t)
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("from outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, &Options{Volumes: []Volume{{Source: dir, Target: "/data"}}, Tmpfs: map[string]int64{"/scratch": 1 << 20}})
	out, _ := sh(t, s, "cat /data/in; echo x > /data/out; echo x > /scratch/x && cat /scratch/x")
	if !strings.HasPrefix(out, "from outside") || !strings.Contains(out, "Read-only") || !strings.HasSuffix(out, "x") {
		t.Errorf("%q", out)
	}
	w := openTest(t, &Options{Volumes: []Volume{{Source: dir, Target: "/workspace", Writable: true}}})
	if _, err := hutch.WriteFile(t.Context(), w, "out", []byte("from inside"), nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "out")); string(b) != "from inside" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestOtherOptions do what they say.
func TestOtherOptions(t *testing.T) {
	s := openTest(t, &Options{
		User: "0", Capabilities: []string{"CHOWN"}, WritableSystem: true, WorkDir: "/srv/work",
		Env: []string{"A=b c", "PAGER=less"}, Session: "s1", Labels: map[string]string{"mine": "yes"},
	})
	out, _ := sh(t, s, `id -u; pwd; echo "$A $PAGER $HOME"; touch /etc/x && chown 7 /etc/x && stat -c %u /etc/x`)
	if want := "0\n/srv/work\nb c less /root\n7"; out != want {
		t.Errorf("%q, not %q", out, want)
	}
	if s.Root() != "/srv/work" {
		t.Error(s.Root())
	}
	got, err := s.e.api.ContainerInspect(t.Context(), s.ID(), client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if l := got.Container.Config.Labels; l["mine"] != "yes" || l[labelSession] != "s1" {
		t.Error(l)
	}
}

// TestHelperPrograms are examined before they go anywhere.
func TestHelperPrograms(t *testing.T) {
	for name, file := range map[string]string{"no program": "options.go", "not ours": "/bin/true", "not there": "/no/such/file"} {
		if _, err := examine(file, "amd64"); err == nil {
			t.Errorf("%s is taken for a helper", name)
		}
	}
	if _, err := findHelper("", "riscv64"); err == nil || !strings.Contains(err.Error(), "GOARCH=riscv64") {
		t.Errorf("no helper for another architecture: %v", err)
	}
	testEngine(t)
	o := Options{Image: testImage, Helper: "/bin/true"}
	if _, err := Open(t.Context(), &o); err == nil {
		t.Error("a helper that was named and is none")
	}
}

// TestNothingLeft counts the containers of this process.
func TestNothingLeft(t *testing.T) {
	e := testEngine(t)
	s := openTest(t, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	gone(t, e, s.ID())
	if _, err := s.Stat(t.Context(), "."); !errors.Is(err, hutch.ErrClosed) {
		t.Error(err)
	}
	got, err := e.api.VolumeList(t.Context(), client.VolumeListOptions{Filters: client.Filters{}.Add("label", labelPrefix+"workspace="+s.ident.id)})
	if err != nil || len(got.Items) > 0 {
		t.Errorf("volumes left: %v %v", got.Items, err)
	}
	if _, err := os.Stat(doorwayOf(s.ident.id)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory of the socket is left: %v", err)
	}
}

// TestEngineCopies has the engine copy from an open sandbox, as docker cp does.
func TestEngineCopies(t *testing.T) {
	s := openTest(t, nil)
	if _, err := hutch.WriteFile(t.Context(), s, "x", []byte("1"), nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.e.api.CopyFromContainer(t.Context(), s.ID(), client.CopyFromContainerOptions{SourcePath: "/workspace/x"})
	if err != nil {
		t.Fatal(err)
	}
	got.Content.Close()
	if left, _ := os.ReadDir(doorwayOf(s.ident.id)); len(left) > 0 {
		t.Errorf("a socket is left: %v", left)
	}
}

// TestSweepDoorways leaves those that are in use or new.
func TestSweepDoorways(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, id := range []string{"used", "old"} {
		if err := os.MkdirAll(doorwayOf(id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sweepDoorways(map[string]bool{"used": true}, time.Now())
	if _, err := os.Stat(doorwayOf("old")); err != nil {
		t.Error("a new one is swept")
	}
	sweepDoorways(map[string]bool{"used": true}, time.Now().Add(time.Hour))
	_, used := os.Stat(doorwayOf("used"))
	_, old := os.Stat(doorwayOf("old"))
	if used != nil || !errors.Is(old, fs.ErrNotExist) {
		t.Errorf("used: %v, old: %v", used, old)
	}
}
