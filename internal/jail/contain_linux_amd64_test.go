package jail

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// int80 makes a call of a 32-bit program: its arguments must be small numbers.
func int80(nr, arg1, arg2 uint32) {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return
	}
	le := func(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }
	code := append([]byte{0xb8}, le(nr)...)        // mov eax, nr
	code = append(append(code, 0xbb), le(arg1)...) // mov ebx, arg1
	code = append(append(code, 0xb9), le(arg2)...) // mov ecx, arg2
	copy(page, append(code, 0xcd, 0x80, 0xc3))     // int 0x80; ret
	entry := unsafe.Pointer(&page[0])
	p := unsafe.Pointer(&entry)
	(*(*func())(unsafe.Pointer(&p)))()
	runtime.KeepAlive(page)
}

// int80Main sets a limit as a 32-bit program does.
func int80Main() {
	const setrlimit = 75
	low, err := unix.MmapPtr(-1, 0, nil, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		return
	}
	*(*[2]uint32)(low) = [2]uint32{5, 6}
	int80(setrlimit, unix.RLIMIT_RTTIME, uint32(uintptr(low)))
}

func TestContainForeignCall(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{})
	copyBinary(t, filepath.Join(dirOf(j), "attacker"))
	o := runCommand(j, &Command{Args: []string{"./attacker"}, Env: []string{"ATTACK=int80"}})
	if strings.Contains(o.errs, "unexpected fault address") {
		t.Skip("this kernel runs no 32-bit programs")
	}
	if o.err != nil || o.Signal != "SIGSYS" {
		t.Errorf("a limit set as a 32-bit program does: %s", o)
	}
}
