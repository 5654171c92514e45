package jail

import "time"

const gib = 1 << 30

// withDefaults fills in what is 0.
func (l Limits) withDefaults() Limits {
	set := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	p, o, c := int64(l.Processes), int64(l.OpenFiles), int64(l.CPU)
	set(&l.Memory, 4*gib)
	set(&l.FileSize, 4*gib)
	set(&p, 512)
	set(&o, 4096)
	set(&c, int64(time.Hour))
	l.Processes, l.OpenFiles, l.CPU = int(p), int(o), time.Duration(c)
	return l
}

// cpuSeconds rounds up; 0 is no limit.
func (l Limits) cpuSeconds() int64 {
	if l.CPU <= 0 {
		return 0
	}
	return int64((l.CPU + time.Second - 1) / time.Second)
}
