package mcp

import (
	"crypto/rand"
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
}

var (
	_ server.SessionWithLogging    = (*stdioSession)(nil)
	_ server.SessionWithClientInfo = (*stdioSession)(nil)
)

func newStdioSession() *stdioSession {
	s := &stdioSession{notifications: make(chan protocol.JSONRPCNotification, 100)}
	s.id = "stdio-" + rand.Text()
	s.level.Store(protocol.LoggingLevelError)
	return s
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
