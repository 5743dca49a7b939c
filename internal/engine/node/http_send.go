package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"flowgate/internal/egress"
	"flowgate/internal/workflow"
)

// httpAnswer is what is recorded of an exchange: the raw answer. Text holds a
// body that is UTF-8, Data any other.
type httpAnswer struct {
	Status  int         `json:"status"`
	Reason  string      `json:"reason,omitempty"`
	URL     string      `json:"url,omitempty"` // the last one, after redirects
	Headers [][2]string `json:"headers"`       // names in lower case, sorted
	Text    string      `json:"text,omitempty"`
	Data    []byte      `json:"data,omitempty"`
}

func (a *httpAnswer) bytes() []byte {
	if a.Data != nil {
		return a.Data
	}
	return []byte(a.Text)
}

func (a *httpAnswer) header(name string) string {
	for _, h := range a.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// headersObject is the headers as items show them: one text per name, but a
// list for set-cookie.
func (a *httpAnswer) headersObject() *workflow.Object {
	o := &workflow.Object{}
	for _, h := range a.Headers {
		old, there := o.Get(h[0])
		switch {
		case h[0] == "set-cookie":
			list, _ := old.([]any)
			o.Set(h[0], append(list, h[1]))
		case there:
			o.Set(h[0], textOf(old)+", "+h[1])
		default:
			o.Set(h[0], h[1])
		}
	}
	return o
}

// sendHTTP makes the exchange and returns its record. Failures are *Failure;
// an ended context is returned as it is.
func sendHTTP(ctx context.Context, base *http.Client, k *httpCall, auth *httpAuth) ([]byte, error) {
	client, err := k.client(base, auth)
	if err != nil {
		return nil, transportFailure(err, k)
	}
	limited, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	out, err := k.outgoing(auth)
	if err != nil {
		return nil, err
	}
	a, err := out.do(limited, client)
	if err == nil && auth.digests() && a.Status == http.StatusUnauthorized {
		if again := auth.answerDigest(out, a); again != nil {
			a, err = again.do(limited, client)
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, transportFailure(err, k)
	}
	return json.Marshal(a)
}

func (k *httpCall) client(base *http.Client, auth *httpAuth) (*http.Client, error) {
	v := egress.Variant{Redirects: k.redirects, InsecureTLS: k.insecureTLS, Secrets: auth.secretHeaders()}
	if k.proxy != "" {
		text := k.proxy
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return nil, Fail("The option proxy is not an address such as http://proxy.example.com:3128.")
		}
		v.Proxy = u
	}
	return egress.Derive(base, v)
}

// httpOutgoing is a request ready to be sent, more than once if need be.
type httpOutgoing struct {
	method string
	url    string
	header http.Header
	host   string
	body   []byte
}

// outgoing writes the request out.
func (k *httpCall) outgoing(auth *httpAuth) (*httpOutgoing, error) {
	q := auth.extend(k)
	out := &httpOutgoing{method: q.method, url: appendQuery(q.url, encodeFields(q.query, q.arrayFormat)), header: http.Header{}}
	out.header.Set("Accept", q.accept)
	out.header.Set("User-Agent", "Flowgate")
	if q.body != nil {
		data, mimeType, err := q.body.encode(q.arrayFormat)
		if err != nil {
			return nil, err
		}
		out.body = data
		if mimeType != "" {
			out.header.Set("Content-Type", mimeType)
		}
	}
	for _, h := range q.headers {
		out.setHeader(h.Name, textOf(h.Value), q.keepCase)
	}
	return out, auth.sign(out)
}

func (o *httpOutgoing) setHeader(name, value string, keepCase bool) {
	name = strings.TrimSpace(name)
	switch lower := strings.ToLower(name); {
	case lower == "host":
		o.host = value
	case lower == "content-length" || lower == "transfer-encoding" || lower == "connection":
		// the connection's own business
	case keepCase:
		o.header.Del(name)
		o.header[name] = []string{value}
	default:
		o.header.Set(name, value)
	}
}

// do sends the request and reads the whole answer.
func (o *httpOutgoing) do(ctx context.Context, client *http.Client) (*httpAnswer, error) {
	var body io.Reader
	if o.body != nil {
		body = bytes.NewReader(o.body)
	}
	req, err := http.NewRequestWithContext(ctx, o.method, o.url, body)
	if err != nil {
		return nil, Fail("The request cannot be written: %s.", rootCause(err))
	}
	req.Header, req.Host = o.header.Clone(), o.host
	req.URL.RawQuery = escapeLoose(req.URL.RawQuery)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return recordAnswer(resp, data), nil
}

func recordAnswer(resp *http.Response, data []byte) *httpAnswer {
	a := &httpAnswer{Status: resp.StatusCode, Headers: shownHeaders(resp)}
	_, a.Reason, _ = strings.Cut(resp.Status, " ")
	if a.Reason == "" {
		a.Reason = http.StatusText(a.Status)
	}
	if resp.Request != nil && resp.Request.URL != nil {
		u := *resp.Request.URL
		u.User, u.RawQuery, u.Fragment = nil, "", "" // may hold keys
		a.URL = u.String()
	}
	if utf8.Valid(data) {
		a.Text = string(data)
	} else {
		a.Data = data
	}
	return a
}

// shownHeaders lists the headers. Those about the connection are shown as on
// a connection of the request's own: ours is shared, which is no concern of a
// workflow.
func shownHeaders(resp *http.Response) [][2]string {
	out := [][2]string{}
	for name, values := range resp.Header {
		name = strings.ToLower(name)
		if name == "connection" || name == "keep-alive" {
			continue
		}
		for _, v := range values {
			out = append(out, [2]string{name, v})
		}
	}
	if resp.ProtoMajor == 1 {
		out = append(out, [2]string{"connection", "close"})
		if len(resp.TransferEncoding) > 0 {
			out = append(out, [2]string{"transfer-encoding", strings.Join(resp.TransferEncoding, ", ")})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i][0] < out[j][0] })
	return out
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return clip(address, 80)
}
