// Package web is the HTTP door: the public and App tiers, the REST façade of
// the MCP tier, webhooks, and the mount of the native MCP endpoint. Routes
// follow from the service's capability table.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

// Options are what a Server is made of. Service and Authenticator are
// required; the zero value of the rest works.
type Options struct {
	Service       *service.Service
	Authenticator *auth.Authenticator
	Logger        *slog.Logger
	Metrics       *telemetry.Metrics // nil: nothing is counted
	Tracer        *telemetry.Tracer  // nil: nothing is traced
	// Accounts are the people of the embedded sign-in, whose routes are then
	// served at /auth/v1; nil: there are no such routes.
	Accounts *auth.Accounts
	SignIn   SignIn // of the console's people

	Name, Version, Environment string
	PublicURL                  string // begins the links handed out, no slash at the end

	MCP      http.Handler // the native MCP endpoint, mounted at /mcp; it authenticates by itself
	Webhook  WebhookFunc  // Service.Webhook when nil
	TestHook WebhookFunc  // Service.TestWebhook when nil
	Health   func(context.Context) Health
	Admit    AdmitFunc     // limits; nil admits all
	OnStop   func()        // ends open streams when shutdown begins
	Drain    time.Duration // how long shutdown waits for requests under way; 20 s when 0

	ShowMetrics  bool   // serve Metrics at /api/public/metrics
	MetricsToken string // what callers of that route present as a bearer token; "": anyone may

	// AuthorizationServers give out tokens that the MCP door accepts, for its
	// metadata; empty: API keys are the only way in.
	AuthorizationServers []string

	Guard auth.Guard // refuses requests of strangers' pages on the MCP tier

	PublicOff, AppOff, MCPOff bool // tiers whose routes answer 404

	RateLimiting   func() bool // whether limits are on, for /api/public/status; nil: they are not
	AllowQueryKey  bool        // accept ?api_key= on the MCP tier
	CORS           CORS
	TrustedProxies []netip.Prefix    // whose X-Forwarded-For is believed
	MaxBody        int64             // bytes of a request; 4 MiB when 0
	MaxWebhookBody int64             // 16 MiB when 0
	MaxFile        int64             // bytes of an uploaded file; 64 MiB when 0
	BodyTimeout    time.Duration     // to receive a request's body; 30 s when 0
	WriteTimeout   time.Duration     // for a client to take a piece of its answer; 30 s when 0
	Errors         *service.ErrorLog // told of requests that fail on our side; may be nil
	TicketKey      []byte            // 32 bytes that seal stream tickets, the same in all processes; random when empty
}

// CORS says which other sites' pages may call. Origins "*" is any, and not
// allowed together with Credentials.
type CORS struct {
	Origins, Methods, Headers []string
	Credentials               bool
}

// WebhookFunc answers a call of a webhook address.
type WebhookFunc func(context.Context, workflow.WebhookCall) (*workflow.Response, error)

// AdmitFunc has the last word on a call that is authorized. An error refuses
// it before anything is done.
type AdmitFunc func(context.Context, *service.Capability) error

// Server serves HTTP. Safe for concurrent use.
type Server struct {
	Options
	echo     *echo.Echo
	http     *http.Server
	stopping atomic.Bool
	stopped  chan struct{} // closed when streams are to end
	times    streamTimes
	openapi  func() ([]byte, error) // what /openapi.json answers, made for the first who asks

	tickets  *seal.Box
	health   healthCache
	stopOnce sync.Once
	corsNow  atomic.Pointer[corsRules]
}

// New returns a server with its routes; Start makes it listen.
func New(o Options) (*Server, error) {
	switch {
	case o.Service == nil || o.Authenticator == nil:
		return nil, errors.New("web: Options.Service and Options.Authenticator are required")
	}
	s := &Server{Options: withDefaults(o), stopped: make(chan struct{}), times: usualTimes()}
	var err error
	if s.tickets, err = newTickets(o.TicketKey); err != nil {
		return nil, fmt.Errorf("web: Options.TicketKey: %w", err)
	}
	if err := s.SetCORS(o.CORS); err != nil {
		return nil, err
	}
	s.echo = echo.New()
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.IPExtractor = extractIP(o.TrustedProxies)
	s.echo.Use(s.requestID, s.observe, s.recover, s.securityHeaders, s.cors, s.limits, s.limitAddress)
	if err := s.checkSpecial(); err != nil {
		return nil, err
	}
	s.openapi = sync.OnceValues(s.OpenAPI)
	s.docRoutes()
	if err := s.consoleRoutes(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.publicRoutes()
	s.appRoutes()
	s.authRoutes()
	s.facadeRoutes()
	s.protectedResourceRoutes()
	s.webhookRoutes()
	s.waitingRoutes()
	s.formRoutes()
	if s.MCP != nil && !s.MCPOff {
		s.echo.Any("/mcp", echo.WrapHandler(s.MCP))
	}
	s.http = &http.Server{Handler: s.leaving(s.echo), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 120 * time.Second,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn)}
	return s, nil
}

func withDefaults(o Options) Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Name == "" {
		o.Name = "Workflow Agent API Gateway"
	}
	if o.Webhook == nil {
		o.Webhook = o.Service.Webhook
	}
	if o.TestHook == nil {
		o.TestHook = o.Service.TestWebhook
	}
	if o.Health == nil {
		o.Health = func(context.Context) Health { return Health{} }
	}
	o.Drain = orDefault(o.Drain, 20*time.Second)
	o.MaxBody = orDefault(o.MaxBody, 4<<20)
	o.MaxWebhookBody = orDefault(o.MaxWebhookBody, 16<<20)
	o.MaxFile = orDefault(o.MaxFile, 64<<20)
	o.BodyTimeout = orDefault(o.BodyTimeout, 30*time.Second)
	o.WriteTimeout = orDefault(o.WriteTimeout, 30*time.Second)
	return o
}

func orDefault[T int64 | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// ServeHTTP serves one request without a listener, as tests do.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Start serves on l until ctx ends, then shuts down: readiness goes off,
// streams end, connections are given up with the next answer on each, requests
// under way finish within Options.Drain. It closes l.
// An orderly end returns nil.
func (s *Server) Start(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	err := s.Shutdown(context.WithoutCancel(ctx))
	if serveErr := <-failed; serveErr != nil && !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// leave is for how long a server that stops still takes calls, each the last
// on its connection. Without it callers that keep connections busy would find
// them closed under a call that was just sent.
const leave = 100 * time.Millisecond

// leaving has answers of a server that stops say that the connection ends.
func (s *Server) leaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Shutdown ends serving as Start describes. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopping.Store(true)
		close(s.stopped)
		if s.OnStop != nil {
			s.OnStop()
		}
	})
	ctx, cancel := context.WithTimeout(ctx, s.Drain)
	defer cancel()
	select {
	case <-time.After(leave):
	case <-ctx.Done():
	}
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, s.http.Close())
	}
	return err
}
