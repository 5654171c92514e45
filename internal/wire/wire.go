// Package wire carries the operations of a [hutch.Backend] to another process:
// HTTP/2 over any stream, without TLS where both ends of the stream are ours, or
// over TCP. [NewHandler] serves a backend, [Client] is a backend that is served
// somewhere else.
//
// # Requests
//
// An operation is one POST request to a route below [Base]; the table routes
// lists them. A client first says hello with the versions it speaks, and is told
// the one to use, the powers of the backend, its root and the limits of the server.
// A power that it is not told of it does not use, and signals other than those it
// is told of it does not send.
//
// # Bodies
//
// Every body, of a request and of an answer, is a sequence of frames:
//
//	kind 1 | length of the payload 3 | number 4 | check 4 | check 4 | payload
//
// all big endian. Frames are numbered from 0. The first check is the CRC-32C
// (Castagnoli) of everything in the body up to here, checks left out; the second
// one includes the payload. So no part of a body is believed that does not
// follow on what came before. The last frame says how many payload bytes there
// were; a body without it is not whole, and nothing of it may be acted upon that
// needs the whole. The checks of an answer start from the identity that the
// client gave its request, so that no answer is taken for that to another.
//
// The first frame of a request is its head, a JSON object. Fields that are not
// known are ignored. Strings that need not be UTF-8 (arguments, patterns,
// revisions) are base64 in it; names are checked at both ends. Errors keep their
// meaning, see fault.
package wire

import (
	"errors"
	"time"
)

// Version is the version of the protocol that this package speaks.
const Version = 1

// Base is the path below which all routes are; those of a version are below
// Base + "v1/".
const Base = "/hutch/"

// The limits of a server, in bytes where nothing else is said.
const (
	maxHead     = 64 << 10  // the head of a request
	maxExecHead = 8 << 20   // the head of an exec request, which holds arguments and environment
	maxFrame    = 256 << 10 // any other frame
	chunk       = 128 << 10 // what is put in a frame of content or output
	batch       = 32 << 10  // what is gathered before it is sent
	maxStreams  = 250       // requests at a time on one connection
	stdinWindow = 256 << 10 // input of a command on its way that the command has not read
)

// grace is how long an operation whose context has ended waits for the far side
// to say how it ended.
const grace = 5 * time.Second

// ErrLost is matched by the error of an operation whose connection or far side
// went away before it was known how the operation ended.
var ErrLost = errors.New("connection lost")

// route is one operation.
type route struct {
	name    string // the last part of its path
	op      string // the operation in its errors
	maxHead int
	// settled: where the context ends, the client waits a little for the answer,
	// since the operation may have been done.
	settled bool
	serve   func(*call) error

	// straight is the same operation through no link, see [hutch.Linker]; nil
	// where there is none. It is a route of its own and no field of the head, so
	// that a server that does not know it refuses it and follows nothing.
	straight *route
	unlinked bool // this is such a route
}

// The routes, used by client and server alike.
var (
	openRoute   = &route{name: "open", op: "open", maxHead: maxHead}
	statRoute   = &route{name: "stat", op: "stat", maxHead: maxHead}
	listRoute   = &route{name: "list", op: "list", maxHead: maxHead}
	scanRoute   = &route{name: "scan", op: "list", maxHead: maxHead}
	walkRoute   = &route{name: "walk", op: "walk", maxHead: maxHead}
	globRoute   = &route{name: "glob", op: "glob", maxHead: maxHead}
	grepRoute   = &route{name: "grep", op: "grep", maxHead: maxHead}
	writeRoute  = &route{name: "write", op: "write", maxHead: maxHead, settled: true}
	removeRoute = &route{name: "remove", op: "remove", maxHead: maxHead, settled: true}
	renameRoute = &route{name: "rename", op: "rename", maxHead: maxHead, settled: true}
	realRoute   = &route{name: "real", op: "real", maxHead: maxHead}
	execRoute   = &route{name: "exec", op: "exec", maxHead: maxExecHead, settled: true}

	fileRoutes = []*route{openRoute, statRoute, listRoute, scanRoute, walkRoute, globRoute, grepRoute,
		writeRoute, removeRoute, renameRoute}
	routes = append([]*route{realRoute, execRoute}, fileRoutes...)

	helloRoute = &route{name: "hello", op: "hello", maxHead: maxHead} // of every version
)

func init() {
	openRoute.serve = (*call).open
	statRoute.serve = (*call).stat
	listRoute.serve = (*call).list
	scanRoute.serve = (*call).scan
	walkRoute.serve = (*call).walk
	globRoute.serve = (*call).glob
	grepRoute.serve = (*call).grep
	writeRoute.serve = (*call).write
	removeRoute.serve = (*call).remove
	renameRoute.serve = (*call).rename
	realRoute.serve = (*call).real
	execRoute.serve = (*call).exec
	helloRoute.serve = (*call).hello
	for _, r := range fileRoutes {
		s := *r
		s.name, s.unlinked = straightPath+r.name, true
		r.straight = &s
		routes = append(routes, &s)
	}
}

// straightPath is what the names of routes that go through no link begin with.
const straightPath = "unlinked/"
