package egress

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Variant is how one request's client differs from the guard's own.
type Variant struct {
	// Redirects is how many redirects are followed. 0: as the guard is set;
	// below 0: none, the redirecting answer is returned as it is.
	Redirects int
	// InsecureTLS accepts any certificate.
	InsecureTLS bool
	// Proxy carries the request. Its own address is guarded too; where the
	// operator has named a proxy, another is refused.
	Proxy *url.URL
	// Secrets are header names that hold credentials, beyond the usual ones:
	// they do not go to another origin.
	Secrets []string
}

// variantKey tells transports apart; each has its own pool of connections.
type variantKey struct {
	insecureTLS bool
	proxy       string
}

// maxVariants bounds the pools kept; beyond it they are thrown away.
const maxVariants = 32

// errForeign is for clients that did not come from a Guard.
var errForeign = errors.New("the HTTP client cannot take another proxy or accept other certificates")

// Derive returns a client that differs from c, which a Guard made, as v says.
// It shares connections with all clients of the same kind. A client of other
// make can be derived for Redirects and Secrets only.
func Derive(c *http.Client, v Variant) (*http.Client, error) {
	out := *c
	limit := v.Redirects
	t, guarded := c.Transport.(*transport)
	if limit == 0 {
		limit = 10
		if guarded {
			limit = t.guard.opts.MaxRedirects
		}
	}
	out.CheckRedirect = redirectPolicy(limit, v.Secrets)
	if !v.InsecureTLS && v.Proxy == nil {
		return &out, nil
	}
	if !guarded {
		return nil, errForeign
	}
	key := variantKey{insecureTLS: v.InsecureTLS}
	if v.Proxy != nil {
		if t.guard.opts.Proxy != nil {
			return nil, &BlockedError{
				Host: v.Proxy.Hostname(), Reason: "every request goes by the operator's proxy",
				Remedy: "Leave the proxy out.",
			}
		}
		if s := v.Proxy.Scheme; s != "http" && s != "https" && s != "socks5" {
			return nil, &BlockedError{Host: v.Proxy.Hostname(), Reason: "the proxy's scheme is not http, https or socks5"}
		}
		key.proxy = v.Proxy.String()
	}
	out.Transport = t.guard.variant(key)
	return &out, nil
}

func (g *Guard) variant(key variantKey) *transport {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.variants[key]; t != nil {
		return t
	}
	if len(g.variants) >= maxVariants {
		for k, old := range g.variants { // any one
			old.base.CloseIdleConnections()
			delete(g.variants, k)
			break
		}
	}
	t := g.newTransport(key)
	g.variants[key] = t
	return t
}

// secretHeaders are dropped when a redirect leaves the origin.
var secretHeaders = []string{
	"Authorization", "Proxy-Authorization", "Www-Authenticate", "Cookie", "Cookie2",
	"X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token", "X-Csrf-Token", "X-Amz-Security-Token",
}

// redirectPolicy follows up to limit redirects (none and no error when it is
// below 0) and takes secrets away from requests that leave the origin, by
// whatever hop. It never sends a Referer: an address can hold a key.
func redirectPolicy(limit int, secrets []string) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if limit < 0 {
			return http.ErrUseLastResponse
		}
		if len(via) > limit {
			return &RedirectError{Limit: limit}
		}
		req.Header.Del("Referer")
		if !leavesOrigin(req, via) {
			return nil
		}
		for _, name := range secretHeaders {
			req.Header.Del(name)
		}
		for _, name := range secrets {
			req.Header.Del(name)
		}
		return nil
	}
}

func leavesOrigin(req *http.Request, via []*http.Request) bool {
	first := origin(via[0].URL)
	if origin(req.URL) != first {
		return true
	}
	for _, r := range via[1:] {
		if origin(r.URL) != first {
			return true
		}
	}
	return false
}

// origin is a URL's scheme, host and port, the default port written out.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
