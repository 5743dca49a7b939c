package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// fakeDNS answers A queries with what answer returns for the n-th one.
func fakeDNS(t *testing.T, answer func(n int, name string) []netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for n := 0; ; {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:size]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				for _, ip := range answer(n, q.Name.String()) {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
						Body:   &dnsmessage.AResource{A: ip.As4()},
					})
				}
				n++
			}
			out, _ := m.Pack()
			_, _ = pc.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func get(t *testing.T, c *http.Client, url string, header ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func wantBlocked(t *testing.T, err error) *BlockedError {
	t.Helper()
	var b *BlockedError
	if !errors.As(err, &b) {
		t.Fatalf("error = %v, want a BlockedError", err)
	}
	return b
}

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("in")) }))
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := New(Options{}).Client()
	for _, u := range []string{
		"http://127.0.0.1:" + port, "http://localhost:" + port, "http://2130706433:" + port, "http://0177.0.0.1:" + port,
		"http://0x7f.1:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://[::ffff:7f00:1]:" + port, "http://[::1]:" + port,
		"http://0.0.0.0:" + port, "http://[::]:" + port, "http://[64:ff9b::7f00:1]:" + port, "http://[2002:7f00:1::]:" + port,
		"http://example.com@127.0.0.1:" + port + "/", "http://example.com:80@127.0.0.1:" + port, "http://127.0.0.1:" + port + "#@example.com",
		"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://127.0.0.1.:" + port,
		"ftp://example.com/x", "file:///etc/passwd", "unix:///var/run/docker.sock",
	} {
		_, _, err := get(t, c, u)
		b := wantBlocked(t, err)
		if b.Reason == "" || b.Remedy == "" {
			t.Errorf("%s: refusal %q lacks a reason or a remedy", u, b)
		}
	}
}

func TestClientAllows(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("in")) }))
	t.Cleanup(srv.Close)
	for name, opts := range map[string]Options{
		"private": {AllowPrivate: true},
		"cidr":    {AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		"host":    {AllowHosts: []string{"127.0.0.1"}},
	} {
		if _, body, err := get(t, New(opts).Client(), srv.URL); err != nil || body != "in" {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
}

func TestNameThatChangesItsAddress(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	resolver := fakeDNS(t, func(n int, _ string) []netip.Addr {
		if n == 0 {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})
	g := New(Options{Resolver: resolver})
	if err := g.CheckHost(t.Context(), "rebind.test"); err != nil {
		t.Fatalf("the first answer is public, got %v", err)
	}
	_, _, err := get(t, g.Client(), "http://rebind.test:"+port)
	b := wantBlocked(t, err)
	if b.Host != "rebind.test" || b.IP.String() != "127.0.0.1" {
		t.Errorf("refused %s (%s), want rebind.test (127.0.0.1)", b.Host, b.IP)
	}
	if reached.Load() != 0 {
		t.Error("the server was reached")
	}
}

func TestRedirectToPrivate(t *testing.T) {
	t.Parallel()
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(inner.Close)
	target, _ := url.Parse(inner.URL)
	outer := httptest.NewServer(http.RedirectHandler("http://inner.test:"+target.Port()+"/", http.StatusFound))
	t.Cleanup(outer.Close)
	out, _ := url.Parse(outer.URL)
	resolver := fakeDNS(t, func(int, string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	c := New(Options{Resolver: resolver, AllowHosts: []string{"outer.test"}}).Client()
	_, _, err := get(t, c, "http://outer.test:"+out.Port())
	if b := wantBlocked(t, err); b.Host != "inner.test" {
		t.Errorf("refused %s, want inner.test", b.Host)
	}
}

func TestRedirectKeepsSecretsAtHome(t *testing.T) {
	t.Parallel()
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/home":
			seen = r.Header.Clone()
		case "/stay":
			http.Redirect(w, r, "/home", http.StatusFound)
		default:
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	t.Cleanup(first.Close)
	c, err := Derive(New(Options{AllowPrivate: true}).Client(), Variant{Secrets: []string{"X-Mine"}})
	if err != nil {
		t.Fatal(err)
	}
	headers := []string{"Authorization", "Bearer s", "Cookie", "a=b", "X-Api-Key", "k", "X-Mine", "m", "X-Plain", "p"}
	if _, _, err := get(t, c, first.URL+"/stay", headers...); err != nil {
		t.Fatal(err)
	}
	if seen.Get("Authorization") == "" || seen.Get("X-Mine") == "" {
		t.Error("same origin: secrets were dropped")
	}
	if _, _, err := get(t, c, first.URL+"/leave?key=secret", headers...); err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{"Authorization", "Cookie", "X-Api-Key", "X-Mine", "Referer"} {
		if seen.Get(h) != "" {
			t.Errorf("another origin got %s", h)
		}
	}
	if seen.Get("X-Plain") != "p" {
		t.Error("another origin did not get the plain header")
	}
}

func TestRedirectLimits(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }))
	t.Cleanup(srv.Close)
	g := New(Options{AllowPrivate: true, MaxRedirects: 3})
	_, _, err := get(t, g.Client(), srv.URL)
	var r *RedirectError
	if !errors.As(err, &r) || r.Limit != 3 {
		t.Errorf("error = %v, want a RedirectError at 3", err)
	}
	none, _ := Derive(g.Client(), Variant{Redirects: -1})
	if resp, _, err := get(t, none, srv.URL); err != nil || resp.StatusCode != http.StatusFound {
		t.Errorf("no redirects: %v, %v, want the 302 itself", resp, err)
	}
}

func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush() // unknown length
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)-1))
	}))
	t.Cleanup(srv.Close)
	c := New(Options{AllowPrivate: true, MaxResponseBytes: 5}).Client()
	if _, body, err := get(t, c, srv.URL+"/12345"); err != nil || body != "xxxxx" {
		t.Errorf("at the limit: %q, %v", body, err)
	}
	_, _, err := get(t, c, srv.URL+"/123456")
	var large *TooLargeError
	if !errors.As(err, &large) {
		t.Errorf("beyond the limit: %v, want a TooLargeError", err)
	}
}

