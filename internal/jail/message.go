package jail

// limitSet is Limits on the wire: bytes, seconds, counts; 0 is no limit.
type limitSet struct{ memory, cpu, processes, fileSize, openFiles int64 }

func (l Limits) set() limitSet {
	return limitSet{max(l.Memory, 0), l.cpuSeconds(), int64(max(l.Processes, 0)), max(l.FileSize, 0), int64(max(l.OpenFiles, 0))}
}

func (l *limitSet) encode(e *encoder) {
	for _, v := range []int64{l.memory, l.cpu, l.processes, l.fileSize, l.openFiles} {
		e.int(v)
	}
}

func (l *limitSet) decode(d *decoder) {
	for _, p := range []*int64{&l.memory, &l.cpu, &l.processes, &l.fileSize, &l.openFiles} {
		*p = d.int()
		d.bad = d.bad || *p < 0
	}
}

const setupMagic = "hutch jail 1"

// setup tells the helper what to build.
type setup struct {
	level    Level
	network  bool
	root     bool  // the owner is the host's root
	poll     bool  // the kernel is not asked for changes in folders
	count    bool  // neither a control group nor a resource limit bounds the number of processes
	tag      int64 // the first tag of the jail's commands, see tree_linux.go
	owner    int64 // its process id
	landlock int64 // the highest version to use
	dir      string
	dev, ino int64
	mount    string
	private  string // the folder for home and temporary files (Restricted)
	resolv   string // the text of /etc/resolv.conf
	visible  []string
	protect  []string
	hide     []string
	limits   limitSet
}

func (s *setup) encode() []byte {
	e := &encoder{}
	e.str(setupMagic)
	e.int(int64(s.level))
	e.bool(s.network)
	e.bool(s.root)
	e.bool(s.count)
	e.bool(s.poll)
	for _, v := range []int64{s.tag, s.owner, s.landlock, s.dev, s.ino} {
		e.int(v)
	}
	for _, v := range []string{s.dir, s.mount, s.private, s.resolv} {
		e.str(v)
	}
	e.strs(s.visible)
	e.strs(s.protect)
	e.strs(s.hide)
	s.limits.encode(e)
	return e.b
}

func decodeSetup(b []byte) (*setup, error) {
	d := &decoder{b: b}
	if d.str() != setupMagic {
		return nil, errFrame
	}
	s := &setup{level: Level(d.int()), network: d.bool(), root: d.bool(), count: d.bool(), poll: d.bool()}
	for _, p := range []*int64{&s.tag, &s.owner, &s.landlock, &s.dev, &s.ino} {
		*p = d.int()
	}
	for _, p := range []*string{&s.dir, &s.mount, &s.private, &s.resolv} {
		*p = d.str()
	}
	s.visible, s.protect, s.hide = d.strs(), d.strs(), d.strs()
	s.limits.decode(d)
	return s, d.end()
}

// Which streams of a command come along as descriptors; the others are empty.
const (
	hasStdin = 1 << iota
	hasStdout
	hasStderr
	stderrIsStdout
)

// start tells the helper to run a command.
type start struct {
	id      int64
	streams byte
	dir     string
	args    []string
	env     []string
	limits  limitSet
}

func (s *start) encode() []byte {
	e := &encoder{}
	e.int(s.id)
	e.byte(s.streams)
	e.str(s.dir)
	e.strs(s.args)
	e.strs(s.env)
	s.limits.encode(e)
	return e.b
}

func decodeStart(b []byte) (*start, error) {
	d := &decoder{b: b}
	s := &start{id: d.int(), streams: d.byte(), dir: d.str(), args: d.strs(), env: d.strs()}
	s.limits.decode(d)
	if len(s.args) == 0 {
		return nil, errFrame
	}
	return s, d.end()
}

// confine tells the helper what commands are kept from.
type confine struct {
	id            int64
	hide, protect []string
	names         []string // of protect, those without wildcards
}

func (c *confine) encode() []byte {
	e := &encoder{}
	e.int(c.id)
	e.strs(c.hide)
	e.strs(c.protect)
	e.strs(c.names)
	return e.b
}

func decodeConfine(b []byte) (*confine, error) {
	d := &decoder{b: b}
	c := &confine{id: d.int(), hide: d.strs(), protect: d.strs(), names: d.strs()}
	return c, d.end()
}

func encodeKill(id int64) []byte {
	e := &encoder{}
	e.int(id)
	return e.b
}

func decodeKill(b []byte) (int64, error) {
	d := &decoder{b: b}
	id := d.int()
	return id, d.end()
}

// ready is the helper's answer to setup. With a failed step, errno says why.
type ready struct {
	root     string // where commands see the workspace
	landlock int64  // version of Landlock in force, 0 if none
	failed   string // the step that failed, "" if none
	errno    int64
	notes    []string // facts for Layers, as "key=value"
}

func (r *ready) encode() []byte {
	e := &encoder{}
	e.str(r.root)
	e.int(r.landlock)
	e.str(r.failed)
	e.int(r.errno)
	e.strs(r.notes)
	return e.b
}

func decodeReady(b []byte) (*ready, error) {
	d := &decoder{b: b}
	r := &ready{root: d.str(), landlock: d.int(), failed: d.str(), errno: d.int(), notes: d.strs()}
	return r, d.end()
}

const (
	doneStatus  = iota // value is the wait status
	doneExec           // value is the errno of starting the program
	doneDir            // value is the errno of entering the folder
	doneStuck          // some of its processes could not be killed
	doneUnsafe         // it could not be confined, and was not started
	doneConfine        // no command: value is the errno of a confinement, 0 if it holds
)

// done is how a command ended.
type done struct {
	id    int64
	what  byte
	value int64
}

func (m *done) encode() []byte {
	e := &encoder{}
	e.int(m.id)
	e.byte(m.what)
	e.int(m.value)
	return e.b
}

func decodeDone(b []byte) (*done, error) {
	d := &decoder{b: b}
	m := &done{id: d.int(), what: d.byte(), value: d.int()}
	if m.what > doneConfine {
		return nil, errFrame
	}
	return m, d.end()
}
