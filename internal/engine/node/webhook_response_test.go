package node

import (
	"encoding/json"
	"fmt"
	"testing"

	"flowgate/internal/workflow"
)

func responseText(r workflow.Response) string {
	kind := ""
	for _, h := range r.Headers {
		if h[0] == "Content-Type" {
			kind = h[1]
		}
	}
	return fmt.Sprintf("%d %s | %s", r.Status, kind, r.Body)
}

const (
	asJSON = "application/json; charset=utf-8"
	asHTML = "text/html; charset=utf-8"
)

func TestWebhookReceived(t *testing.T) {
	t.Parallel()
	cases := []struct {
		version      float64
		params, want string
	}{
		{2, `{}`, `200 ` + asJSON + ` | {"message":"Workflow was started"}`},
		{2, `{"options":{"responseData":"custom {{ 1 }}","responseCode":{"values":{"responseCode":202}}}}`, `202 ` + asHTML + ` | custom {{ 1 }}`},
		{2, `{"options":{"noResponseBody":true,"responseCode":{"values":{"responseCode":"customCode","customCode":299}}}}`, `299 ` + asJSON + ` | `},
		{1, `{"responseCode":201}`, `201 ` + asJSON + ` | {"message":"Workflow was started"}`},
		{2, `{"options":{"responseHeaders":{"entries":[{"name":"content-type","value":"text/csv"},{"name":"Set-Cookie","value":"a=b"},{"name":"bad name","value":"x"}]}}}`, `200 text/csv; charset=utf-8 | {"message":"Workflow was started"}`},
	}
	for _, c := range cases {
		r := hookOf(t, c.version, c.params).Received()
		if got := responseText(r); got != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
		for _, h := range r.Headers {
			if h[0] == "Set-Cookie" || h[0] == "bad name" {
				t.Errorf("header %q was set", h[0])
			}
		}
	}
}

