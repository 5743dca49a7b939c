package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// transport is the guard's RoundTripper: it refuses other schemes than http
// and https, checks what a proxy would dial, and bounds answers.
type transport struct {
	guard *Guard
	base  *http.Transport
	proxy *url.URL
}

func (g *Guard) newTransport(key variantKey) *transport {
	t := &transport{guard: g, proxy: g.opts.Proxy}
	dial := g.DialContext
	if t.proxy != nil {
		dial = g.dialTrusted
	}
	if key.proxy != "" { // named by a document: guarded like any address
		t.proxy, _ = url.Parse(key.proxy)
		dial = g.DialContext
	}
	t.base = &http.Transport{
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		ResponseHeaderTimeout:  g.opts.ResponseHeaderTimeout,
		MaxResponseHeaderBytes: 256 << 10,
	}
	if t.proxy != nil {
		t.base.Proxy = http.ProxyURL(t.proxy)
	}
	if key.insecureTLS {
		t.base.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // asked for by the document, for this request alone
	}
	return t
}

// dialTrusted connects to the operator's own proxy, wherever it is.
func (g *Guard) dialTrusted(ctx context.Context, network, address string) (net.Conn, error) {
	return g.dialer().DialContext(ctx, network, address)
}

// RoundTrip sends one request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.admit(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit := t.guard.opts.MaxResponseBytes
	if limit < 0 || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil
	}
	if resp.ContentLength > limit && req.Method != http.MethodHead {
		_ = resp.Body.Close()
		return nil, &TooLargeError{Limit: limit}
	}
	resp.Body = &cappedBody{body: resp.Body, left: limit, limit: limit}
	return resp, nil
}

func (t *transport) admit(req *http.Request) error {
	host := req.URL.Hostname()
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return &BlockedError{
			Host:   host,
			Reason: fmt.Sprintf("the scheme %q is not http or https", s),
			Remedy: "Write an address that begins with http:// or https://.",
		}
	}
	if t.proxy == nil {
		return nil
	}
	err := t.guard.CheckHost(req.Context(), host)
	var unresolved *net.DNSError
	if errors.As(err, &unresolved) {
		return nil // names that only the proxy knows
	}
	return err
}

// cappedBody ends with a *TooLargeError where a body goes beyond the limit.
type cappedBody struct {
	body        io.ReadCloser
	left, limit int64
}

// Read reads up to the limit.
func (c *cappedBody) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, &TooLargeError{Limit: c.limit}
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.body.Read(p)
	if int64(n) <= c.left {
		c.left -= int64(n)
		return n, err
	}
	n = int(c.left)
	c.left = -1
	return n, &TooLargeError{Limit: c.limit}
}

// Close closes the body.
func (c *cappedBody) Close() error { return c.body.Close() }
