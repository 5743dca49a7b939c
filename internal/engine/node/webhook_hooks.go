package node

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// Webhook is a Webhook node made ready to take calls and to answer them. It
// is not changed after ReadWebhook and safe for concurrent use.
type Webhook struct {
	Node    *workflow.Node
	Params  WebhookParams
	Methods []string // in upper case; the n-th has output n
}

// ReadWebhook reads a Webhook node's parameters. Expressions in them are
// resolved by eval, which may be nil: parameters that say who may call and
// when is answered must then be written out, and expressions in the others
// count as if they were not there.
func ReadWebhook(ctx context.Context, n *workflow.Node, eval Evaluator) (*Webhook, error) {
	if eval == nil {
		if name := firstExpression(n); name != "" {
			return nil, Fail("Parameter %q of webhook %s must be written out: nothing is known yet that an expression could use.", name, n.Name)
		}
		eval = literalEvaluator{}
	}
	p, err := Bind[WebhookParams](ctx, &Call{Node: n, Eval: eval}, 0)
	if err != nil {
		return nil, err
	}
	return &Webhook{Node: n, Params: p, Methods: webhookMethods(n)}, nil
}

// firstExpression names a parameter that is an expression and must not be.
func firstExpression(n *workflow.Node) string {
	options, _ := n.Parameters.Value("options").(*workflow.Object)
	for _, name := range []string{"path", "httpMethod", "multipleMethods", "authentication", "responseMode", "options"} {
		if isExpression(n.Parameters.Value(name)) {
			return name
		}
	}
	for _, name := range []string{"ipWhitelist", "allowedOrigins", "ignoreBots", "binaryData", "rawBody"} {
		if isExpression(options.Value(name)) {
			return "options." + name
		}
	}
	return ""
}

// literalEvaluator knows nothing: templates without an expression are their
// text, others are undefined.
type literalEvaluator struct{}

func (e literalEvaluator) Resolve(ctx context.Context, raw any, i int, extra map[string]any) (any, error) {
	switch raw := raw.(type) {
	case string:
		text, ok := strings.CutPrefix(raw, "=")
		if ok && strings.Contains(text, "{{") {
			return nil, nil
		}
		return text, nil
	case []any:
		out := make([]any, len(raw))
		for n, v := range raw {
			out[n], _ = e.Resolve(ctx, v, i, extra)
		}
		return out, nil
	case *workflow.Object:
		out := raw.Copy()
		for n := range out.Len() {
			k, v := out.At(n)
			v, _ = e.Resolve(ctx, v, i, extra)
			out.Set(k, v)
		}
		return out, nil
	}
	return raw, nil
}

// Webhooks lists the addresses that an active document takes calls at, in the
// order of its nodes: one for each enabled Webhook node and method.
func Webhooks(d *workflow.Document) []workflow.WebhookTrigger {
	var out []workflow.WebhookTrigger
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Type != webhookName || n.Disabled {
			continue
		}
		for _, m := range webhookMethods(n) {
			out = append(out, workflow.WebhookTrigger{Path: WebhookPath(n), Method: m, Node: n.Name})
		}
	}
	return out
}

// WebhookPath is the path a Webhook node takes calls at, below /webhook/.
// Without one of its own it is the node's webhookId; one with parameters has
// that before it, so that it cannot take calls meant for others.
func WebhookPath(n *workflow.Node) string {
	path, _ := n.Parameters.Value("path").(string)
	path = strings.Trim(strings.TrimSpace(path), "/")
	id := n.WebhookID
	if id == "" {
		id = n.ID
	}
	switch {
	case path == "":
		return id
	case slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return strings.HasPrefix(s, ":") }) && id != "":
		return id + "/" + path
	}
	return path
}

// MatchWebhook returns the parameters of path under pattern, and whether it
// fits. Both are without a leading slash, and path is not escaped.
func MatchWebhook(pattern, path string) (*workflow.Object, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := &workflow.Object{}
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, ":")
		switch {
		case isParam && have[i] != "":
			params.Set(name, have[i])
		case isParam || w != have[i]:
			return nil, false
		}
	}
	return params, true
}

// Output is the number of the output that calls of a method leave by.
func (w *Webhook) Output(method string) int {
	return max(slices.Index(w.Methods, strings.ToUpper(method)), 0)
}

// Origin returns the headers that tell a browser whether a page of origin may
// call, and whether it may. Without an origin it may, and there are none.
func (w *Webhook) Origin(origin string) ([][2]string, bool) {
	if origin == "" {
		return nil, true
	}
	allowed := strings.TrimSpace(w.Params.Options.AllowedOrigins)
	if allowed == "" || allowed == "*" {
		return [][2]string{{"Access-Control-Allow-Origin", "*"}}, true
	}
	for _, o := range strings.Split(allowed, ",") {
		if o = strings.TrimSpace(o); o == "*" || sameOrigin(o, origin) {
			return [][2]string{{"Access-Control-Allow-Origin", origin}, {"Vary", "Origin"}}, true
		}
	}
	return [][2]string{{"Vary", "Origin"}}, false
}

// Preflight answers a browser's question before a call: its Origin, and the
// headers it wants to send.
func (w *Webhook) Preflight(origin, headers string) workflow.Response {
	list, ok := w.Origin(origin)
	if ok {
		list = append(list, [2]string{"Access-Control-Allow-Methods", strings.Join(append([]string{"OPTIONS"}, w.Methods...), ", ")},
			[2]string{"Access-Control-Max-Age", "300"})
		if headers != "" {
			list = append(list, [2]string{"Access-Control-Allow-Headers", headers})
		}
	}
	return workflow.Response{Status: 204, Headers: list}
}

func sameOrigin(a, b string) bool {
	u, err := url.Parse(strings.TrimSuffix(a, "/"))
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && strings.EqualFold(u.Scheme, v.Scheme) && strings.EqualFold(u.Host, v.Host)
}
