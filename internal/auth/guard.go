package auth

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// Guard keeps web pages of other people from driving a server on their
// visitor's machine or network (forged requests, DNS rebinding): it checks the
// name by which the server was addressed and the page that sent the request.
type Guard struct {
	// AllowedHosts are accepted Host headers, with or without a port. Empty:
	// any, but on a loopback connection only loopback names.
	AllowedHosts []string
	// AllowedOrigins are accepted Origin headers besides the server's own.
	AllowedOrigins []string
	// MoreOrigins, when not nil, returns further ones, which may change while
	// the program runs.
	MoreOrigins func() []string
}

// Check returns CodeForbidden for a request that a stranger's page may have
// made, nil for any other.
func (g Guard) Check(r *http.Request) error {
	switch {
	case !g.hostAllowed(r):
		return workflow.Errorf(workflow.CodeForbidden, "the Host header names another server; the operator adds names with allowed_hosts (ALLOWED_HOSTS)").WithReason("host_not_allowed")
	case !g.originAllowed(r):
		return workflow.Errorf(workflow.CodeForbidden, "requests from this origin are not allowed; the operator allows origins with cors_origins (CORS_ORIGINS)").WithReason("origin_not_allowed")
	}
	return nil
}

// hostAllowed reports whether the request's Host header is one of ours.
func (g Guard) hostAllowed(r *http.Request) bool {
	if len(g.AllowedHosts) > 0 {
		return slices.ContainsFunc(g.AllowedHosts, func(allowed string) bool {
			return allowed == "*" || strings.EqualFold(allowed, r.Host) || strings.EqualFold(allowed, hostname(r.Host))
		})
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || local == nil || !loopback(hostname(local.String())) {
		return true
	}
	return loopback(hostname(r.Host))
}

// originAllowed reports whether a request may come from the page that sent
// it. Requests without an Origin are not from pages.
func (g Guard) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	same := func(allowed string) bool { return strings.EqualFold(allowed, origins[0]) }
	if slices.ContainsFunc(g.AllowedOrigins, same) || g.MoreOrigins != nil && slices.ContainsFunc(g.MoreOrigins(), same) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) // the server's own pages; Host was checked
}

// hostname strips the port and brackets of an address.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
