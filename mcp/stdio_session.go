package mcp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// stdioSession is the library's view of the client on a pipe. The library has
// one of its own, but only one for the whole process.
type stdioSession struct {
	id            string
	notifications chan protocol.JSONRPCNotification
	initialized   atomic.Bool
	level         atomic.Value // protocol.LoggingLevel
	client        atomic.Value // protocol.Implementation
	capabilities  atomic.Value // protocol.ClientCapabilities
	elicits       atomic.Bool  // whether the client can ask its user
	wanted        atomic.Value // string: level of the messages that are wanted

	send func(message []byte) bool

	mu      sync.Mutex
	asked   int
	waiting map[string]chan json.RawMessage // by the request's id
}

var (
	_ server.SessionWithLogging     = (*stdioSession)(nil)
	_ server.SessionWithClientInfo  = (*stdioSession)(nil)
	_ server.SessionWithElicitation = (*stdioSession)(nil)
)

func newStdioSession() *stdioSession {
	s := &stdioSession{notifications: make(chan protocol.JSONRPCNotification, 100)}
	s.id = "stdio-" + rand.Text()
	s.level.Store(protocol.LoggingLevelError)
	return s
}

// RequestElicitation asks the client, and so its user, and waits for the answer.
func (s *stdioSession) RequestElicitation(ctx context.Context, req protocol.ElicitationRequest) (*protocol.ElicitationResult, error) {
	id, answer := s.ask()
	defer s.forget(id)
	message, err := json.Marshal(map[string]any{"jsonrpc": protocol.JSONRPC_VERSION, "id": id, "method": protocol.MethodElicitationCreate, "params": req.Params})
	if err != nil {
		return nil, err
	}
	if !s.send(message) {
		return nil, errors.New("the client is gone")
	}
	select {
	case data := <-answer:
		var m struct {
			Result *protocol.ElicitationResult `json:"result"`
			Error  *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		if m.Result == nil {
			return nil, errors.New("the client could not ask its user")
		}
		return m.Result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *stdioSession) ask() (id string, answer chan json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.waiting == nil {
		s.waiting = map[string]chan json.RawMessage{}
	}
	id, answer = "ask-"+strconv.Itoa(s.asked), make(chan json.RawMessage, 1)
	s.waiting[id] = answer
	return id, answer
}

func (s *stdioSession) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// answered hands a message to the request it answers; false: to none.
func (s *stdioSession) answered(id json.RawMessage, message []byte) bool {
	var name string
	if json.Unmarshal(id, &name) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, ok := s.waiting[name]
	if ok {
		answer <- append(json.RawMessage(nil), message...)
		delete(s.waiting, name)
	}
	return ok
}

func (s *stdioSession) Initialize()       { s.initialized.Store(true) }
func (s *stdioSession) Initialized() bool { return s.initialized.Load() }
func (s *stdioSession) SessionID() string { return s.id }

func (s *stdioSession) NotificationChannel() chan<- protocol.JSONRPCNotification {
	return s.notifications
}

func (s *stdioSession) SetLogLevel(l protocol.LoggingLevel) { s.level.Store(l) }

func (s *stdioSession) GetLogLevel() protocol.LoggingLevel {
	l, _ := s.level.Load().(protocol.LoggingLevel)
	return l
}

func (s *stdioSession) SetClientInfo(i protocol.Implementation) { s.client.Store(i) }

func (s *stdioSession) GetClientInfo() protocol.Implementation {
	i, _ := s.client.Load().(protocol.Implementation)
	return i
}

func (s *stdioSession) SetClientCapabilities(c protocol.ClientCapabilities) { s.capabilities.Store(c) }

func (s *stdioSession) GetClientCapabilities() protocol.ClientCapabilities {
	c, _ := s.capabilities.Load().(protocol.ClientCapabilities)
	return c
}
