package mcp

import "slices"

// wishes are what a session wants to be told.
type wishes struct {
	caller string
	level  string          // of messages; "" when it did not say
	uris   map[string]bool // resources
}

// maxURI bounds the address of a resource somebody subscribes to, in bytes.
const maxURI = 512

// wishesOf returns a session's wishes, made when there are none. A caller has
// them in as many sessions as it may have open: those it first wished in are
// forgotten for new ones. s.mu is held.
func (s *sessions) wishesOf(id, caller string) *wishes {
	if w := s.wishes[id]; w != nil {
		return w
	}
	w := &wishes{caller: caller, uris: map[string]bool{}}
	s.wishes[id] = w
	s.wishing[caller] = append(s.wishing[caller], id)
	if list := s.wishing[caller]; len(list) > s.max {
		s.dropWishes(list[0])
	}
	return w
}

// dropWishes forgets a session's wishes. s.mu is held.
func (s *sessions) dropWishes(id string) {
	w := s.wishes[id]
	if w == nil {
		return
	}
	delete(s.wishes, id)
	list := slices.DeleteFunc(s.wishing[w.caller], func(have string) bool { return have == id })
	if s.wishing[w.caller] = list; len(list) == 0 {
		delete(s.wishing, w.caller)
	}
}

// setLevel notes which messages a session of caller's wants from now on.
func (s *sessions) setLevel(id, caller, level string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wishesOf(id, caller).level = level
}

// level is what setLevel noted, "" for nothing.
func (s *sessions) level(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.wishes[id]; w != nil {
		return w.level
	}
	return ""
}

// subscribe notes a session's wish to hear of a resource, or its end. Of what
// is no resource nothing is noted.
func (s *sessions) subscribe(id, caller, uri string, wanted bool) {
	if len(uri) > maxURI || resourceOf(uri) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !wanted {
		if w := s.wishes[id]; w != nil {
			delete(w.uris, uri)
		}
		return
	}
	if w := s.wishesOf(id, caller); len(w.uris) < maxSubscriptions {
		w.uris[uri] = true
	}
}

// subscribed are the resources a session wants to hear of.
func (s *sessions) subscribed(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wishes[id]
	if w == nil {
		return nil
	}
	out := make([]string, 0, len(w.uris))
	for uri := range w.uris {
		out = append(out, uri)
	}
	return out
}
