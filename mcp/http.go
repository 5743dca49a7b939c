package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// Handler serves streamable HTTP. It does everything a request needs,
// authentication included, and may be mounted at any path; /mcp is usual.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recoverRequest(w, r)
		stranger := s.Guard.Check(r)
		switch {
		case stranger != nil:
			s.refuse(w, nil, stranger)
		case r.Method != http.MethodPost && r.Method != http.MethodGet && r.Method != http.MethodDelete:
			w.Header().Set("Allow", "GET, POST, DELETE")
			writeRPCError(w, http.StatusMethodNotAllowed, nil, &rpcError{Code: protocol.INVALID_REQUEST, Message: "use POST for messages, GET to listen, DELETE to end a session"})
		case r.ContentLength > s.MaxBody:
			s.refuse(w, nil, s.tooLarge(r.Body, r.ContentLength))
		default:
			s.serve(w, r)
		}
	})
}

// serve authenticates the caller and handles the request for it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	p := s.presented(r)
	id, err := s.Authenticator.Authenticate(r.Context(), p)
	if err != nil {
		s.refuse(w, nil, err)
		return
	}
	m := &envelope{}
	var body []byte
	if r.Method == http.MethodPost {
		var ok bool
		if body, m, ok = s.readMessage(w, r); !ok {
			return
		}
	}
	ctx := auth.WithIdentity(r.Context(), id)
	if err := s.Service.LimitCaller(ctx, w.Header(), s.rules(m)...); err != nil {
		s.refuse(w, m.ID, err)
		return
	}
	modern := m.modern(r.Header)
	if !modern && m.Method != protocolInitialize && !s.checkSession(w, r, id, m.ID) {
		return
	}
	if m.Method == "" && !modern && s.backs.answered(sessionOf(r.Header), m.ID, body) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if m.Method == protocolCancelled && modern {
		// Requests of this generation have no session, so the library would
		// cancel whoever's call has that id. Its callers cancel by closing
		// the connection.
		w.WriteHeader(http.StatusAccepted)
		return
	}
	tool, err := s.admit(ctx, m)
	ctx, ended := s.observe(ctx, m, tool, arrival{"tcp", sessionOf(r.Header), r.Header.Get(protocol.HeaderProtocolVersion)})
	if err != nil {
		_, code := refusalOf(err)
		ended(strconv.Itoa(code))
		s.refuse(w, m.ID, err)
		return
	}
	var do direct
	if r.Method == http.MethodPost && m.wellFormed(r.Header, modern) {
		do = s.directly(m, tool, modern)
	}
	if !modern {
		ctx = s.inSession(ctx, r.Header, m)
	}
	ended(s.pass(ctx, w, r, p, m, body, do))
}

// inSession adds what is known of a request's session, and does what a
// message changes about it.
func (s *Server) inSession(ctx context.Context, h http.Header, m *envelope) context.Context {
	session := sessionOf(h)
	switch m.Method {
	case protocolInitialize:
		return withElicits(ctx, m.elicits())
	case protocolCancelled:
		s.calls.cancel(callKey(session, m.Params.RequestID))
	case protocolSetLevel:
		if level := m.text(m.Params.Level); levels[level] > 0 {
			s.sessions.setLevel(session, callerOf(auth.FromContext(ctx)), level)
		}
	case protocolSubscribe, protocolUnsubscribe:
		s.sessions.subscribe(session, callerOf(auth.FromContext(ctx)), m.text(m.Params.URI), m.Method == protocolSubscribe)
	case protocolToolsCall:
		ctx = withElicits(withLevel(ctx, s.sessions.level(session)), s.sessions.elicits(session))
	}
	return ctx
}

// pass answers a request here, or hands it to the library, and returns how it
// failed.
func (s *Server) pass(ctx context.Context, w http.ResponseWriter, r *http.Request, p auth.Presented, m *envelope, body []byte, do direct) (failure string) {
	out := newResponder(w, r, m.ID)
	if !m.modern(r.Header) {
		out.session, out.backs = sessionOf(r.Header), &s.backs
		ctx = withAsker(ctx, out)
	}
	stream := r.Method == http.MethodGet || m.Method == protocolListen
	if stream {
		release, err := s.Service.Hold(ctx)
		if err != nil {
			s.refuse(w, m.ID, err)
			return workflow.ReasonOf(err)
		}
		defer release()
		defer s.Metrics.Stream("mcp")()
	}
	ctx, stop := s.watch(withNotifier(ctx, out), p, stream)
	if do != nil {
		key := ""
		if !m.modern(r.Header) { // else nobody has checked whose session the header names
			key = callKey(sessionOf(r.Header), m.ID)
		}
		answer := s.answer(ctx, do, m, m.modern(r.Header), key)
		if context.Cause(ctx) == nil {
			out.respond(answer)
		}
	} else {
		quiet := s.tellListener(ctx, out, m)
		if r.Method == http.MethodGet {
			quiet = s.tellSession(ctx, out, sessionOf(r.Header))
		}
		s.http.Handle(out, &server.HTTPRequest{Method: r.Method, URL: r.URL, Header: r.Header, Body: body, Context: ctx})
		quiet()
	}
	cause := context.Cause(ctx)
	stop()
	if cause != nil && !out.answered() && r.Context().Err() == nil {
		s.refuse(w, m.ID, cause)
	}
	return out.failure()
}

// checkSession makes sure a session is used by the caller it was opened for.
// When it returns false it has answered.
func (s *Server) checkSession(w http.ResponseWriter, r *http.Request, id *auth.Identity, rpcID json.RawMessage) bool {
	session := r.Header.Get(server.HeaderKeySessionID)
	switch {
	case session == "":
		writeRPCError(w, http.StatusBadRequest, rpcID, &rpcError{Code: protocol.INVALID_REQUEST,
			Message: "the " + server.HeaderKeySessionID + " header is missing: send initialize first and repeat the id it answers with, or use protocol version " + protocol.ProtocolVersion20260728})
	case !s.sessions.valid(session, callerOf(id)):
		writeRPCError(w, http.StatusNotFound, rpcID, &rpcError{Code: protocol.INVALID_REQUEST, Message: "there is no such session: send initialize to open one"})
	default:
		return true
	}
	return false
}

// refuse answers a request that does not reach the library.
func (s *Server) refuse(w http.ResponseWriter, id json.RawMessage, err error) {
	status, _ := refusalOf(err)
	h := w.Header()
	if c := s.challenge(err); c != "" {
		h.Set("WWW-Authenticate", c)
	}
	if after := workflow.RetryAfter(err); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
	if status >= 500 {
		s.Logger.Error("mcp: request refused", "status", status, "error", err)
	}
	writeRPCError(w, status, id, rpcErrorOf(err))
}

// recoverRequest turns a panic into an answer, if none was begun.
func (s *Server) recoverRequest(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	s.Logger.Error("mcp: panic", "method", r.Method, "panic", p)
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		writeRPCError(w, http.StatusInternalServerError, nil, &rpcError{Code: protocol.INTERNAL_ERROR, Message: "an internal error occurred; it was logged"})
	}
}