func TestWebhookAnswer(t *testing.T) {
	t.Parallel()
	items := []workflow.Item{{JSON: workflow.NewObject("i", 1.0, "s", "x")}, {JSON: workflow.NewObject("i", 2.0)}}
	file := []workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{"data": newBinary([]byte("PDF!"), "application/pdf", "x.pdf")}}}
	cases := []struct {
		params string
		out    WebhookOutcome
		want   string
	}{
		{`{"responseMode":"lastNode"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `200 ` + asJSON + ` | {"i":1,"s":"x"}`},
		{`{"responseMode":"lastNode","responseData":"allEntries"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items[1:]}, `200 ` + asJSON + ` | [{"i":2}]`},
		{`{"responseMode":"lastNode","responseData":"noData"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `200 ` + asJSON + ` | `},
		{`{"responseMode":"lastNode","options":{"responsePropertyName":"i","responseContentType":"text/plain"}}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `200 text/plain; charset=utf-8 | 1`},
		{`{"responseMode":"lastNode","options":{"responsePropertyName":"s"}}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `200 ` + asHTML + ` | x`},
		{`{"responseMode":"lastNode","responseData":"firstEntryBinary"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: file}, `200 application/pdf | PDF!`},
		{`{"responseMode":"lastNode","responseData":"firstEntryBinary"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `500 ` + asJSON + ` | {"code":0,"message":"The last node's first item has no file to answer with"}`},
		{`{"responseMode":"lastNode"}`, WebhookOutcome{Status: workflow.StatusSuccess}, `500 ` + asJSON + ` | {"code":0,"message":"The last node gave no item to answer with"}`},
		{`{"responseMode":"lastNode"}`, WebhookOutcome{Status: workflow.StatusError, Items: items}, `500 ` + asJSON + ` | {"message":"Error in workflow"}`},
		{`{"responseMode":"responseNode"}`, WebhookOutcome{Status: workflow.StatusSuccess, Items: items}, `200  | `},
		{`{"responseMode":"responseNode"}`, WebhookOutcome{Status: workflow.StatusTimeout}, `500 ` + asJSON + ` | {"message":"Error in workflow"}`},
	}
	for _, c := range cases {
		if got := responseText(hookOf(t, 2, c.params).Answer(c.out)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
	}
}

func TestWebhookMisfit(t *testing.T) {
	t.Parallel()
	const chain = `{"nodes":[{"name":"W","type":"n8n-nodes-base.webhook","typeVersion":2,"parameters":{"responseMode":%q}},{"name":"A","type":"n8n-nodes-base.set"},{"name":"R","type":%q}],
		"connections":{"W":{"main":[[{"node":"A","type":"main","index":0}]]},"A":{"main":[null,[{"node":"R","type":"main","index":0},{"node":"W","type":"main","index":0}]]}}}`
	for _, c := range []struct {
		mode, last string
		misfit     bool
	}{
		{"responseNode", respondName, false}, {"responseNode", "n8n-nodes-base.noOp", true},
		{"lastNode", respondName, true}, {"onReceived", respondName, true}, {"lastNode", "n8n-nodes-base.noOp", false},
	} {
		d := &workflow.Document{}
		if err := json.Unmarshal(fmt.Appendf(nil, chain, c.mode, c.last), d); err != nil {
			t.Fatal(err)
		}
		w, err := ReadWebhook(t.Context(), &d.Nodes[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		r := w.Misfit(d)
		if (r != nil) != c.misfit || r != nil && r.Status != 500 {
			t.Errorf("%s with %s: %v, want a misfit %v", c.mode, c.last, r, c.misfit)
		}
	}
}

func TestNoWebhook(t *testing.T) {
	t.Parallel()
	if got := NoWebhook("POST", "mm", []string{"GET", "PUT"}); got.Status != 404 {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	cases := []struct {
		version      float64
		params, want string
	}{
		{1.4, `{}`, `200 ` + asJSON + ` | {"n":5}`},
		{1.4, `{"options":{"responseKey":"a.b"}}`, `200 ` + asJSON + ` | {"a":{"b":{"n":5}}}`},
		{1.4, `{"respondWith":"allIncomingItems"}`, `200 ` + asJSON + ` | [{"n":5},{"n":6}]`},
		{1.4, `{"respondWith":"allIncomingItems","options":{"responseKey":"data"}}`, `200 ` + asJSON + ` | {"data":[{"n":5},{"n":6}]}`},
		{1.4, `{"respondWith":"json","responseBody":"={ \"n\": {{ $json.n }} }"}`, `200 ` + asJSON + ` | {"n":5}`},
		{1.4, `{"respondWith":"json","responseBody":"={{ { n: $json.n } }}"}`, `200 ` + asJSON + ` | {"n":5}`},
		{1, `{"respondWith":"json","responseBody":"={{ $json }}","options":{"responseCode":418}}`, `418 ` + asJSON + ` | {"n":5}`},
		{1.4, `{"respondWith":"text","responseBody":"got"}`, `200 ` + asHTML + ` | got`},
		{1.4, `{"respondWith":"text","responseBody":"<b>x</b>","options":{"responseHeaders":{"entries":[{"name":"content-type","value":"text/html"}]}}}`, `200 ` + asHTML + ` | <b>x</b>`},
		{1.4, `{"respondWith":"noData"}`, `200 ` + asJSON + ` | `},
		{1.4, `{"respondWith":"redirect","redirectURL":"http://x/y"}`, `307 ` + asJSON + ` | `},
		{1.4, `{"respondWith":"binary"}`, `200 application/pdf | PDF!`},
		{1.4, `{"respondWith":"binary","responseDataSource":"set","inputFieldName":"f"}`, `200 application/pdf | PDF!`},
	}
	for _, c := range cases {
		host := newHTTPHost()
		call := callFor(t, respondToWebhook(), c.version, c.params, host, `{"n":5}`, `{"n":6}`)
		call.Inputs[0][0].Binary = map[string]*workflow.Binary{"f": newBinary([]byte("PDF!"), "application/pdf", "x.pdf")}
		out, err := runRespond(t.Context(), call)
		if err != nil {
			t.Errorf("%s: %v", c.params, err)
			continue
		}
		if got := responseText(*host.response); got != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
		if got := itemsText(t, out.Main[0]); got != `[{"n":5},{"n":6}]` {
			t.Errorf("handed on %s", got)
		}
	}
}

func TestRespondFailures(t *testing.T) {
	t.Parallel()
	for _, params := range []string{
		`{"respondWith":"json","responseBody":"={ \"n\": }"}`, `{"respondWith":"redirect"}`, `{"respondWith":"binary"}`,
		`{"respondWith":"jwt","payload":"x"}`, `{"respondWith":"jwt","payload":"{}"}`,
	} {
		if _, err := runRespond(t.Context(), callFor(t, respondToWebhook(), 1.4, params, newHTTPHost(), `{"n":5}`)); err == nil {
			t.Errorf("%s: no failure", params)
		}
	}
}

func TestRespondWithToken(t *testing.T) {
	t.Parallel()
	host := newHTTPHost()
	host.secrets = map[string]map[string]string{"jwtAuth": {"secret": "k"}}
	c := callFor(t, respondToWebhook(), 1.4, `{"respondWith":"jwt","payload":"={{ {sub:$json.n} }}"}`, host, `{"n":"me"}`)
	if _, err := runRespond(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var body struct{ Token string }
	_ = json.Unmarshal(host.response.Body, &body)
	w := hookOf(t, 2, `{"authentication":"jwtAuth"}`)
	claims, refused := w.Admit(workflow.WebhookCall{Headers: [][2]string{{"authorization", "Bearer " + body.Token}}}, host.secrets["jwtAuth"])
	if refused != nil || claims.Value("sub") != "me" {
		t.Errorf("the token does not open the door: %v", refused)
	}
}

func TestRespondOutput(t *testing.T) {
	t.Parallel()
	host := newHTTPHost()
	host.nobody = true
	c := callFor(t, respondToWebhook(), 1.4, `{"respondWith":"json","responseBody":"{\"a\":1}","options":{"enableResponseOutput":true}}`, host, `{"n":5}`)
	out, err := runRespond(t.Context(), c)
	if err != nil || len(out.Main) != 2 || len(out.Hints) != 1 {
		t.Fatalf("output = %+v, %v", out, err)
	}
	if got := itemsText(t, out.Main[1]); got != `[{"response":{"body":{"a":1},"headers":{"Content-Type":"application/json; charset=utf-8"},"statusCode":200}}]` {
		t.Errorf("response output = %s", got)
	}
}
