package docker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// TestVeilOptions refuses what no mount can do.
func TestVeilOptions(t *testing.T) {
	here := []Volume{{Source: "/srv/w", Target: "/workspace", Writable: true}}
	named := []Volume{{Source: "cache", Target: "/workspace", Writable: true}}
	for what, c := range map[string]struct {
		o    Options
		want error
	}{
		"names":                         {Options{Volumes: here, Hide: []string{"a/.env", ".ssh/"}, Protect: []string{".git/hooks", ".git/config"}}, nil},
		"no volume":                     {Options{Hide: []string{"a/.env", ".ssh/"}}, nil},
		"named volume, at the top":      {Options{Volumes: named, Hide: []string{".env", ".ssh/"}}, nil},
		"named volume, below":           {Options{Volumes: named, Hide: []string{"a/.env"}}, errors.ErrUnsupported},
		"protect without a volume":      {Options{Protect: []string{"a"}}, errors.ErrUnsupported},
		"protect in a named volume":     {Options{Volumes: named, Protect: []string{"a"}}, errors.ErrUnsupported},
		"wildcard":                      {Options{Volumes: here, Hide: []string{"**/.env"}}, fs.ErrInvalid},
		"exception":                     {Options{Volumes: here, Protect: []string{"!a"}}, fs.ErrInvalid},
		"root":                          {Options{Volumes: here, Protect: []string{"."}}, fs.ErrInvalid},
		"empty":                         {Options{Volumes: here, Hide: []string{""}}, fs.ErrInvalid},
		"out":                           {Options{Volumes: here, Hide: []string{"../x"}}, fs.ErrInvalid},
		"absolute":                      {Options{Volumes: here, Hide: []string{"/x"}}, fs.ErrInvalid},
		"colon":                         {Options{Volumes: here, Hide: []string{"a:b"}}, fs.ErrInvalid},
		"twice":                         {Options{Volumes: here, Hide: []string{"a", "a/"}}, fs.ErrInvalid},
		"one in the other":              {Options{Volumes: here, Hide: []string{"a/"}, Protect: []string{"a/b"}}, fs.ErrInvalid},
		"over a volume":                 {Options{Volumes: append(here, Volume{Source: "/x", Target: "/workspace/a/b"}), Hide: []string{"a/"}}, fs.ErrInvalid},
		"protect directory with a mark": {Options{Volumes: here, Protect: []string{"a/"}}, fs.ErrInvalid},
	} {
		o := c.o
		o.complete(2)
		if err := o.check(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

// TestVeilMounts: directories on the way are mounts, and what the engine reports back decides.
func TestVeilMounts(t *testing.T) {
	o := Options{
		Volumes: []Volume{{Source: "/srv/w", Target: "/workspace", Writable: true}, {Source: "/srv/d", Target: "/workspace/data"}},
		Hide:    []string{"a/b/.env", "data/x/key", "a/.ssh/"}, Protect: []string{"a/b/c"},
	}
	o.complete(2)
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	want := "/srv/w/a/b>/workspace/a/b /srv/w/a>/workspace/a /srv/w/a/b/c>/workspace/a/b/c:ro /dev/null>/workspace/a/b/.env:ro " +
		"/srv/d/x>/workspace/data/x:ro /dev/null>/workspace/data/x/key:ro"
	var got []string
	var points []container.MountPoint
	for _, m := range o.veil() {
		mark := ""
		if m.ReadOnly {
			mark = ":ro"
		}
		got = append(got, m.Source+">"+m.Target+mark)
		points = append(points, container.MountPoint{Source: m.Source, Destination: m.Target, RW: !m.ReadOnly})
	}
	if text := strings.Join(got, " "); text != want {
		t.Errorf("%s, not %s", text, want)
	}
	if !o.veiled(points) {
		t.Error("what was asked for is not recognised")
	}
	for i := range points {
		for _, spoil := range []func(m *container.MountPoint){
			func(m *container.MountPoint) { m.RW = !m.RW },
			func(m *container.MountPoint) { m.Destination += "x" },
			func(m *container.MountPoint) { m.Source += "x" },
		} {
			was := points[i]
			if spoil(&points[i]); o.veiled(points) {
				t.Errorf("%+v is taken for what was asked for", points[i])
			}
			points[i] = was
		}
	}
	i := newIdentity(&o, "img")
	b := &blueprint{identity: &i, opts: &o, image: "img"}
	less := b.hostConfig()
	less.Mounts[3].ReadOnly = !less.Mounts[3].ReadOnly
	if missing := b.missing(less, b.config()); !strings.Contains(missing, "hidden") {
		t.Errorf("another mount: %q", missing)
	}
	if !strings.Contains(b.hostConfig().Tmpfs["/workspace/a/.ssh"], "mode=0000") {
		t.Error("no empty directory over the hidden one")
	}
	other := o
	if other.Hide = nil; other.hash("img") == o.hash("img") {
		t.Error("a container that hides nothing has the same hash")
	}
	if back, ours := identityOf(i.labels(&o)); !ours || back != i {
		t.Errorf("labels read back as %+v, not %+v", back, i)
	}
}

// fillHost makes a workspace of the host.
func fillHost(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name := filepath.Clean(dir); name != "/" && name != os.TempDir(); name = filepath.Dir(name) {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/b/.env", "a/.ssh/id", "a/b/locked", "a/b/free", "top"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		for _, d := range []string{filepath.Dir(filepath.Dir(p)), filepath.Dir(p)} {
			_ = os.Chmod(d, 0o777)
		}
		if err := os.WriteFile(p, []byte("text of "+name), 0o666); err != nil {
			t.Fatal(err)
		}
		_ = os.Chmod(p, 0o666)
	}
	return dir
}

// TestVeil tries from inside what the mounts must not let anybody do, with a helper and without.
func TestVeil(t *testing.T) {
	for _, plain := range []bool{false, true} {
		dir := fillHost(t)
		s := openTest(t, &Options{
			Plain: plain, Volumes: []Volume{{Source: dir, Target: "/workspace", Writable: true}},
			Hide: []string{"a/b/.env", "a/.ssh/", "later"}, Protect: []string{"a/b/locked", "top"},
		})
		for _, script := range []string{
			"cat a/b/.env", "cp a/b/.env x; cat x", "mv a/b/.env x; cat x", "ln a/b/.env x; cat x", "mv a x; cat x/b/.env", "mv a/b x; cat x/.env", "rm -rf a; cat a/b/.env",
			"chmod 777 a/.ssh; ls a/.ssh; cat a/.ssh/id", "mv a/.ssh x; cat x/id", "cat /proc/1/root/workspace/a/b/.env", "umount a/b/.env; cat a/b/.env",
			"echo evil > top", "rm -f top && echo evil > top", "mv top x; echo evil > top", "echo evil > a/b/locked", "mv a/b x; mkdir -p a/b; echo evil > a/b/locked",
			"mv a x; mkdir -p a/b; echo evil > a/b/locked", "echo evil > x; mv -f x a/b/locked", "ln -sf x top", "echo evil > later; cat later",
		} {
			out, _ := sh(t, s, script+"; rm -rf x 2>/dev/null; true")
			if strings.Contains(out, "text of a/b/.env") || strings.Contains(out, "text of a/.ssh/id") || strings.Contains(out, "evil") {
				t.Errorf("plain %v: %q prints %q", plain, script, out)
			}
		}
		for _, name := range []string{"a/b/.env", "a/.ssh/id", "a/b/locked", "top"} {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "text of "+name {
				t.Errorf("plain %v: %s is %q, %v", plain, name, b, err)
			}
		}
		if b, err := hutch.ReadFile(t.Context(), s, "a/b/.env"); err == nil && len(b) > 0 {
			t.Errorf("plain %v: file operations read %q", plain, b)
		}
		if _, err := hutch.WriteFile(t.Context(), s, "top", []byte("x"), nil); err == nil {
			t.Errorf("plain %v: file operations write what is protected", plain)
		}
		if out, code := sh(t, s, "mkdir -p a/n && echo y > a/n/x && echo fine"); code != 0 {
			t.Errorf("plain %v: what is beside is not free: %s", plain, out)
		}
		wantCovered(t, s, dir)
	}
}

func wantCovered(t *testing.T, s *Sandbox, dir string) {
	t.Helper()
	for _, c := range []struct {
		c    hutch.Confinement
		want error
	}{
		{hutch.Confinement{}, nil},
		{hutch.Confinement{Hide: []string{"a/b/.env", "a/.ssh", "!x", "a/.ssh/*", "a/.ssh/id"}, Protect: []string{"top", "a/.ssh/**"}}, nil},
		{hutch.Confinement{Hide: []string{"**/.env"}}, errors.ErrUnsupported},
		{hutch.Confinement{Hide: []string{"a/b/.env", "other"}}, errors.ErrUnsupported},
		{hutch.Confinement{Hide: []string{"a/b"}}, errors.ErrUnsupported},
		{hutch.Confinement{Hide: []string{"top"}}, errors.ErrUnsupported},
		{hutch.Confinement{Protect: []string{"."}}, errors.ErrUnsupported},
		{hutch.Confinement{Hide: []string{"["}}, fs.ErrInvalid},
	} {
		if err := s.Confine(t.Context(), c.c); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%+v: %v, want %v", c.c, err, c.want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "TOP"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.Confine(t.Context(), hutch.Confinement{Protect: []string{"top"}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("in another case: %v", err)
	}
}

// TestVeilIdentity: what a container hides is known to who attaches, and one that hides something else is another one.
func TestVeilIdentity(t *testing.T) {
	o := Options{Name: "hutch-test-veil-" + random(4), Hide: []string{".env"}}
	s := openTest(t, &o)
	other := o
	other.Image, other.Hide = testImage, nil
	if s, err := Open(t.Context(), &other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("other options: %v %v", s, err)
	}
	a, err := Attach(t.Context(), o.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Detach(context.Background())
	if err := a.Confine(t.Context(), hutch.Confinement{Hide: []string{".env"}, Protect: []string{".env"}}); err != nil {
		t.Error(err)
	}
	if err := a.Confine(t.Context(), hutch.Confinement{Hide: []string{".env2"}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	if _, code := sh(t, a, "echo x > .env && test -s .env"); code == 0 {
		t.Error("a hidden name can be made")
	}
	got, err := s.e.api.ContainerInspect(t.Context(), s.ID(), client.ContainerInspectOptions{})
	if err != nil || got.Container.Config.Labels[labelHide] != `[".env"]` {
		t.Errorf("%v %v", got.Container.Config.Labels, err)
	}
}
