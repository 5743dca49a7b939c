package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/telemetry"
	"flowgate/mcp"
	"flowgate/web"
)

// Server is the doors: MCP and REST over the same service.
type Server struct {
	mcp       *mcp.Server
	web       *web.Server
	noMetrics func() // stops serving metrics at their own address
}

// Authenticator is the one for every door. local, when not nil, is who a
// caller of the MCP tier is that presents nothing.
func (a *App) Authenticator(local *auth.Identity) *auth.Authenticator {
	authenticator := &auth.Authenticator{Keys: a.Keys, Issuer: a.Issuer, Accounts: a.Accounts, Supabase: a.Supabase, Grants: a.Grants, Local: local, Failures: a.limits.limiter, Metrics: a.Metrics}
	if a.Audit != nil {
		authenticator.Audit = a.Audit
	}
	return authenticator
}

// Server puts the doors together. The caller serves it and shuts it down.
// change may alter the MCP door's options, as tests do that add fixtures.
func (a *App) Server(ctx context.Context, local *auth.Identity, change ...func(*mcp.Options)) (*Server, error) {
	c := a.Config
	authenticator := a.Authenticator(local)
	var origins atomic.Pointer[[]string] // they may change
	origins.Store(&c.CORSOrigins)
	guard := auth.Guard{AllowedHosts: slices.Clone(c.AllowedHosts), MoreOrigins: func() []string { return *origins.Load() }}
	if u, err := url.Parse(a.PublicURL()); err == nil && u.Host != "" && len(guard.AllowedHosts) > 0 {
		guard.AllowedHosts = append(guard.AllowedHosts, u.Host)
	}
	sessionKey, err := a.secrets.Secret(ctx, "mcp_session", randomSecret)
	if err != nil {
		return nil, fmt.Errorf("load the key of MCP sessions: %w", err)
	}
	ticketKey, err := a.secrets.Secret(ctx, "stream_tickets", randomSecret)
	if err != nil {
		return nil, fmt.Errorf("load the key of stream tickets: %w", err)
	}
	options := mcp.Options{Service: a.Service, Authenticator: authenticator, Logger: a.Log, Metrics: a.Metrics, Tracer: a.Tracer, Version: a.ShownVersion(),
		PublicURL: a.PublicURL(), Guard: guard, AllowQueryKey: c.MCPAllowQueryAPIKey,
		MaxBody: c.MaxBodyBytes, SessionKey: sessionKey}
	for _, f := range change {
		f(&options)
	}
	door, err := mcp.New(options)
	if err != nil {
		return nil, fmt.Errorf("set up the MCP door: %w", err)
	}
	proxies, err := prefixes(c.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted_proxies: %w", err)
	}
	accounts, signIn := a.Accounts, web.SignIn{}
	if a.Supabase != nil { // people sign in there
		accounts, signIn = nil, web.SignIn{URL: strings.TrimSuffix(c.SupabaseURL, "/"), AnonKey: c.SupabaseAnonKey}
	}
	server, err := web.New(web.Options{Service: a.Service, Authenticator: authenticator, Accounts: accounts, SignIn: signIn, Logger: a.Log, Metrics: a.Metrics, Tracer: a.Tracer,
		ShowMetrics: a.showMetrics(), MetricsToken: c.MetricsToken,
		Name: c.AppName, Version: a.ShownVersion(), Environment: c.Environment, PublicURL: a.PublicURL(),
		MCP: door.Handler(), Health: a.Health, OnStop: func() { a.stopping(door) }, Drain: stopAnswering + stopRequests,
		PublicOff: !c.PublicAPIEnabled, AppOff: !c.AppAPIEnabled, MCPOff: !c.MCPAPIEnabled, AllowQueryKey: c.MCPAllowQueryAPIKey,
		Guard: guard, CORS: corsOf(c), RateLimiting: a.limits.limiter.Enabled, TrustedProxies: proxies,
		MaxBody: c.MaxBodyBytes, MaxWebhookBody: c.WebhookMaxBytes, MaxFile: c.FileMaxBytes, TicketKey: ticketKey, Errors: a.errors})
	if err != nil {
		door.Close()
		return nil, fmt.Errorf("set up the web door: %w", err)
	}
	a.OnReload(func(next *config.Config) (func(), error) {
		return func() {
			origins.Store(&next.CORSOrigins)
			if err := server.SetCORS(corsOf(next)); err != nil { // Validate has refused it
				a.Log.Error("the rules for other sites' pages were not changed", "error", err)
			}
		}, nil
	})
	metrics, err := a.openMetrics(ctx)
	if err != nil {
		door.Close()
		return nil, err
	}
	return &Server{mcp: door, web: server, noMetrics: sync.OnceFunc(metrics.start(a.Log))}, nil
}

func corsOf(c *config.Config) web.CORS {
	return web.CORS{Origins: c.CORSOrigins, Methods: c.CORSAllowMethods, Headers: c.CORSAllowHeaders, Credentials: c.CORSAllowCredentials}
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// How an orderly end goes: requests under way may end by themselves, then
// those that wait for an execution are answered where it stands.
const (
	stopAnswering = 3 * time.Second
	stopRequests  = 4 * time.Second
)

// stopping begins an orderly end: streams end now, waiting callers are
// answered a little later.
func (a *App) stopping(door *mcp.Server) {
	a.Log.Info("stopping", telemetry.Stop, "grace", stopAnswering+stopRequests)
	door.Close()
	a.work.Go(func() {
		select {
		case <-time.After(stopAnswering):
		case <-a.done:
		}
		a.Service.StopWaiting()
	})
}

// Serve answers HTTP until ctx ends or Shutdown, and lets requests finish.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error { return s.web.Start(ctx, lis) }

// ServeStdio speaks MCP for id until in ends.
func (s *Server) ServeStdio(ctx context.Context, id *auth.Identity, in io.Reader, out io.Writer) error {
	return s.mcp.ServeStdio(ctx, id, in, out)
}

// Shutdown turns readiness off, ends streams, and lets requests finish until
// ctx does.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.web.Shutdown(ctx)
	s.mcp.Close()
	s.noMetrics() // last, so that the end can be seen
	return err
}

func randomSecret() ([]byte, error) {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	return secret, err
}
