package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/session"
)

const (
	minKey       = 32
	tokenVersion = 1
	nonceSize    = 16
	maxToken     = 1 << 10 // of the text of a session token
)

// caller is who a request comes from.
type caller struct {
	name    string
	service bool
	pass    // where it is not the service
}

// pass is what a session token says.
type pass struct {
	id, serial string
	expires    time.Time
}

// tokens knows the tokens that are good.
type tokens struct {
	service []serviceToken
	key     []byte
	get     func(id string) (session.Info, error)
}

type serviceToken struct {
	hash    [sha256.Size]byte
	expires time.Time
	name    string
}

func newTokens(all []Token, key []byte, get func(string) (session.Info, error)) *tokens {
	t := &tokens{key: key, get: get}
	if t.key == nil {
		t.key = make([]byte, minKey)
		_, _ = rand.Read(t.key) // never fails
	}
	for _, s := range all {
		t.service = append(t.service, serviceToken{sha256.Sum256([]byte(s.Value)), s.Expires, s.Name})
	}
	return t
}

// caller is who a request comes from; false where it has no token that is good
// now. Nothing else is told, and nothing is looked up before the token is known to
// be one of ours.
func (t *tokens) caller(r *http.Request) (caller, bool) {
	text, ok := tokenOf(r)
	if !ok {
		return caller{}, false
	}
	if c, ok := t.serviceCaller(text); ok {
		return c, true
	}
	p, ok := t.open(text)
	if !ok || !time.Now().Before(p.expires) {
		return caller{}, false
	}
	i, err := t.get(p.id)
	if err != nil || subtle.ConstantTimeCompare([]byte(i.Serial), []byte(p.serial)) != 1 {
		return caller{}, false // of a session that has ended
	}
	return caller{name: "session", pass: p}, true
}

// serviceCaller compares hashes, all of them, so that the time it takes tells
// nothing of the tokens.
func (t *tokens) serviceCaller(text string) (c caller, ok bool) {
	given := sha256.Sum256([]byte(text))
	for _, s := range t.service {
		good := subtle.ConstantTimeCompare(given[:], s.hash[:]) == 1
		if good && (s.expires.IsZero() || time.Now().Before(s.expires)) {
			c, ok = caller{name: s.name, service: true}, true
		}
	}
	return c, ok
}

// tokenOf is the one token of a request.
func tokenOf(r *http.Request) (string, bool) {
	bearer, other := r.Header["Authorization"], r.Header["X-Sandbox-Token"]
	if len(bearer)+len(other) != 1 {
		return "", false
	}
	if len(other) == 1 {
		return other[0], other[0] != ""
	}
	scheme, token, ok := strings.Cut(bearer[0], " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// issue makes a token of a session.
func (t *tokens) issue(i session.Info, expires time.Time) string {
	b := []byte{tokenVersion, byte(len(i.ID))}
	b = append(b, i.ID...)
	b = append(b, byte(len(i.Serial)))
	b = append(b, i.Serial...)
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	b = append(b, nonce...)
	return base64.RawURLEncoding.EncodeToString(append(b, t.sum(b)...))
}

func (t *tokens) sum(b []byte) []byte {
	m := hmac.New(sha256.New, t.key)
	m.Write(b)
	return m.Sum(nil)
}

// open is what a token of ours says. Of one that is not, no byte is looked at.
func (t *tokens) open(text string) (p pass, ok bool) {
	if len(text) > maxToken {
		return p, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < sha256.Size {
		return p, false
	}
	b, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(mac, t.sum(b)) || len(b) == 0 || b[0] != tokenVersion {
		return p, false
	}
	b = b[1:]
	id, b, ok1 := cutField(b)
	serial, b, ok2 := cutField(b)
	if !ok1 || !ok2 || len(b) != 8+nonceSize {
		return p, false
	}
	return pass{id, serial, time.Unix(int64(binary.BigEndian.Uint64(b)), 0)}, true
}

// cutField takes a field with its length before it off b.
func cutField(b []byte) (field string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
