// Package egress is the one door by which this program connects to addresses
// that users name: HTTP nodes, MCP servers, model endpoints, mail servers.
//
// Addresses are checked at dial time, after name resolution, for every
// connection and so for every redirect: a name that changes its address
// between a check and its use gains nothing. Proxies of the environment are
// not honoured; the operator's configuration names the one to use.
package egress

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// Options configure a Guard. The zero value refuses every address that is not
// on the public Internet and takes the defaults named below.
type Options struct {
	// AllowPrivate permits loopback, private, link-local and carrier-grade
	// NAT addresses. Cloud metadata services, multicast and reserved ranges
	// stay refused unless AllowCIDRs names them.
	AllowPrivate bool
	// AllowCIDRs permits addresses whatever their kind.
	AllowCIDRs []netip.Prefix
	// AllowHosts names hosts ("db.internal", "*.corp.example") that may be at
	// the addresses AllowPrivate would permit.
	AllowHosts []string
	// DenyCIDRs refuses addresses whatever else permits them.
	DenyCIDRs []netip.Prefix

	DialTimeout           time.Duration // 0: 10 s
	ResponseHeaderTimeout time.Duration // 0: 5 min
	MaxResponseBytes      int64         // of a decoded body; 0: 64 MiB; below 0: no limit
	MaxRedirects          int           // 0: 10; below 0: none
	// Proxy carries every HTTP request of Client. It may be anywhere, and it
	// is trusted: names are checked before a request is handed to it, but
	// the connection is its own.
	Proxy *url.URL
	// Resolver resolves names. Nil: the system's.
	Resolver *net.Resolver
	// Logger gets a line for each refusal. Nil: none.
	Logger *slog.Logger
}

// Guard makes connections that keep to its options. It is safe for concurrent
// use. Close its idle connections with CloseIdle.
type Guard struct {
	opts   Options
	client *http.Client

	mu       sync.Mutex
	variants map[variantKey]*transport
}

// New returns a Guard.
func New(opts Options) *Guard {
	if opts.DialTimeout == 0 {
		opts.DialTimeout = 10 * time.Second
	}
	if opts.ResponseHeaderTimeout == 0 {
		opts.ResponseHeaderTimeout = 5 * time.Minute
	}
	if opts.MaxResponseBytes == 0 {
		opts.MaxResponseBytes = 64 << 20
	}
	if opts.MaxRedirects == 0 {
		opts.MaxRedirects = 10
	}
	if opts.Resolver == nil {
		opts.Resolver = net.DefaultResolver
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Guard{opts: opts, variants: map[variantKey]*transport{}}
	g.client = &http.Client{Transport: g.newTransport(variantKey{}), CheckRedirect: redirectPolicy(opts.MaxRedirects, nil)}
	return g
}

// Client returns the shared client: http and https only, guarded dials,
// bounded redirects and answers. It has no overall timeout; bound requests
// with their context. Do not change it; see Derive.
func (g *Guard) Client() *http.Client { return g.client }

// CloseIdle closes connections that are not in use.
func (g *Guard) CloseIdle() {
	g.client.CloseIdleConnections()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.variants {
		t.base.CloseIdleConnections()
	}
}

// DialContext connects to "host:port" over TCP. An address that the options
// do not permit gives a *BlockedError.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &BlockedError{Host: host, Reason: "only TCP connections may be made, not " + network, Remedy: "Use a TCP service."}
	}
	if ip, ok := literal(host); ok {
		if err := g.check(host, ip); err != nil {
			return nil, err
		}
		address = net.JoinHostPort(ip.String(), port)
	}
	d := g.dialer()
	d.ControlContext = func(_ context.Context, _, addr string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(addr)
		if err != nil {
			return &BlockedError{Host: host, Reason: "the address " + addr + " cannot be read"}
		}
		return g.check(host, at.Addr())
	}
	conn, err := d.DialContext(ctx, network, address)
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		return nil, blocked
	}
	return conn, err
}

func (g *Guard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: g.opts.DialTimeout, KeepAlive: 30 * time.Second, Resolver: g.opts.Resolver}
}

// CheckHost resolves host and reports whether a connection to any of its
// addresses would be refused. It is advice before a dial, for instance when a
// setting is saved; the dial checks again.
func (g *Guard) CheckHost(ctx context.Context, host string) error {
	if ip, ok := literal(host); ok {
		return g.check(host, ip)
	}
	ips, err := g.opts.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		if err := g.check(host, ip); err != nil {
			return err
		}
	}
	return nil
}

// check decides on one address of host.
func (g *Guard) check(host string, ip netip.Addr) error {
	err := g.decide(host, ip)
	if err != nil {
		g.opts.Logger.Warn("connection refused by egress rules", "host", host, "ip", ip.String(), "reason", err.Reason)
		return err
	}
	return nil
}

func (g *Guard) decide(host string, ip netip.Addr) *BlockedError {
	ip = ip.WithZone("").Unmap()
	if anyContains(g.opts.DenyCIDRs, ip) {
		return &BlockedError{Host: host, IP: ip, Reason: "the operator denies this address", Remedy: remedyDenied}
	}
	kind := classify(ip)
	switch {
	case kind == public || anyContains(g.opts.AllowCIDRs, ip):
		return nil
	case !kind.private():
		return &BlockedError{Host: host, IP: ip, Reason: kind.String(), Remedy: remedyCIDR}
	case g.opts.AllowPrivate || hostListed(g.opts.AllowHosts, host):
		return nil
	}
	return &BlockedError{Host: host, IP: ip, Reason: kind.String(), Remedy: remedyPrivate}
}
