package node

import (
	"context"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// httpCall is what one item asks for, whatever the node's version.
type httpCall struct {
	item    int
	method  string
	url     string
	query   []HTTPField
	headers []HTTPField
	body    *httpBody // nil: none
	auth    string    // credential type, "" for none

	accept      string
	arrayFormat string
	keepCase    bool // header names go out as written
	insecureTLS bool
	proxy       string
	redirects   int // as egress.Variant counts them
	timeout     time.Duration

	format   string // autodetect, json, text, file
	property string
	full     bool
	neverErr bool

	batchSize int
	interval  time.Duration
	pages     *HTTPPagination // nil: one request
	optimize  *HTTPOptimize   // nil: the answer as it is
}

// What is accepted, by how the answer is read.
const (
	acceptJSON = "application/json,text/*;q=0.99"
	acceptText = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, */*;q=0.1"
	acceptAny  = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7"
)

// finish fills in what both generations of parameters share.
func (k *httpCall) finish() error {
	k.method = strings.ToUpper(strings.TrimSpace(k.method))
	k.url = strings.TrimSpace(k.url)
	if lower := strings.ToLower(k.url); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return Fail("Parameter \"url\" is %q: an address must begin with http:// or https://.", clip(k.url, 120))
	}
	if k.timeout <= 0 {
		k.timeout = 5 * time.Minute
	}
	if k.property == "" {
		k.property = "data"
	}
	switch k.format {
	case "":
		k.format, k.accept = "autodetect", acceptAny
	case "json":
		k.accept = acceptJSON
	case "text":
		k.accept = acceptText
	default:
		k.accept = acceptAny
	}
	if p := k.pages; p != nil && p.Mode == "off" {
		k.pages = nil
	}
	return nil
}

// planHTTP reads the node's parameters for item i.
func planHTTP(ctx context.Context, c *Call, i int) (*httpCall, error) {
	if c.Node.TypeVersion < 3 {
		return planOldHTTP(ctx, c, i)
	}
	p, err := Bind[HTTPParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	o, r := p.Options, p.Options.Response.Response
	k := &httpCall{
		item: i, method: p.Method, url: p.URL,
		auth:        credentialKind(p.Authentication, p.GenericAuthType, p.NodeCredentialType),
		arrayFormat: o.ArrayFormat, keepCase: o.Lowercase != nil && !*o.Lowercase,
		insecureTLS: o.InsecureTLS, proxy: o.Proxy, redirects: 21,
		timeout: time.Duration(o.Timeout) * time.Millisecond,
		format:  r.Format, property: r.Property, full: r.Full, neverErr: r.NeverErr,
		batchSize: o.Batching.Batch.Size, interval: time.Duration(o.Batching.Batch.Interval) * time.Millisecond,
		pages: o.Pagination.Pagination,
	}
	if red := o.Redirect.Redirect; red != nil {
		k.redirects = max(red.Max, 1)
		if !red.Follow || red.Max == 0 {
			k.redirects = -1
		}
	}
	if p.OptimizeResponse {
		k.optimize = &p.HTTPOptimize
	}
	if k.query, err = chosenHTTPFields(p.SendQuery, p.SpecifyQuery, p.Query, p.JSONQuery, "jsonQuery"); err != nil {
		return nil, err
	}
	if k.headers, err = chosenHTTPFields(p.SendHeaders, p.SpecifyHeaders, p.Headers, p.JSONHeaders, "jsonHeaders"); err != nil {
		return nil, err
	}
	if p.SendBody {
		if k.body, err = planBody(&p, c.Items()[i]); err != nil {
			return nil, err
		}
	}
	return k, k.finish()
}

func chosenHTTPFields(send bool, how string, list HTTPFieldList, raw any, parameter string) ([]HTTPField, error) {
	switch {
	case !send:
		return nil, nil
	case how == "json":
		return httpFieldsOf(raw, parameter)
	}
	return lastFieldWins(list.Fields), nil
}

func planOldHTTP(ctx context.Context, c *Call, i int) (*httpCall, error) {
	p, err := Bind[HTTPParamsOld](ctx, c, i)
	if err != nil {
		return nil, err
	}
	o := p.Options
	k := &httpCall{
		item: i, method: p.Method, url: p.URL,
		auth:        credentialKind(p.Authentication, p.GenericAuthType, p.NodeCredentialType),
		arrayFormat: o.ArrayFormat, insecureTLS: p.InsecureTLS, proxy: o.Proxy, redirects: 21,
		timeout: time.Duration(o.Timeout) * time.Millisecond,
		format:  p.Format, property: p.Property, full: o.Full, neverErr: o.IgnoreStatus,
		batchSize: o.BatchSize,
	}
	if k.format == "string" {
		k.format = "text"
	}
	if o.FollowRedirect != nil && !*o.FollowRedirect {
		k.redirects = -1
	}
	if o.BatchSize > 0 {
		k.interval = time.Duration(o.BatchInterval) * time.Millisecond
	}
	k.query, k.headers = lastFieldWins(p.QueryUI.Fields), lastFieldWins(p.HeadersUI.Fields)
	if p.JSONParameters {
		if k.query, err = httpFieldsOf(p.QueryJSON, "queryParametersJson"); err != nil {
			return nil, err
		}
		if k.headers, err = httpFieldsOf(p.HeadersJSON, "headerParametersJson"); err != nil {
			return nil, err
		}
	}
	if k.body, err = planOldBody(&p, c.Items()[i]); err != nil {
		return nil, err
	}
	if err := k.finish(); err != nil {
		return nil, err
	}
	if m := k.method; m == "GET" || m == "HEAD" || m == "OPTIONS" {
		k.body = nil
	}
	return k, nil
}

// request is what expressions of the next page see as $request. Credentials
// are not in it.
func (k *httpCall) request() *workflow.Object {
	o := workflow.NewObject("method", k.method, "url", k.url, "uri", k.url, "headers", fieldsObject(k.headers), "qs", fieldsObject(k.query))
	if k.body != nil {
		o.Set("body", k.body.shown())
	}
	return o
}
