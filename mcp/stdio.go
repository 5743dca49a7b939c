package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/auth"
)

// maxStdioCalls bounds the requests one client has under way.
const maxStdioCalls = 128

// ServeStdio speaks the protocol with one client, for id, over in and out:
// one message a line. Nothing but protocol is written to out. It returns nil
// when in ends or ctx does, after the calls under way have ended; those that
// take longer than Options.Drain are cancelled. When id may not go on, for
// instance since its key was revoked, it cancels what is under way and returns
// why. in is read in the background and may stay blocked in one last Read when
// it is not in that ends first.
func (s *Server) ServeStdio(ctx context.Context, id *auth.Identity, in io.Reader, out io.Writer) error {
	if id == nil {
		return errors.New("mcp: stdio needs an identity")
	}
	// Calls outlive ctx for the time of the drain.
	calls := auth.WithOrigin(auth.WithIdentity(context.WithoutCancel(ctx), id), &auth.Origin{Door: "stdio"})
	calls, cancel := context.WithCancel(calls)
	defer cancel()
	session := newStdioSession()
	c := &stdioConn{server: s, session: session, out: out, slots: make(chan struct{}, maxStdioCalls), quiet: func() {}}
	if err := s.core.RegisterSession(calls, session); err != nil {
		return fmt.Errorf("open the stdio session: %w", err)
	}
	defer s.core.UnregisterSession(context.WithoutCancel(ctx), session.SessionID())
	calls = withNotifier(s.core.WithContext(calls, session), c)
	c.background.Go(func() { c.forward(calls, session) })
	reading, end := context.WithCancelCause(ctx)
	defer end(nil)
	c.background.Go(func() {
		if err := s.untilRefused(calls, id); err != nil {
			end(err)
			cancel()
		}
	})

	err := c.read(reading, calls, in, s.MaxBody)
	if cause := context.Cause(reading); err == nil && denied(cause) {
		err = cause
	}
	drained := time.AfterFunc(s.Drain, cancel)
	c.calls.Wait()
	drained.Stop()
	c.quiet()
	s.sessions.forget(session.id)
	cancel()
	c.background.Wait()
	if err == nil {
		err = c.writeErr
	}
	return err
}

// untilRefused returns why id may not go on, as soon as that is so; nil when ctx
// ends first.
func (s *Server) untilRefused(ctx context.Context, id *auth.Identity) error {
	tick := time.NewTicker(s.Recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.Authenticator.Recheck(ctx, id); err != nil {
				return err
			}
		}
	}
}

// stdioConn is the connection to one client.
type stdioConn struct {
	server     *Server
	session    *stdioSession
	slots      chan struct{}
	listenOnce sync.Once
	quiet      func() // ends listening for changes of the tool list
	calls      sync.WaitGroup
	background sync.WaitGroup

	mu       sync.Mutex
	out      io.Writer
	writeErr error
}

// handle serves one message: requests on their own, so that they do not wait
// for each other; notifications, such as a cancellation, at once.
func (c *stdioConn) handle(ctx context.Context, text []byte) {
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return
	}
	m, fault := parseEnvelope(text)
	switch {
	case fault != nil:
		c.write(fault.encode(m.ID))
	case m.Method == "" && len(m.ID) > 0 && c.server.backs.answered(c.session.id, m.ID, text):
	case m.Method == "" || len(m.ID) == 0:
		if m.Method == protocolCancelled {
			c.server.calls.cancel(callKey(c.session.id, m.Params.RequestID))
		}
		c.answer(ctx, text)
	default:
		select {
		case c.slots <- struct{}{}:
			call, done := c.server.calls.begin(ctx, callKey(c.session.id, m.ID))
			c.calls.Go(func() {
				defer func() { <-c.slots }()
				defer done()
				defer c.recoverRequest(m)
				c.request(call, m, text)
			})
		default:
			c.write((&rpcError{Code: rpcBusy, Message: fmt.Sprintf("%d requests are under way already; wait for one to end", maxStdioCalls)}).encode(m.ID))
		}
	}
}

// recoverRequest turns a panic into an answer.
func (c *stdioConn) recoverRequest(m *envelope) {
	if p := recover(); p != nil {
		c.server.Logger.Error("mcp: panic", "method", m.Method, "panic", p, "stack", string(debug.Stack()))
		c.write((&rpcError{Code: protocol.INTERNAL_ERROR, Message: "an internal error occurred; it was logged"}).encode(m.ID))
	}
}

func (c *stdioConn) request(ctx context.Context, m *envelope, text []byte) {
	if err := c.server.Service.LimitCaller(ctx, nil, c.server.rules(m)...); err != nil {
		c.write(rpcErrorOf(err).encode(m.ID))
		return
	}
	tool, err := c.server.admit(ctx, m)
	ctx, ended := c.server.observe(ctx, m, tool, arrival{"pipe", c.session.id, ""})
	if err != nil {
		_, code := refusalOf(err)
		ended(strconv.Itoa(code))
		c.write(rpcErrorOf(err).encode(m.ID))
		return
	}
	switch m.Method {
	case protocolInitialize:
		c.session.elicits.Store(m.elicits())
	case protocolSetLevel:
		if level := m.text(m.Params.Level); levels[level] > 0 {
			c.session.wanted.Store(level)
		}
	case protocolToolsCall:
		wanted, _ := c.session.wanted.Load().(string)
		ctx = withElicits(withLevel(ctx, wanted), c.session.elicits.Load())
	case protocolListen:
		defer c.server.tellListener(ctx, c, m)()
	case protocolSubscribe, protocolUnsubscribe:
		c.server.sessions.subscribe(c.session.id, callerOf(auth.FromContext(ctx)), m.text(m.Params.URI), m.Method == protocolSubscribe)
	}
	version, _ := m.Params.Meta.ProtocolVersion.(string)
	modern := protocol.IsModernProtocol(version)
	if !modern {
		ctx = withAsker(ctx, c)
	}
	if do := c.server.directly(m, tool, modern); do != nil && (!modern || m.modernMeta()) {
		answer := c.server.answer(ctx, do, m, modern, "")
		ended(failureIn(answer))
		if !cancelled(ctx) { // else nobody waits for it
			c.write(answer)
		}
		return
	}
	ended(c.answer(ctx, text))
	if m.Method == protocolInitialize {
		c.listenOnce.Do(func() { c.quiet = c.server.tellSession(ctx, c, c.session.id) })
	}
}

func (c *stdioConn) answer(ctx context.Context, text []byte) (failure string) {
	answer := c.server.core.HandleMessage(ctx, text)
	if answer == nil || cancelled(ctx) {
		return ""
	}
	data, err := json.Marshal(answer)
	if err != nil {
		c.server.Logger.Error("mcp: encode an answer", "error", err)
		return "error"
	}
	c.write(data)
	return failureIn(data)
}

// forward writes what the library sends to the session, such as a change of
// the tool list.
func (c *stdioConn) forward(ctx context.Context, s *stdioSession) {
	for {
		select {
		case n := <-s.notifications:
			if data, err := json.Marshal(n); err == nil {
				c.write(data)
			}
		case <-ctx.Done():
			return
		}
	}
}

// notify implements notifier.
func (c *stdioConn) notify(method string, params map[string]any) bool {
	data, err := json.Marshal(map[string]any{"jsonrpc": protocol.JSONRPC_VERSION, "method": method, "params": params})
	return err == nil && c.write(data)
}

func (c *stdioConn) write(message []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writeErr != nil {
		return false
	}
	_, c.writeErr = c.out.Write(append(message, '\n'))
	return c.writeErr == nil
}
