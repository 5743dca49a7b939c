package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowgate/internal/engine"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

type exchange struct {
	Request struct {
		Method, Path, Body string
		Headers            map[string]string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

type exchanges struct {
	Cases []struct {
		Name      string
		Workflow  workflow.Document
		Exchanges []exchange
	}
}

// TestWebhookExchanges holds recorded calls against the whole way: hook,
// authentication, item, execution, response.
func TestWebhookExchanges(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/webhook_exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all exchanges
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	eng := engine.New(engine.Options{Registry: node.NewRegistry(node.All(), node.RegistryOptions{})})
	for i := range all.Cases {
		c := &all.Cases[i]
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			for _, e := range c.Exchanges {
				e.compare(t, perform(t, eng, &c.Workflow, e))
			}
		})
	}
}

func (e *exchange) call() workflow.WebhookCall {
	path, query, _ := strings.Cut(e.Request.Path, "?")
	call := workflow.WebhookCall{
		Method: e.Request.Method, Path: strings.TrimPrefix(path, "/webhook/"), URL: "http://127.0.0.1:5678" + path,
		Query: query, Body: []byte(e.Request.Body), IP: "127.0.0.1",
	}
	for k, v := range e.Request.Headers {
		call.Headers = append(call.Headers, [2]string{k, v})
	}
	call.Headers = append(call.Headers, [2]string{"connection", "close"}, [2]string{"user-agent", "scenario"}, [2]string{"host", "127.0.0.1:5678"})
	if e.Request.Method == "POST" {
		call.Headers = append(call.Headers, [2]string{"content-length", strconv.Itoa(len(e.Request.Body))})
	}
	return call
}

func perform(t *testing.T, eng *engine.Engine, d *workflow.Document, e exchange) workflow.Response {
	t.Helper()
	call := e.call()
	hook := ""
	var methods []string
	for _, h := range node.Webhooks(d) {
		if _, ok := node.MatchWebhook(h.Path, call.Path); ok {
			methods = append(methods, h.Method)
			if h.Method == call.Method {
				hook = h.Node
			}
		}
	}
	if hook == "" {
		return node.NoWebhook(call.Method, call.Path, methods)
	}
	w, err := node.ReadWebhook(t.Context(), d.NodeByName(hook), nil)
	if err != nil {
		t.Fatal(err)
	}
	claims, refusal := w.Admit(call, map[string]string{"name": "x-key", "value": "s3cret"})
	if refusal == nil {
		refusal = w.Misfit(d)
	}
	if refusal != nil {
		return *refusal
	}
	item, refusal := w.WebhookItem(call, "production", claims)
	if refusal != nil {
		return *refusal
	}
	if !w.Waits() {
		return w.Received()
	}
	return execute(t, eng, d, w, item, call.Method)
}

func execute(t *testing.T, eng *engine.Engine, d *workflow.Document, w *node.Webhook, item *workflow.Item, method string) workflow.Response {
	t.Helper()
	var answer *workflow.Response
	o := eng.Run(t.Context(), engine.Job{
		Workflow: &workflow.Workflow{ID: "w", Document: *d},
		Execution: &workflow.Execution{ID: "1", Mode: workflow.ModeWebhook, Clock: time.Now(), Seed: 1,
			Start: workflow.Start{Trigger: w.Node.Name, Items: []workflow.Item{*item}, Output: w.Output(method), Webhook: true}},
		Respond: func(_ context.Context, r workflow.Response) error {
			answer = &r
			return nil
		},
	})
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	if answer != nil {
		return *answer
	}
	return w.Answer(node.WebhookOutcome{Status: o.Status, Items: o.Result})
}

// compare looks at the status, the headers a workflow decides on and the body;
// of refusals and failures only at the body's shape.
func (e *exchange) compare(t *testing.T, got workflow.Response) {
	t.Helper()
	want := e.Response
	where := e.Request.Method + " " + e.Request.Path
	if got.Status != want.Status {
		t.Errorf("%s: status %d, want %d; body %s", where, got.Status, want.Status, got.Body)
		return
	}
	var a, b any
	isJSON := json.Unmarshal([]byte(want.Body), &a) == nil
	if isJSON {
		if err := json.Unmarshal(got.Body, &b); err != nil {
			t.Errorf("%s: body %s is not JSON", where, got.Body)
		}
	}
	if want.Status >= 400 && got.Status != 418 {
		if isJSON && !reflect.DeepEqual(keys(a), keys(b)) {
			t.Errorf("%s: body %s, want the shape of %s", where, got.Body, want.Body)
		}
		return
	}
	if isJSON && !reflect.DeepEqual(a, b) || !isJSON && !bytes.Equal(got.Body, []byte(want.Body)) {
		t.Errorf("%s: body %s\nwant %s", where, got.Body, want.Body)
	}
	for name, value := range want.Headers {
		if name == "vary" || name == "content-length" || name == "transfer-encoding" {
			continue
		}
		if have := headerOf(got, name); have != value {
			t.Errorf("%s: header %s = %q, want %q", where, name, have, value)
		}
	}
}

func keys(v any) map[string]bool {
	out := map[string]bool{}
	m, _ := v.(map[string]any)
	for k := range m {
		if k != "hint" {
			out[k] = true
		}
	}
	return out
}

func headerOf(r workflow.Response, name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}
