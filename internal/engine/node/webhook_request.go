package node

import (
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// WebhookItem is the item that a call makes the trigger put out. Path
// parameters come of the node's own path, claims of the caller's token (nil
// without one). mode "test" marks calls to a test address. A body that cannot
// be read gives a response to refuse the call with, and no item.
func (w *Webhook) WebhookItem(call workflow.WebhookCall, mode string, claims *workflow.Object) (*workflow.Item, *workflow.Response) {
	if mode == "" {
		mode = "production"
	}
	params, _ := MatchWebhook(WebhookPath(w.Node), call.Path)
	if params == nil {
		params = &workflow.Object{}
	}
	in := requestBody{webhook: w, call: call, kind: contentKind(call), value: &workflow.Object{}, files: map[string]*workflow.Binary{}}
	if refusal := in.read(); refusal != nil {
		return nil, refusal
	}
	item := &workflow.Item{JSON: workflow.NewObject(
		"headers", callHeaders(call), "params", params, "query", parseQuery(call.Query), "body", in.value)}
	if claims != nil {
		item.JSON.Set("jwtPayload", claims)
	}
	item.JSON.Set("webhookUrl", call.URL)
	item.JSON.Set("executionMode", mode)
	if len(in.files) > 0 {
		item.Binary = in.files
	}
	return item, nil
}

// callHeader returns the first header of that name, given in lower case.
func callHeader(call workflow.WebhookCall, name string) string {
	for _, h := range call.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// callHeaders are the headers as one text per name: repeated ones are joined.
func callHeaders(call workflow.WebhookCall) *workflow.Object {
	o := &workflow.Object{}
	for _, h := range call.Headers {
		name := strings.ToLower(h[0])
		old, there := o.Get(name)
		switch {
		case !there:
			o.Set(name, h[1])
		case name == "cookie":
			o.Set(name, textOf(old)+"; "+h[1])
		default:
			o.Set(name, textOf(old)+", "+h[1])
		}
	}
	return o
}

// maxQueryDepth bounds nesting by brackets, so that a[b][c]… stays small.
const maxQueryDepth = 5

// maxQueryFields bounds the parameters of one query or form.
const maxQueryFields = 1000

// parseQuery reads a query: repeated names become lists, a[b]=c and a[]=c
// nest.
func parseQuery(query string) *workflow.Object {
	o := &workflow.Object{}
	for i, f := range parseForm(query) {
		if i == maxQueryFields {
			break
		}
		nest(o, bracketPath(f.Name), f.Value)
	}
	return o
}

// flatForm reads a form: repeated names become lists, brackets mean nothing.
func flatForm(text string) *workflow.Object {
	o := &workflow.Object{}
	for i, f := range parseForm(text) {
		if i == maxQueryFields {
			break
		}
		nest(o, []string{f.Name}, f.Value)
	}
	return o
}

// bracketPath cuts a[b][] into a, b and "".
func bracketPath(name string) []string {
	at := strings.IndexByte(name, '[')
	if at <= 0 || !strings.HasSuffix(name, "]") {
		return []string{name}
	}
	parts := strings.Split(strings.TrimSuffix(name[at+1:], "]"), "][")
	if len(parts) > maxQueryDepth {
		rest := "[" + strings.Join(parts[maxQueryDepth:], "][") + "]"
		parts = append(parts[:maxQueryDepth:maxQueryDepth], rest)
	}
	return append([]string{name[:at]}, parts...)
}

// nest puts value at path of o, beside what is there already.
func nest(o *workflow.Object, path []string, value any) {
	key := path[0]
	old, there := o.Get(key)
	switch {
	case len(path) == 1 && !there:
		o.Set(key, value)
	case len(path) == 1:
		o.Set(key, append(asList(old), value))
	case len(path) == 2 && isListKey(path[1]):
		if !there {
			old = []any{}
		}
		o.Set(key, append(asList(old), value))
	default:
		inner, ok := old.(*workflow.Object)
		if !ok {
			inner = &workflow.Object{}
			for _, e := range asListIf(there, old) {
				inner.Set(textOf(e), true)
			}
			o.Set(key, inner)
		}
		nest(inner, path[1:], value)
	}
}

func asListIf(there bool, v any) []any {
	if !there {
		return nil
	}
	return asList(v)
}

func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// isListKey reports whether a bracket means a place in a list: empty or a
// small number.
func isListKey(s string) bool {
	n, err := strconv.Atoi(s)
	return s == "" || err == nil && n >= 0 && n <= 20
}