func TestEnvironmentProxyIsNotHonoured(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the environment's proxy was used") }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
	_, _, _ = get(t, New(Options{}).Client(), "http://127.0.0.1:1/")
}

func TestProxies(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "via "+r.URL.Host) }))
	t.Cleanup(proxy.Close)
	at, _ := url.Parse(proxy.URL)
	resolver := fakeDNS(t, func(_ int, name string) []netip.Addr {
		if name == "public.test." {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}
		}
		return nil
	})
	c := New(Options{Proxy: at, Resolver: resolver}).Client()
	if _, body, err := get(t, c, "http://public.test/"); err != nil || body != "via public.test" {
		t.Errorf("operator's proxy: %q, %v", body, err)
	}
	_, _, err := get(t, c, "http://0x7f000001/")
	wantBlocked(t, err)

	_, err = Derive(c, Variant{Proxy: at})
	wantBlocked(t, err)

	named, err := Derive(New(Options{Resolver: resolver}).Client(), Variant{Proxy: at})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = get(t, named, "http://public.test/")
	wantBlocked(t, err) // the named proxy itself is private
}

func TestDerivedTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(srv.Close)
	g := New(Options{AllowPrivate: true})
	if _, _, err := get(t, g.Client(), srv.URL); err == nil {
		t.Error("an unknown certificate was accepted")
	}
	c, err := Derive(g.Client(), Variant{InsecureTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, body, err := get(t, c, srv.URL); err != nil || body != "ok" {
		t.Errorf("insecure: %q, %v", body, err)
	}
	if _, err := Derive(http.DefaultClient, Variant{InsecureTLS: true}); err == nil {
		t.Error("a foreign client was derived")
	}
	blocked, _ := Derive(New(Options{}).Client(), Variant{InsecureTLS: true})
	_, _, err = get(t, blocked, srv.URL)
	wantBlocked(t, err)
}

func TestDialRefusesOtherNetworks(t *testing.T) {
	t.Parallel()
	g := New(Options{AllowPrivate: true})
	for _, network := range []string{"udp", "unix"} {
		_, err := g.DialContext(t.Context(), network, "127.0.0.1:53")
		wantBlocked(t, err)
	}
	var refused error
	if _, refused = g.DialContext(t.Context(), "tcp", "127.0.0.1:1"); refused == nil || errors.As(refused, new(*BlockedError)) {
		t.Errorf("an allowed dial to a closed port gave %v", refused)
	}
}
