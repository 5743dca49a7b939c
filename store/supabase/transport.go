package supabase

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The Supabase clients for Go know no context and no limits, and send all they
// do by http.DefaultTransport. Their calls therefore go to addresses of a scheme
// that is ours there: each names a call under way, whose context, limits and
// real address apply. Other traffic of the process is not touched.
const scheme = "flowgate-supabase"

// Bounds of one call.
const (
	maxAnswer  = 64 << 20
	maxRequest = 64 << 20
	longest    = 30 * time.Second
)

// door is the one way out of the clients.
type door struct {
	mu    sync.Mutex
	last  uint64
	calls map[string]*call
}

// There is one per process, since http.DefaultTransport takes a scheme once.
var theDoor = sync.OnceValues(func() (*door, error) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("supabase: http.DefaultTransport was replaced by another kind")
	}
	d := &door{calls: map[string]*call{}}
	t.RegisterProtocol(scheme, d)
	return d, nil
})

// call is one call of a client under way.
type call struct {
	ctx  context.Context
	base *url.URL // of the project
	out  http.RoundTripper
	safe bool // may be sent again when a connection turns out to be dead

	err  error // why it failed, as the clients would not tell
	sent bool
}

// begin registers a call; the address is the one to give to the client.
func (d *door) begin(c *call) (address string, end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	id := strconv.FormatUint(d.last, 36)
	d.calls[id] = c
	return scheme + "://" + id, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.calls, id)
	}
}

// RoundTrip implements http.RoundTripper. The clients see good answers only;
// what went wrong otherwise is kept in the call.
func (d *door) RoundTrip(req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	c := d.calls[req.URL.Host]
	d.mu.Unlock()
	if c == nil {
		return nil, errors.New("supabase: the call is over")
	}
	resp, err := c.roundTrip(req)
	if err != nil && c.err == nil {
		c.err = err
	}
	return resp, err
}

func (c *call) roundTrip(req *http.Request) (*http.Response, error) {
	if req.ContentLength > maxRequest {
		return nil, errTooLarge
	}
	out := req.Clone(c.ctx)
	out.URL.Scheme, out.URL.Host, out.Host = c.base.Scheme, c.base.Host, ""
	out.URL.Path, out.URL.RawPath = path.Join("/", c.base.Path, req.URL.Path), ""
	if c.safe {
		out.Header["Idempotency-Key"] = []string{} // is not sent; it tells net/http that repeating does no harm
	}
	c.sent = true
	resp, err := c.out.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, errTooLarge
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, answerOf(resp, body)
	case !isJSON(resp.Header) && len(bytes.TrimSpace(body)) > 0:
		return nil, &answer{status: resp.StatusCode, Message: "an answer that is not JSON"}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// newTransport is what all calls of a store share.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() // theDoor has made sure of its kind
	t.MaxConnsPerHost, t.MaxIdleConnsPerHost, t.MaxIdleConns = 128, 128, 128
	t.IdleConnTimeout = 90 * time.Second
	t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = 10*time.Second, longest
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}
