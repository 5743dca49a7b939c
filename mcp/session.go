package mcp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"flowgate/internal/auth"
)

const (
	sessionNonce = 16
	sessionBody  = sessionNonce + 8 + 1 // and the time it was made, and what its client can
	sessionMAC   = 16
	// sessionLife is how long a session id is good for; clients open a new
	// session when theirs is answered with 404.
	sessionLife = 30 * 24 * time.Hour
	// maxEnded bounds the memory of ended sessions' ids.
	maxEnded = 100_000
)

// sessions makes session ids that only the caller who got them can use: an id
// carries a code over itself and its caller, so any replica with the same key
// can check it and nothing needs to be stored. Ended ids are remembered by
// the process that ended them.
type sessions struct {
	key  []byte
	max  int
	drop func(id string) // forgets the library's state of a session
	now  func() time.Time

	mu      sync.Mutex
	live    map[string][]string // by caller, oldest first
	ended   map[string]time.Time
	wishes  map[string]*wishes  // by session
	wishing map[string][]string // sessions with wishes by caller, oldest first
}

func newSessions(key []byte, maxLive int, drop func(string)) *sessions {
	return &sessions{key: key, max: maxLive, drop: drop, now: time.Now, live: map[string][]string{}, ended: map[string]time.Time{}, wishes: map[string]*wishes{}, wishing: map[string][]string{}}
}

// callerOf names who a session belongs to: a subject, by one key.
func callerOf(id *auth.Identity) string {
	if id == nil {
		return ""
	}
	return string(id.Kind) + "\x00" + id.Subject + "\x00" + id.KeyID
}

// create returns a new session id of caller's. It says whether the client can
// ask its user.
func (s *sessions) create(caller string, elicits bool) string {
	raw := make([]byte, sessionBody, sessionBody+sessionMAC)
	rand.Read(raw[:sessionNonce])
	if elicits {
		raw[sessionBody-1] = 1
	}
	binary.BigEndian.PutUint64(raw[sessionNonce:], uint64(s.now().Unix()))
	id := base64.RawURLEncoding.EncodeToString(append(raw, s.code(raw, caller)...))
	s.mu.Lock()
	list := append(s.live[caller], id)
	var over []string
	if n := len(list) - s.max; n > 0 {
		over, list = slices.Clone(list[:n]), slices.Clone(list[n:])
	}
	s.live[caller] = list
	s.mu.Unlock()
	for _, old := range over {
		s.drop(old)
	}
	return id
}

// valid reports whether id is a session of caller's that was not ended.
func (s *sessions) valid(id, caller string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != sessionBody+sessionMAC || caller == "" {
		return false
	}
	body, code := raw[:sessionBody], raw[sessionBody:]
	if !hmac.Equal(code, s.code(body, caller)) {
		return false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(body[sessionNonce:])), 0)
	if s.now().Sub(made) > sessionLife {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, over := s.ended[id]
	return !over
}

// elicits reports whether the client of a valid session can ask its user.
func (s *sessions) elicits(id string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	return err == nil && len(raw) == sessionBody+sessionMAC && raw[sessionBody-1]&1 == 1
}

// end makes id unusable for good.
func (s *sessions) end(id, caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ended) >= maxEnded {
		s.prune()
	}
	s.ended[id] = s.now()
	s.dropWishes(id)
	s.forgetLocked(id, caller)
}

// prune makes room: ids too old to be valid go first, then any.
func (s *sessions) prune() {
	for id, at := range s.ended {
		if s.now().Sub(at) > sessionLife || len(s.ended) >= maxEnded {
			delete(s.ended, id)
		}
	}
}

// forget notes that the library keeps no state of id any more.
func (s *sessions) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropWishes(id)
	for caller := range s.live {
		s.forgetLocked(id, caller)
	}
}

func (s *sessions) forgetLocked(id, caller string) {
	list := slices.DeleteFunc(s.live[caller], func(have string) bool { return have == id })
	if s.live[caller] = list; len(list) == 0 {
		delete(s.live, caller)
	}
}

func (s *sessions) code(body []byte, caller string) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(body)
	m.Write([]byte(caller))
	return m.Sum(nil)[:sessionMAC]
}
