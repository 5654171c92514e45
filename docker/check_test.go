package docker

import (
	"errors"
	"io/fs"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestOptions refuses options that make no sense, before any engine is asked.
func TestOptions(t *testing.T) {
	good := Options{Image: "debian:bookworm", Volumes: []Volume{{Source: "/srv/data", Target: "/data"}, {Source: "cache", Target: "/cache", Writable: true}}}
	good.complete(2)
	if err := good.check(); err != nil {
		t.Fatalf("good options: %v", err)
	}
	for name, spoil := range map[string]func(*Options){
		"image and runtime":         func(o *Options) { o.Image, o.Runtime = "y", &Runtime{Name: "x", Image: "y"} },
		"image as an option":        func(o *Options) { o.Image = "--privileged" },
		"image with a line end":     func(o *Options) { o.Image = "a\nb" },
		"name with a slash":         func(o *Options) { o.Name = "a/b" },
		"name of one letter":        func(o *Options) { o.Name = "a" },
		"session with a line end":   func(o *Options) { o.Session = "a\nb" },
		"lease of no time":          func(o *Options) { o.Lease = time.Millisecond },
		"lease that is negative":    func(o *Options) { o.Lease = -1 },
		"kept without a name":       func(o *Options) { o.Idle = -1 },
		"user by name":              func(o *Options) { o.User = "root" },
		"user with a third part":    func(o *Options) { o.User = "1:2:3" },
		"capability for nobody":     func(o *Options) { o.Capabilities = []string{"CHOWN"} },
		"all capabilities":          func(o *Options) { o.User, o.Capabilities = "0", []string{"ALL"} },
		"environment without =":     func(o *Options) { o.Env = []string{"A"} },
		"environment without key":   func(o *Options) { o.Env = []string{"=a"} },
		"environment with NUL":      func(o *Options) { o.Env = []string{"A=\x00"} },
		"host network unspelt":      func(o *Options) { o.Network = "host" },
		"another's network":         func(o *Options) { o.Network = "container:abc" },
		"memory of a page":          func(o *Options) { o.Memory = 4096 },
		"one process":               func(o *Options) { o.Processes = 1 },
		"NaN processors":            func(o *Options) { o.CPUs = math.NaN() },
		"a hair of a processor":     func(o *Options) { o.CPUs = 0.0001 },
		"swap without memory":       func(o *Options) { o.Memory, o.Swap = -1, 1<<20 },
		"shares of one":             func(o *Options) { o.CPUShares = 1 },
		"work directory is root":    func(o *Options) { o.WorkDir = "/" },
		"work directory relative":   func(o *Options) { o.WorkDir = "work" },
		"work directory unclean":    func(o *Options) { o.WorkDir = "/a/../etc" },
		"work directory in /etc":    func(o *Options) { o.WorkDir = "/etc/x" },
		"work directory with colon": func(o *Options) { o.WorkDir = "/a:/b" },
		"tmpfs in /proc":            func(o *Options) { o.Tmpfs = map[string]int64{"/proc/x": 1 << 20} },
		"tmpfs of nothing":          func(o *Options) { o.Tmpfs = map[string]int64{"/x": 0} },
		"volume from the root":      func(o *Options) { o.Volumes = []Volume{{Source: "/", Target: "/x"}} },
		"volume is the socket":      func(o *Options) { o.Volumes = []Volume{{Source: "/var/run/docker.sock", Target: "/x"}} },
		"volume holds the socket":   func(o *Options) { o.Volumes = []Volume{{Source: "/run", Target: "/x"}} },
		"volume holds this socket":  func(o *Options) { o.Volumes = []Volume{{Source: "/opt/engine", Target: "/x"}} },
		"volume from a dot dot":     func(o *Options) { o.Volumes = []Volume{{Source: "/srv/../run", Target: "/x"}} },
		"volume over the system":    func(o *Options) { o.Volumes = []Volume{{Source: "/srv", Target: "/usr"}} },
		"volume of the helper":      func(o *Options) { o.Volumes = []Volume{{Source: "hutch-helper-x", Target: "/x", Writable: true}} },
		"volumes in one place":      func(o *Options) { o.Volumes = []Volume{{Source: "/a", Target: "/x"}, {Source: "/b", Target: "/x"}} },
		"read-only workspace":       func(o *Options) { o.Volumes = []Volume{{Source: "/a", Target: "/workspace"}} },
		"sized volume": func(o *Options) {
			o.Disk, o.Volumes = 1<<30, []Volume{{Source: "/a", Target: "/workspace", Writable: true}}
		},
		"taken label":              func(o *Options) { o.Labels = map[string]string{"dev.hutch.key": "x"} },
		"label with =":             func(o *Options) { o.Labels = map[string]string{"a=b": "x"} },
		"OCI runtime with a space": func(o *Options) { o.OCIRuntime = "a b" },
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Host: "unix:///opt/engine/docker.sock"}
			spoil(&o)
			o.complete(2)
			if err := o.check(); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestLimitsOfCommands are those of the sandbox, or less.
func TestLimitsOfCommands(t *testing.T) {
	for _, c := range []struct{ a, b, want int64 }{{0, 0, 0}, {5, 0, 5}, {0, 7, 7}, {5, 7, 5}, {7, 5, 5}, {-1, 5, 5}, {5, -1, 5}, {-1, -1, 0}} {
		if got := lesser(c.a, c.b); got != c.want {
			t.Errorf("lesser(%d, %d) = %d, not %d", c.a, c.b, got, c.want)
		}
	}
}

// TestNoEngine says what to do, and no more than that.
func TestNoEngine(t *testing.T) {
	_, err := Open(t.Context(), &Options{Host: "unix:///nowhere/docker.sock"})
	if !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "install") {
		t.Errorf("error %v", err)
	}
}

// TestLabels survive the way to the engine and back.
func TestLabels(t *testing.T) {
	o := Options{Name: "aa", Idle: -1, Session: "s"}
	o.complete(1)
	i := newIdentity(&o, "img")
	got, ours := identityOf(i.labels(&o))
	if i.idle = -time.Second; !ours || got != i {
		t.Errorf("labels read back as %+v, not %+v", got, i)
	}
	for _, missing := range []string{labelID, labelKey, labelRoot, labelLease} {
		l := i.labels(&o)
		delete(l, missing)
		if _, ours := identityOf(l); ours {
			t.Errorf("a container without %s is taken for one of ours", missing)
		}
	}
	other := o
	if other.Memory *= 2; other.hash("img") == o.hash("img") || o.hash("img2") == o.hash("img") {
		t.Error("other options have the same hash")
	}
}

// TestInText has a shell say what arguments it gets.
func TestInText(t *testing.T) {
	args := []string{"printf", `<%s>`, "a b", "\xff", "it's", "\xfe\n\xfd", "$(x) `y` \\", "é\x80", ""}
	cmd := inText(args)
	for _, a := range cmd {
		if !utf8.ValidString(a) {
			t.Errorf("%q is no text", a)
		}
	}
	out, err := exec.Command(cmd[0], cmd[1:]...).Output()
	want := "<" + strings.Join(args[2:], "><") + ">"
	if string(out) != want || err != nil {
		t.Errorf("%q, %v, not %q", out, err, want)
	}
	if plain := []string{"a", "b'"}; !slices.Equal(inText(plain), plain) {
		t.Error("text goes as it is")
	}
}
