package node

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func hookOf(t *testing.T, version float64, parameters string) *Webhook {
	t.Helper()
	params := &workflow.Object{}
	if err := json.Unmarshal([]byte(parameters), params); err != nil {
		t.Fatal(err)
	}
	w, err := ReadWebhook(t.Context(), &workflow.Node{ID: "id", WebhookID: "wid", Name: "Webhook", Type: webhookName, TypeVersion: version, Parameters: params}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func post(kind, body string) workflow.WebhookCall {
	return workflow.WebhookCall{
		Method: "POST", Path: "shape", URL: "http://h/webhook/shape", IP: "192.0.2.1",
		Headers: [][2]string{{"content-type", kind}, {"x-a", "1"}, {"x-a", "2"}}, Body: []byte(body),
	}
}

func TestWebhookItem(t *testing.T) {
	t.Parallel()
	multipartBody := "--BB\r\nContent-Disposition: form-data; name=\"f1\"\r\n\r\nv1\r\n--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\r\n--BB--\r\n"
	cases := []struct {
		name, params, kind, body, want string
		files                          string
	}{
		{"json", `{}`, "application/json", `{"x":1,"y":[1]}`, `{"x":1,"y":[1]}`, ""},
		{"json list", `{}`, "application/json; charset=utf-8", `[1]`, `[1]`, ""},
		{"form", `{}`, "application/x-www-form-urlencoded", "a=1&b=x%20y&c[]=1&c[]=2&d=+", `{"a":"1","b":"x y","c[]":["1","2"],"d":" "}`, ""},
		{"text", `{}`, "text/plain", "hello", `"hello"`, ""},
		{"latin text", `{}`, "text/plain; charset=ISO-8859-1", "\xe9", `"é"`, ""},
		{"xml", `{}`, "application/xml", "<A><b>1</b></A>", `{"a":{"b":"1"}}`, ""},
		{"nothing", `{}`, "application/json", "", `{}`, ""},
		{"other", `{}`, "application/octet-stream", "bin", `{}`, "data application/octet-stream bin"},
		{"other, named", `{"options":{"binaryPropertyName":"up"}}`, "image/png", "bin", `{}`, "up image/png bin"},
		{"whole body", `{"options":{"binaryData":true}}`, "application/json", `{"a":1}`, `{}`, `data application/json {"a":1}`},
		{"raw body too", `{"options":{"rawBody":true}}`, "application/json", `{"a":1}`, `{"a":1}`, `data application/json {"a":1}`},
		{"multipart", `{}`, "multipart/form-data; boundary=BB", multipartBody, `{"f1":"v1"}`, "file text/plain hi"},
		{"multipart, named", `{"options":{"binaryPropertyName":"up"}}`, "multipart/form-data; boundary=BB", multipartBody, `{"f1":"v1"}`, "up0 text/plain hi"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			item, refused := hookOf(t, 2, c.params).WebhookItem(post(c.kind, c.body), "", nil)
			if refused != nil {
				t.Fatalf("refused: %d %s", refused.Status, refused.Body)
			}
			if got, _ := workflow.AppendJSON(nil, item.JSON.Value("body")); string(got) != c.want {
				t.Errorf("body = %s, want %s", got, c.want)
			}
			var files []string
			for name, b := range item.Binary {
				data, _ := binaryContent(b)
				files = append(files, fmt.Sprintf("%s %s %s", name, b.MimeType, data))
			}
			if got := strings.Join(files, ","); got != c.files {
				t.Errorf("files = %q, want %q", got, c.files)
			}
		})
	}
}

func TestWebhookItemShape(t *testing.T) {
	t.Parallel()
	w := hookOf(t, 2, `{"path":"/user/:id/x"}`)
	call := workflow.WebhookCall{Method: "GET", Path: "wid/user/42/x", URL: "http://h/webhook/wid/user/42/x", Query: "q=1&q=2&a[b]=c&l[]=1&z=%E2%82%AC", Headers: [][2]string{{"host", "h"}, {"x-a", "1"}, {"x-a", "2"}, {"cookie", "a=1"}, {"cookie", "b=2"}}}
	item, refused := w.WebhookItem(call, "test", workflow.NewObject("sub", "me"))
	if refused != nil {
		t.Fatal(refused)
	}
	want := `{"headers":{"host":"h","x-a":"1, 2","cookie":"a=1; b=2"},"params":{"id":"42"},"query":{"q":["1","2"],"a":{"b":"c"},"l":["1"],"z":"€"},"body":{},"jwtPayload":{"sub":"me"},"webhookUrl":"http://h/webhook/wid/user/42/x","executionMode":"test"}`
	if got, _ := item.JSON.MarshalJSON(); string(got) != want {
		t.Errorf("item = %s\nwant   %s", got, want)
	}
}

func TestWebhookRefusesBadBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, body string
		status     int
	}{
		{"application/json", "{bad", 422},
		{"application/json", strings.Repeat("[", 2000), 422},
		{"application/xml", "<a><b></a>", 422},
		{"application/xml", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", 422},
		{"text/xml", "<a/><b/>", 422},
		{"multipart/form-data", "x", 400},
		{"multipart/form-data; boundary=BB", "--BB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv", 400},
	} {
		item, refused := hookOf(t, 2, `{}`).WebhookItem(post(c.kind, c.body), "", nil)
		if refused == nil || refused.Status != c.status {
			t.Errorf("%s %.20q: item %v, response %v, want %d", c.kind, c.body, item, refused, c.status)
			continue
		}
		var body map[string]any
		if json.Unmarshal(refused.Body, &body) != nil || body["code"] != float64(c.status) || body["message"] == "" || body["hint"] == "" {
			t.Errorf("body = %s", refused.Body)
		}
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	d := &workflow.Document{}
	err := json.Unmarshal([]byte(`{"nodes":[
		{"name":"A","type":"n8n-nodes-base.webhook","parameters":{"path":"/a/"},"webhookId":"w1"},
		{"name":"B","type":"n8n-nodes-base.webhook","parameters":{"multipleMethods":true,"httpMethod":["GET","put"],"path":"u/:id"},"webhookId":"w2"},
		{"name":"C","type":"n8n-nodes-base.webhook","parameters":{"httpMethod":"POST"},"id":"node-c"},
		{"name":"D","type":"n8n-nodes-base.webhook","parameters":{"path":"d"},"disabled":true},
		{"name":"E","type":"n8n-nodes-base.set","parameters":{}}]}`), d)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{a GET   A} {w2/u/:id GET   B} {w2/u/:id PUT   B} {node-c POST   C}]"
	if got := fmt.Sprint(Webhooks(d)); got != want {
		t.Errorf("hooks = %s, want %s", got, want)
	}
	w, _ := ReadWebhook(t.Context(), &d.Nodes[1], nil)
	if w.Output("PUT") != 1 || w.Output("get") != 0 || len(webhook().OutputPorts(&d.Nodes[1])) != 2 {
		t.Error("methods do not have outputs of their own")
	}
	if _, ok := MatchWebhook("u/:id", "u/"); ok {
		t.Error("an empty parameter fits")
	}
	out, _ := runWebhook(t.Context(), &Call{Inputs: [][]workflow.Item{nil, {{JSON: &workflow.Object{}}}}})
	if len(out.Main) != 2 || len(out.Main[1]) != 1 {
		t.Errorf("output = %v, want the item on the second", out.Main)
	}
}

