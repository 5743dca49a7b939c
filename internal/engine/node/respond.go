package node

import (
	"context"
	"net/http"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

const respondName = "n8n-nodes-base.respondToWebhook"

// RespondParams are the parameters of Respond to Webhook nodes.
type RespondParams struct {
	RespondWith  string         `json:"respondWith" default:"firstIncomingItem" enum:"firstIncomingItem,allIncomingItems,json,text,binary,noData,redirect,jwt" doc:"What the answer is."`
	RedirectURL  string         `json:"redirectURL" show:"respondWith=redirect" doc:"Where callers are sent." example:"https://example.com/thanks"`
	ResponseBody any            `json:"responseBody" show:"respondWith=json|text" hint:"multiline" doc:"The body: JSON text or an object, or any text."`
	Payload      any            `json:"payload" show:"respondWith=jwt" hint:"json" doc:"Claims of the token that is given."`
	FileSource   string         `json:"responseDataSource" default:"automatically" enum:"automatically,set" show:"respondWith=binary" doc:"Which file: the item's first, or the one named."`
	FileName     string         `json:"inputFieldName" show:"respondWith=binary&responseDataSource=set" doc:"Name of the item's file."`
	EnableOutput bool           `json:"enableResponseOutput" doc:"Give the response on a second output, too."`
	Options      RespondOptions `json:"options" doc:"Further settings."`
}

// RespondOptions are the options of Respond to Webhook nodes.
type RespondOptions struct {
	Code         any             `json:"responseCode" doc:"Status of the answer; 200 where it is empty, 307 for a redirect."`
	Headers      ResponseHeaders `json:"responseHeaders" doc:"Headers of the answer."`
	Key          string          `json:"responseKey" doc:"Put the item or the items under this key."`
	EnableOutput bool            `json:"enableResponseOutput" doc:"Give the response on a second output, too."`
	Streaming    bool            `json:"enableStreaming" doc:"Accepted; answers are given whole."`
}

// respondToWebhook answers the caller that waits.
func respondToWebhook() *Type {
	return &Type{
		Name: respondName, DisplayName: "Respond to Webhook", Category: workflow.CategoryAction,
		Description: "Answers the HTTP caller that started the workflow through a Webhook node in responseMode responseNode. Hands its input on.",
		Versions:    []float64{1, 1.1, 1.2, 1.3, 1.4, 1.5}, Params: RespondParams{},
		Credentials: []string{"jwtAuth"},
		Docs:        "Only the first answer of an execution counts. It is made from the first item; allIncomingItems takes all. The workflow goes on after it.",
		Examples: []workflow.NodeExample{
			example("Answer with JSON", respondName, 1.4, `{"respondWith":"json","responseBody":"={{ { ok: true, id: $json.id } }}","options":{"responseCode":201}}`),
			example("Answer with a page", respondName, 1.4, `{"respondWith":"text","responseBody":"<h1>Thank you</h1>","options":{"responseHeaders":{"entries":[{"name":"Content-Type","value":"text/html"}]}}}`),
			example("Answer with all items", respondName, 1.4, `{"respondWith":"allIncomingItems","options":{"responseKey":"items"}}`),
		},
		Outputs: func(n *workflow.Node) []workflow.Port {
			if respondOutput(n) {
				return mainPorts("input", "response")
			}
			return mainPorts("output")
		},
		Run: runRespond,
	}
}

func respondOutput(n *workflow.Node) bool {
	on, _ := boolOf(n.Parameters.Value("enableResponseOutput"))
	if o, ok := n.Parameters.Value("options").(*workflow.Object); ok && !on {
		on, _ = boolOf(o.Value("enableResponseOutput"))
	}
	return on
}

func runRespond(ctx context.Context, c *Call) (Output, error) {
	items := passed(c.Items())
	if len(items) == 0 {
		return Items(nil), nil
	}
	p, err := Bind[RespondParams](ctx, c, 0)
	if err != nil {
		return Output{}, AtItem(err, 0)
	}
	r, err := p.response(ctx, c)
	if err != nil {
		return Output{}, AtItem(err, 0)
	}
	answered, err := c.Host.Respond(ctx, *r)
	if err != nil {
		return Output{}, err
	}
	out := Items(items)
	if !answered {
		out.Hints = []string{"Nobody waited for this answer: the execution was not started by a call to a webhook in responseMode responseNode."}
	}
	if respondOutput(c.Node) {
		out.Main = append(out.Main, []workflow.Item{{JSON: shownResponse(r), Paired: workflow.PairedTo(0)}})
	}
	return out, nil
}

// response makes the answer from the first item, or from all.
func (p *RespondParams) response(ctx context.Context, c *Call) (*workflow.Response, error) {
	status, text := statusOr(p.Options.Code, http.StatusOK), true
	var r *workflow.Response
	switch p.RespondWith {
	case "noData":
		r = jsonResponse(status, nil)
		r.Body = nil
	case "redirect":
		if p.RedirectURL == "" {
			return nil, Fail("Parameter \"redirectURL\" is empty: name the address callers are sent to.")
		}
		r = jsonResponse(statusOr(p.Options.Code, http.StatusTemporaryRedirect), nil)
		r.Body = nil
		setResponseHeader(r, "Location", p.RedirectURL)
	case "text":
		r = textResponse(status, textOf(p.ResponseBody))
	case "binary":
		text = false
		b, err := p.file(c.Items()[0])
		if err != nil {
			return nil, err
		}
		r = fileResponse(status, b)
	default:
		v, err := p.value(ctx, c)
		if err != nil {
			return nil, err
		}
		r = jsonResponse(status, v)
	}
	applyHeaders(r, p.Options.Headers.Entries, text)
	return r, nil
}

// value is the answer as JSON.
func (p *RespondParams) value(ctx context.Context, c *Call) (any, error) {
	items := c.Items()
	switch p.RespondWith {
	case "allIncomingItems":
		list := make([]any, len(items))
		for i := range items {
			list[i] = items[i].JSON
		}
		return p.keyed(list), nil
	case "json":
		text, ok := p.ResponseBody.(string)
		if !ok {
			return p.ResponseBody, nil
		}
		v, err := workflow.DecodeJSON([]byte(text))
		if err != nil {
			return nil, Fail("Parameter \"responseBody\" is not valid JSON: %s. Mend it, or respond with text.", err)
		}
		return v, nil
	case "jwt":
		token, err := p.token(ctx, c)
		return workflow.NewObject("token", token), err
	}
	return p.keyed(items[0].JSON), nil
}

func (p *RespondParams) keyed(v any) any {
	if p.Options.Key == "" {
		return v
	}
	o := &workflow.Object{}
	assign(o, p.Options.Key, v, true)
	return o
}

// token signs the payload with the node's jwtAuth credential.
func (p *RespondParams) token(ctx context.Context, c *Call) (string, error) {
	claims, ok := parsed(p.Payload).(*workflow.Object)
	if !ok {
		return "", Fail("Parameter \"payload\" must be a JSON object, but it is %s.", describe(p.Payload))
	}
	fields, err := c.Host.Credential(ctx, "jwtAuth")
	if err != nil {
		return "", err
	}
	method := jwt.GetSigningMethod(jwtAlgorithm(fields))
	if method == nil || method.Alg() == "none" {
		return "", Fail("The JWT credential's algorithm %q is not known. Edit the credential.", jwtAlgorithm(fields))
	}
	key, err := jwtKey(fields, true)
	if err != nil {
		return "", err
	}
	m := jwt.MapClaims{}
	for i := range claims.Len() {
		k, v := claims.At(i)
		m[k] = v
	}
	if _, there := m["iat"]; !there {
		m["iat"] = c.Host.Now().Unix()
	}
	token, err := jwt.NewWithClaims(method, m).SignedString(key)
	if err != nil {
		return "", Fail("The token could not be signed: check the JWT credential's key and algorithm.")
	}
	return token, nil
}

// file is the file to answer with.
func (p *RespondParams) file(in workflow.Item) (*workflow.Binary, error) {
	name := p.FileName
	if p.FileSource != "set" {
		name = firstFile(in)
	}
	b, _, err := itemFile(in, name, "inputFieldName")
	return b, err
}

// shownResponse is a response as the second output gives it.
func shownResponse(r *workflow.Response) *workflow.Object {
	headers := &workflow.Object{}
	for _, h := range r.Headers {
		headers.Set(h[0], h[1])
	}
	var body any = string(r.Body)
	if v, err := workflow.DecodeJSON(r.Body); err == nil {
		body = v
	}
	return workflow.NewObject("response", workflow.NewObject("body", body, "headers", headers, "statusCode", float64(r.Status)))
}
