// Package mcp is the door for language models: every capability of the
// service is an MCP tool, over stdio and streamable HTTP, in both protocol
// generations (2025-11-25 and older with sessions, 2026-07-28 without).
//
// The protocol itself is mcp-go's. In front of it stands what that library
// leaves to its user: who is calling and what they may, sessions bound to
// their caller, limits on bodies, the check of Host and Origin, progress that
// arrives before its result, and errors a model can act on.
package mcp

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/auth"
	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/telemetry"
)

// Options are what a Server is made of. Service is required, and so is
// Authenticator for the HTTP handler; the zero value of the rest works.
type Options struct {
	Service       *service.Service
	Authenticator *auth.Authenticator
	Logger        *slog.Logger
	Metrics       *telemetry.Metrics // nil: nothing is counted
	Tracer        *telemetry.Tracer  // nil: nothing is traced

	Name         string // "flowgate" when empty
	Title        string
	Version      string
	Instructions string // for the model, in place of the built-in ones

	// PublicURL begins the links in authentication challenges, without a
	// slash at the end.
	PublicURL string
	// Guard refuses requests of strangers' pages.
	Guard auth.Guard
	// AllowQueryKey accepts ?api_key=, which leaks into other people's logs.
	AllowQueryKey bool

	MaxBody   int64 // bytes of a message; 4 MiB when 0
	MaxResult int   // bytes of a result's structured content, and of its text; 64 KiB when 0

	// SessionKey signs session ids. Replicas that share it accept each
	// other's sessions; when empty it is random.
	SessionKey []byte
	// MaxSessions bounds the session state kept for one caller; 64 when 0.
	MaxSessions int
	// SessionIdle is how long unused session state is kept; 30 minutes when 0.
	SessionIdle time.Duration
	// Recheck is how often the caller of an open request is authenticated
	// anew, so that a revoked key ends its streams; 1 s when 0.
	Recheck time.Duration
	// Watch is how often it is looked whether a listener's tools changed, for
	// changes made in other processes; 3 s when 0.
	Watch time.Duration
	// Extra adds tools, prompts and resources of the library's own kind, as
	// fixtures of tests. They are nobody's: authorization does not ask for them.
	Extra func(*server.MCPServer)
	// Drain bounds how long calls under way may go on after stdin ended or
	// ServeStdio's context did; 5 s when 0.
	Drain time.Duration

	// Admit, when set, has the last word on a tool call that is authorized:
	// limits. An error refuses the call before it reaches the tool.
	Admit func(ctx context.Context, c *service.Capability) error
}

// Server serves the service's capabilities as MCP tools. Safe for concurrent
// use. Close it when done.
type Server struct {
	Options
	core     *server.MCPServer
	http     *server.StreamableHTTPServer
	sessions *sessions
	lists    listCache
	calls    inflight
	backs    backs
	tools    toolWatch
	asks     *seal.Box
	whoWeAre []byte // as a member of a result's _meta
	now      func() time.Time

	closeOnce sync.Once
	closed    chan struct{}
}

// New returns a server with a tool for every capability.
func New(o Options) (*Server, error) {
	if o.Service == nil {
		return nil, errors.New("mcp: Options.Service is required")
	}
	o = withDefaults(o)
	s := &Server{Options: o, closed: make(chan struct{}), now: time.Now}
	s.sessions = newSessions(o.SessionKey, o.MaxSessions, s.dropSession)
	s.tools.list, s.tools.every = o.Service.VisibleRunTools, o.Watch
	var err error
	if s.asks, err = askBox(o.SessionKey); err != nil {
		return nil, err
	}
	if s.whoWeAre, err = serverInfo(&o); err != nil {
		return nil, err
	}
	s.core = server.NewMCPServer(o.Name, o.Version, s.coreOptions()...)
	for _, c := range o.Service.Tools() {
		s.core.AddTool(toolOf(c), s.handler(c))
	}
	s.registerResources()
	s.registerPrompts()
	if o.Extra != nil {
		o.Extra(s.core)
	}
	s.http = server.NewStreamableHTTPServer(s.core, server.WithSessionIdManagerResolver(s.sessions),
		server.WithSessionIdleTTL(o.SessionIdle), server.WithHeartbeatInterval(heartbeat), server.WithStreamableHTTPLogger(o.Logger))
	return s, nil
}

// coreOptions say what the library announces, and shape its lists for their
// callers.
func (s *Server) coreOptions() []server.ServerOption {
	hooks := &server.Hooks{}
	hooks.AddAfterListTools(s.showVisible)
	hooks.AddAfterListPrompts(s.visiblePrompts)
	hooks.AddAfterListResources(s.listResources)
	hooks.AddAfterListResourceTemplates(s.visibleTemplates)
	return []server.ServerOption{
		server.WithTitle(s.Title), server.WithInstructions(s.Instructions), server.WithIcons(icons()...), server.WithHooks(hooks),
		server.WithToolCapabilities(true), server.WithResourceCapabilities(true, false), server.WithPromptCapabilities(false),
		server.WithLogging(), server.WithCompletions(),
		server.WithPromptCompletionProvider(completer{s}), server.WithResourceCompletionProvider(completer{s}),
	}
}

// heartbeat keeps listening streams open through proxies.
const heartbeat = 25 * time.Second

func withDefaults(o Options) Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "flowgate"
	}
	if o.Title == "" {
		o.Title = "Flowgate workflows"
	}
	if o.Instructions == "" {
		o.Instructions = instructions
	}
	if len(o.SessionKey) == 0 {
		o.SessionKey = make([]byte, 32)
		rand.Read(o.SessionKey)
	}
	o.MaxBody = orDefault(o.MaxBody, 4<<20)
	o.MaxResult = orDefault(o.MaxResult, 64<<10)
	o.MaxSessions = orDefault(o.MaxSessions, 64)
	o.SessionIdle = orDefault(o.SessionIdle, 30*time.Minute)
	o.Recheck = orDefault(o.Recheck, time.Second)
	o.Drain = orDefault(o.Drain, 5*time.Second)
	o.Watch = orDefault(o.Watch, 3*time.Second)
	return o
}

func orDefault[T int | int64 | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// Close ends listening streams and drops session state. Calls under way go on
// to their end. It may be called more than once.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		close(s.closed)
		if err := s.http.Shutdown(context.Background()); err != nil {
			s.Logger.Warn("mcp: shutdown", "error", err)
		}
	})
}
