package mcp

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The guard keeps web pages of other people from driving a server on their
// visitor's machine or network (DNS rebinding): it checks the name by which
// the server was addressed and the page that sent the request.

// hostAllowed reports whether the request's Host header is one of ours.
func (s *Server) hostAllowed(r *http.Request) bool {
	if len(s.AllowedHosts) > 0 {
		return slices.ContainsFunc(s.AllowedHosts, func(allowed string) bool {
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
func (s *Server) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	if slices.ContainsFunc(s.AllowedOrigins, func(allowed string) bool { return strings.EqualFold(allowed, origins[0]) }) {
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