func TestWebhookReadsNoExpressions(t *testing.T) {
	t.Parallel()
	n := &workflow.Node{Type: webhookName, TypeVersion: 2, Parameters: workflow.NewObject("authentication", "={{ 1 }}")}
	if _, err := ReadWebhook(t.Context(), n, nil); err == nil {
		t.Error("an expression was accepted")
	}
	n.Parameters = workflow.NewObject("options", workflow.NewObject("responseData", "={{ 1 }}", "responseHeaders",
		workflow.NewObject("entries", []any{workflow.NewObject("name", "x-a", "value", "=b")})))
	w, err := ReadWebhook(t.Context(), n, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := w.Received(); string(r.Body) != `{"message":"Workflow was started"}` || r.Headers[1] != [2]string{"x-a", "b"} {
		t.Errorf("%+v", r)
	}
}

func FuzzWebhookBody(f *testing.F) {
	for _, kind := range []string{"application/json", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=BB", "text/plain"} {
		f.Add(kind, "a[b][c]=1&a=2", []byte(`{"a":[1]}`))
		f.Add(kind, "a[]=1&a[b]=2", []byte(`<a b="c">d<e/></a>`))
		f.Add(kind, "", []byte("--BB\r\nContent-Disposition: form-data; name=\"a[b]\"\r\n\r\nv\r\n--BB--"))
	}
	w := &Webhook{Node: &workflow.Node{TypeVersion: 2, Parameters: &workflow.Object{}}}
	f.Fuzz(func(t *testing.T, kind, query string, body []byte) {
		item, refused := w.WebhookItem(workflow.WebhookCall{Query: query, Headers: [][2]string{{"content-type", kind}}, Body: body}, "", nil)
		if (item == nil) == (refused == nil) {
			t.Fatal("neither an item nor a refusal, or both")
		}
		if item != nil {
			if _, err := item.JSON.MarshalJSON(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
