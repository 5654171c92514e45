//go:build amd64 || arm64

package jail

import (
	"io"

	"golang.org/x/sys/unix"
)

// sendFrame writes one frame to a blocking socket. The descriptors ride on its first byte.
func sendFrame(sock int, kind byte, payload []byte, fds ...int) error {
	b := append(header{size: len(payload), kind: kind, fds: len(fds)}.encode(), payload...)
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for len(b) > 0 {
		n, err := unix.SendmsgN(sock, b, oob, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b, oob = b[n:], nil
	}
	return nil
}

// receiver reads frames and the descriptors that come along.
type receiver struct {
	sock  int
	limit int // of the payload
	oob   [64]byte
}

// next returns the next frame; io.EOF if the other side is gone. The caller owns the descriptors, also with an error.
func (r *receiver) next() (kind byte, payload []byte, fds []int, err error) {
	var head [headerSize]byte
	if fds, err = r.fill(head[:], nil); err != nil {
		return 0, nil, fds, err
	}
	h, err := decodeHeader(head[:], r.limit)
	if err != nil {
		return 0, nil, fds, err
	}
	payload = make([]byte, h.size)
	if fds, err = r.fill(payload, fds); err == nil && len(fds) != h.fds {
		err = errFrame
	}
	return h.kind, payload, fds, err
}

func (r *receiver) fill(b []byte, fds []int) ([]int, error) {
	for len(b) > 0 {
		n, oobn, flags, _, err := unix.Recvmsg(r.sock, b, r.oob[:], unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fds, err
		}
		if oobn > 0 {
			fds = append(fds, rights(r.oob[:oobn])...)
		}
		if flags&unix.MSG_CTRUNC != 0 || len(fds) > maxFds {
			return fds, errFrame
		}
		if n == 0 {
			return fds, io.EOF
		}
		b = b[n:]
	}
	return fds, nil
}

// rights takes the descriptors out of control messages.
func rights(oob []byte) (fds []int) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range msgs {
		if got, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
