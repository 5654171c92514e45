package jail

import (
	"bytes"
	"reflect"
	"testing"
)

func testSetup() *setup {
	return &setup{level: Restricted, network: true, tag: 1 << 55, owner: 7, landlock: 6, dir: "/w", dev: 1, ino: -2, mount: "/m", private: "/p",
		resolv: "nameserver ::1\n", visible: []string{"/a", ""}, protect: []string{"x\xff"}, limits: limitSet{1, 2, 3, 4, 5}}
}

func testStart() *start {
	return &start{id: 3, streams: 5, dir: "d", args: []string{"a", "\x80 b"}, env: []string{"K=v"}, limits: limitSet{cpu: 1}}
}

func TestMessages(t *testing.T) {
	s := testSetup()
	if got, err := decodeSetup(s.encode()); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("%+v %v", got, err)
	}
	c := testStart()
	if got, err := decodeStart(c.encode()); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v %v", got, err)
	}
	r := &ready{root: "/w", landlock: 7, failed: "x", errno: 1, notes: []string{"a=b"}}
	if got, err := decodeReady(r.encode()); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v %v", got, err)
	}
	d := &done{id: 9, what: doneStuck, value: -1}
	if got, err := decodeDone(d.encode()); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v %v", got, err)
	}
	for cut := range len(s.encode()) {
		if _, err := decodeSetup(s.encode()[:cut]); err == nil {
			t.Errorf("a message cut at %d was accepted", cut)
		}
	}
}

// FuzzFromOwner feeds the helper's decoders.
func FuzzFromOwner(f *testing.F) {
	f.Add(header{size: 5, kind: kindStart, fds: 2}.encode(), testSetup().encode())
	f.Add([]byte{}, testStart().encode())
	f.Add([]byte{}, encodeKill(4))
	f.Fuzz(func(t *testing.T, head, b []byte) {
		if h, err := decodeHeader(head, maxPayload); err == nil && (h.size > maxPayload || h.fds > maxFds || !bytes.Equal(h.encode(), head)) {
			t.Errorf("header %+v", h)
		}
		if s, err := decodeSetup(b); err == nil {
			again, err := decodeSetup(s.encode())
			if err != nil || !reflect.DeepEqual(again, s) {
				t.Errorf("%+v %v", again, err)
			}
		}
		if s, err := decodeStart(b); err == nil && !bytes.Equal(s.encode(), b) {
			t.Errorf("start %+v", s)
		}
		if id, err := decodeKill(b); err == nil && !bytes.Equal(encodeKill(id), b) {
			t.Errorf("kill %d", id)
		}
	})
}

// FuzzFromHelper feeds the owner's decoders.
func FuzzFromHelper(f *testing.F) {
	f.Add((&ready{root: "/w", notes: []string{"x"}}).encode())
	f.Add((&done{id: 1}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeReady(b); err == nil && !bytes.Equal(r.encode(), b) {
			t.Errorf("ready %+v", r)
		}
		if d, err := decodeDone(b); err == nil && !bytes.Equal(d.encode(), b) {
			t.Errorf("done %+v", d)
		}
	})
}
