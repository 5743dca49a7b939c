package web

import (
	"context"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func TestWebhook(t *testing.T) {
	var got workflow.WebhookCall
	w := newWorld(t, func(o *Options) {
		o.CORS.Origins = []string{"https://app.test"}
		o.Webhook = func(_ context.Context, call workflow.WebhookCall) (*workflow.Response, error) {
			got = call
			return &workflow.Response{Status: 201, Headers: [][2]string{{"content-type", "text/html"}, {"set-cookie", "a=b"}, {"content-security-policy", "default-src *"},
				{"x-own", "1"}, {"x-own", "2"}, {"content-length", "999"}}, Body: []byte("<script>")}, nil
		}
	})
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		r := w.send(t, method, "/webhook/orders/new%20one?a=1&b=2", `{"x":1}`, "X-Custom", "yes", "Origin", "https://other.test", "Access-Control-Request-Method", "POST")
		if r.status != 201 || r.body != "<script>" || r.header.Get("Content-Type") != "text/html" || r.header.Get("Content-Security-Policy") != "sandbox" ||
			r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Set-Cookie") != "" || len(r.header.Values("X-Own")) != 2 {
			t.Errorf("%s: %d %v %s", method, r.status, r.header, r.body)
		}
		if got.Method != method || got.Path != "orders/new one" || got.Query != "a=1&b=2" || string(got.Body) != `{"x":1}` || got.IP != "127.0.0.1" ||
			got.URL != "http://gw.test/webhook/orders/new one" {
			t.Errorf("%s: %+v", method, got)
		}
	}
	if got.Headers[0][0] != "host" || !containsPair(got.Headers, "x-custom", "yes") {
		t.Errorf("headers: %v", got.Headers)
	}
}

func containsPair(list [][2]string, name, value string) bool {
	for _, p := range list {
		if p == [2]string{name, value} {
			return true
		}
	}
	return false
}

func TestUnknownWebhook(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.send(t, "POST", "/webhook/nope", `{}`); r.status != 404 || r.json["message"] == nil {
		t.Errorf("%d %s", r.status, r.body)
	}
	other := workflow.Errorf(workflow.CodeNotFound, "not for GET")
	other.Details = map[string]any{"methods": []string{"POST"}}
	w = newWorld(t, func(o *Options) {
		o.Webhook = func(context.Context, workflow.WebhookCall) (*workflow.Response, error) { return nil, other }
	})
	if r := w.send(t, "GET", "/webhook/x", ""); r.status != 405 || r.header.Get("Allow") != "POST" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}

// TestLongHookPaths asks for what no webhook can be called.
func TestLongHookPaths(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		refuse := func(context.Context, workflow.WebhookCall) (*workflow.Response, error) {
			t.Error("it was looked for")
			return &workflow.Response{Status: 200}, nil
		}
		o.Webhook, o.TestHook = refuse, refuse
	})
	path := strings.Repeat("a/", 1001)
	for _, prefix := range []string{"/webhook/", "/webhook-test/", "/form/", "/form-test/"} {
		if r := w.send(t, "POST", prefix+path, "x"); r.status != 414 {
			t.Errorf("%s: %d %s", prefix, r.status, r.body)
		}
	}
}
