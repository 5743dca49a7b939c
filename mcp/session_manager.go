package mcp

import (
	"errors"
	"net/http"

	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/auth"
)

// ResolveSessionIdManager gives the library a manager that acts for the
// request's caller, or for the server itself when there is none.
func (s *sessions) ResolveSessionIdManager(r *http.Request) server.SessionIdManager {
	if r == nil {
		return &callersSessions{all: s}
	}
	elicits, _ := r.Context().Value(elicitsKey{}).(bool)
	return &callersSessions{all: s, caller: callerOf(auth.FromContext(r.Context())), elicits: elicits}
}

type callersSessions struct {
	all     *sessions
	caller  string
	elicits bool
}

func (c *callersSessions) Generate() string { return c.all.create(c.caller, c.elicits) }

func (c *callersSessions) Validate(id string) (isTerminated bool, err error) {
	if !c.all.valid(id, c.caller) {
		return false, errors.New("no such session")
	}
	return false, nil
}

// Terminate ends a session for its caller. For the server itself, which
// drops idle state only, the id stays good.
func (c *callersSessions) Terminate(id string) (isNotAllowed bool, err error) {
	if c.caller == "" {
		c.all.forget(id)
		return false, nil
	}
	c.all.end(id, c.caller)
	return false, nil
}

// dropSession makes the library forget a session's state.
func (s *Server) dropSession(id string) {
	s.http.Handle(discard{}, &server.HTTPRequest{Method: http.MethodDelete, Header: http.Header{server.HeaderKeySessionID: {id}}})
}

// discard is the response of a request nobody sent.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Flush()                      {}
func (discard) CanStream() bool             { return false }
