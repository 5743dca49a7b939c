package expr

import (
	"net/url"
	"strings"

	"github.com/dop251/goja"
)

// defaultPorts are left out of a URL's host.
var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}

// parseURL reads a URL, relative to a base if there is one, into its parts;
// undefined when it is none.
func (v *vm) parseURL(a args) goja.Value {
	u, err := url.Parse(strings.TrimSpace(a.text(0)))
	if err != nil {
		return goja.Undefined()
	}
	if !goja.IsUndefined(a.at(1)) {
		base, err := url.Parse(strings.TrimSpace(a.text(1)))
		if err != nil || base.Scheme == "" {
			return goja.Undefined()
		}
		u = base.ResolveReference(u)
	}
	u.Scheme = strings.ToLower(u.Scheme)
	port, special := defaultPorts[u.Scheme]
	if u.Scheme == "" || special && u.Host == "" {
		return goja.Undefined()
	}
	path := u.EscapedPath()
	switch {
	case u.Opaque != "":
		path = u.Opaque
	case path == "" && special:
		path = "/"
	}
	o := v.rt.NewObject()
	_ = o.Set("protocol", u.Scheme+":")
	_ = o.Set("username", u.User.Username())
	password, _ := u.User.Password()
	_ = o.Set("password", password)
	_ = o.Set("hostname", strings.ToLower(u.Host[:len(u.Host)-len(portSuffix(u))]))
	p := u.Port()
	if p == port {
		p = ""
	}
	_ = o.Set("port", p)
	_ = o.Set("pathname", path)
	_ = o.Set("search", mark("?", u.RawQuery))
	_ = o.Set("hash", mark("#", u.EscapedFragment()))
	_ = o.Set("special", special)
	return o
}

func portSuffix(u *url.URL) string {
	if p := u.Port(); p != "" {
		return ":" + p
	}
	return ""
}

func mark(m, s string) string {
	if s == "" {
		return ""
	}
	return m + s
}
