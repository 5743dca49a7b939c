package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"

	"flowgate/internal/egress"
)

// dialMCP begins a session by streamable HTTP over the guarded client.
func dialMCP(ctx context.Context, base *http.Client, address string, auth *httpAuth, k *mcpCall) (*mcpSession, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, Fail("The address of the MCP server %s cannot be read.", k.where())
	}
	guarded, err := egress.Derive(base, egress.Variant{Secrets: append(auth.secretHeaders(), transport.HeaderKeySessionID)})
	if err != nil {
		return nil, err
	}
	out := &httpOutgoing{header: http.Header{}}
	if err := auth.sign(out); err != nil {
		return nil, err
	}
	w := &mcpWire{next: guarded.Transport, scheme: u.Scheme, host: u.Host, header: out.header}
	if w.next == nil {
		w.next = http.DefaultTransport
	}
	guarded.Transport = w
	t, err := transport.NewStreamableHTTP(address, transport.WithHTTPBasicClient(guarded), transport.WithHTTPLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, Fail("The address of the MCP server %s cannot be read.", k.where())
	}
	s := &mcpSession{client: client.NewClient(t), wire: w}
	if err = s.client.Start(ctx); err == nil {
		err = mcpHandshake(ctx, s.client)
	}
	if err == nil {
		err = s.list(ctx)
	}
	if err != nil {
		s.close()
		return nil, s.failure(err, k)
	}
	return s, nil
}

// mcpWire is what goes over HTTP to one server: it adds the credential, to
// that server's requests alone, bounds answers, and remembers why the last
// request failed.
type mcpWire struct {
	next         http.RoundTripper
	scheme, host string
	header       http.Header

	mu     sync.Mutex
	status int
	err    error
	large  bool
}

// RoundTrip sends one request.
func (w *mcpWire) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header.Set("User-Agent", "Flowgate")
	if strings.EqualFold(req.URL.Scheme, w.scheme) && strings.EqualFold(req.URL.Host, w.host) {
		for name, values := range w.header {
			out.Header[name] = values
		}
	}
	resp, err := w.next.RoundTrip(out)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.err = 0, err
	if err != nil {
		return nil, err
	}
	w.status = resp.StatusCode
	resp.Body = &mcpBody{body: resp.Body, wire: w, left: mcpMaxBytes}
	return resp, nil
}

// mcpBody ends with an error where an answer goes beyond the limit.
type mcpBody struct {
	body io.ReadCloser
	wire *mcpWire
	left int64
}

// Read reads up to the limit.
func (b *mcpBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.wire.mu.Lock()
		b.wire.large = true
		b.wire.mu.Unlock()
		return 0, &egress.TooLargeError{Limit: mcpMaxBytes}
	}
	return n, err
}

// Close closes the body.
func (b *mcpBody) Close() error { return b.body.Close() }

func (w *mcpWire) tooLarge() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.large
}

// failure is why the last request had no use, nil when it had.
func (w *mcpWire) failure(k *mcpCall) *Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil && !errors.Is(w.err, context.Canceled) {
		f := *transportFailure(w.err, &httpCall{url: w.scheme + "://" + w.host, timeout: k.timeout})
		f.Message, f.Detail = fmt.Sprintf("The MCP server %s could not be reached. %s", k.where(), f.Message), nil
		return &f
	}
	status := strings.TrimSpace(strconv.Itoa(w.status) + " " + http.StatusText(w.status))
	f := &Failure{Code: strconv.Itoa(w.status)}
	switch {
	case w.status == http.StatusUnauthorized || w.status == http.StatusForbidden:
		f.Message = fmt.Sprintf("The MCP server %s does not accept the credential (%s).", k.where(), status)
		if k.auth == "" {
			f.Message = fmt.Sprintf("The MCP server %s asks for a credential (%s).", k.where(), status)
			f.Description = "Set the parameter authentication to bearer or header and name a credential in the node."
		}
	case w.status >= http.StatusInternalServerError:
		f.Message = fmt.Sprintf("The MCP server %s failed (%s).", k.where(), status)
	case w.status >= http.StatusBadRequest:
		f.Message = fmt.Sprintf("There is no MCP server that speaks streamable HTTP %s (%s).", k.where(), status)
		f.Description = "Check the path of the address; it often ends in /mcp. Servers that only speak the older SSE transport are not supported."
	default:
		return nil
	}
	return f
}
