//go:build amd64 || arm64

package jail

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// cgroup is a control group of a jail: one folder of the unified hierarchy, or one in each of two old ones.
type cgroup struct{ dirs []string }

const (
	cgroupPrefix = "hutch-"
	helperTasks  = 24 // threads of the helper, which the limit of processes must not count
)

// newCgroup makes a group with limits on memory and processes.
func newCgroup(l Limits) (*cgroup, error) {
	homes, err := cgroupHomes("/proc/self/mountinfo", "/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var name [8]byte
	_, _ = rand.Read(name[:])
	g := &cgroup{}
	for _, h := range homes {
		sweepCgroups(h.dir)
		dir := filepath.Join(h.dir, fmt.Sprintf("%s%x", cgroupPrefix, name))
		if err := os.Mkdir(dir, 0o755); err != nil {
			g.remove()
			return nil, fmt.Errorf("cannot make a control group: %w", bare(err))
		}
		g.dirs = append(g.dirs, dir)
		for _, w := range h.limits(l) {
			err := os.WriteFile(filepath.Join(dir, w.file), []byte(w.value), 0)
			if err != nil && !w.optional {
				g.remove()
				return nil, fmt.Errorf("cannot set %s: %w", w.file, bare(err))
			}
		}
	}
	return g, nil
}

// cgroupHome is a folder in which groups can be made.
type cgroupHome struct {
	dir         string
	v2          bool
	memory, pid bool
}

type cgroupWrite struct {
	file, value string
	optional    bool
}

func (h cgroupHome) limits(l Limits) (w []cgroupWrite) {
	if l.Memory > 0 && h.memory {
		bytes := itoa(l.Memory)
		if h.v2 {
			w = append(w, cgroupWrite{"memory.max", bytes, false}, cgroupWrite{"memory.swap.max", "0", true})
		} else {
			w = append(w, cgroupWrite{"memory.limit_in_bytes", bytes, false}, cgroupWrite{"memory.memsw.limit_in_bytes", bytes, true})
		}
	}
	if l.Processes > 0 && h.pid {
		w = append(w, cgroupWrite{"pids.max", itoa(int64(l.Processes) + helperTasks), false})
	}
	return w
}

// cgroupHomes finds where this process may make groups that have both controllers.
func cgroupHomes(mountinfo, self string) ([]cgroupHome, error) {
	mounts, err := cgroupMounts(mountinfo)
	if err != nil {
		return nil, err
	}
	paths, err := cgroupPaths(self)
	if err != nil {
		return nil, err
	}
	if memory, pids := mounts["memory"], mounts["pids"]; memory != nil && pids != nil {
		return []cgroupHome{
			{dir: memory.at(paths["memory"]), memory: true}, {dir: pids.at(paths["pids"]), pid: true},
		}, nil
	}
	if m := mounts[""]; m != nil {
		return unifiedHome(m.at(paths[""]), m.point)
	}
	return nil, errors.New("no control groups for memory and processes are mounted")
}

// unifiedHome finds a place in the unified hierarchy: a group that holds processes can have no groups with controllers
// beside them, so it is the parent of ours, unless ours is the root.
func unifiedHome(own, root string) ([]cgroupHome, error) {
	dir := own
	if own != root {
		dir = filepath.Dir(own)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the controllers: %w", bare(err))
	}
	have := strings.Fields(string(b))
	for _, want := range []string{"memory", "pids"} {
		if contains(have, want) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+want), 0); err != nil {
			return nil, fmt.Errorf("the %s controller is not delegated: %w", want, bare(err))
		}
	}
	return []cgroupHome{{dir: dir, v2: true, memory: true, pid: true}}, nil
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// cgroupMount is a mounted hierarchy: root of it is at point.
type cgroupMount struct{ root, point string }

func (m *cgroupMount) at(p string) string {
	rel, err := filepath.Rel(m.root, p)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return m.point
	}
	return filepath.Join(m.point, rel)
}

// cgroupMounts lists hierarchies by controller; "" is the unified one.
func cgroupMounts(file string) (map[string]*cgroupMount, error) {
	mounts := map[string]*cgroupMount{}
	err := eachLine(file, func(line string) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			return
		}
		m := &cgroupMount{root: l[3], point: l[4]}
		switch r[0] {
		case "cgroup2":
			mounts[""] = m
		case "cgroup":
			for _, option := range strings.Split(r[2], ",") {
				mounts[option] = m
			}
		}
	})
	return mounts, err
}

// cgroupPaths lists the groups of this process by controller; "" is that of the unified hierarchy.
func cgroupPaths(file string) (map[string]string, error) {
	paths := map[string]string{}
	err := eachLine(file, func(line string) {
		if f := strings.SplitN(line, ":", 3); len(f) == 3 {
			for _, controller := range strings.Split(f[1], ",") {
				paths[controller] = f[2]
			}
		}
	})
	return paths, err
}

func eachLine(file string, do func(string)) error {
	f, err := os.Open(file)
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}

// add puts a process into the group. It fails if the group was swept in the meantime.
func (g *cgroup) add(pid int) error {
	if g == nil {
		return nil
	}
	errs := make([]error, len(g.dirs))
	var all sync.WaitGroup
	for i, dir := range g.dirs {
		all.Go(func() { errs[i] = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(int64(pid))), 0) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// remove removes the group once its processes are gone.
func (g *cgroup) remove() {
	if g == nil {
		return
	}
	for _, dir := range g.dirs {
		for pause := time.Millisecond; pause < time.Second; pause *= 2 {
			if err := os.Remove(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			time.Sleep(pause)
		}
	}
}

// staleAge keeps a sweep away from groups that somebody is about to fill.
const staleAge = 10 * time.Second

// sweepCgroups removes groups without processes.
func sweepCgroups(dir string) {
	stale, _ := filepath.Glob(filepath.Join(dir, cgroupPrefix+"*"))
	for _, d := range stale {
		if st, err := os.Stat(d); err == nil && time.Since(st.ModTime()) > staleAge {
			_ = os.Remove(d) // fails if there are any
		}
	}
}
