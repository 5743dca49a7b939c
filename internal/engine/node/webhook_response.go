package node

import (
	"net/http"
	"strings"

	"flowgate/internal/workflow"
)

// WebhookOutcome is how an execution that a webhook started has ended.
type WebhookOutcome struct {
	Status workflow.Status
	// Items are what the last node put out, by its first output that has any.
	Items []workflow.Item
}

// Waits reports whether the caller is to wait for the execution.
func (w *Webhook) Waits() bool { return w.Params.ResponseMode != "onReceived" }

// Misfit returns the response for calls of a webhook whose answer the document
// cannot give, nil where it can: mode responseNode without a Respond to
// Webhook node behind the trigger, or such a node in another mode.
func (w *Webhook) Misfit(d *workflow.Document) *workflow.Response {
	reaches := reachesRespond(d, w.Node.Name)
	switch mode := w.Params.ResponseMode; {
	case mode == "responseNode" && !reaches:
		return failed("No Respond to Webhook node is connected behind the webhook. Add one, or choose another responseMode")
	case mode != "responseNode" && mode != "streaming" && reaches:
		return failed("The workflow has a Respond to Webhook node, but the webhook's responseMode is " + mode + ". Set it to responseNode, or remove the node")
	}
	return nil
}

func reachesRespond(d *workflow.Document, from string) bool {
	return reaches(d, from, isRespond)
}

func isRespond(n *workflow.Node) bool { return n.Type == respondName }

// reaches reports whether an enabled node that fits lies behind a node of d.
func reaches(d *workflow.Document, from string, fits func(*workflow.Node) bool) bool {
	if d == nil {
		return false
	}
	seen, queue := map[string]bool{from: true}, []string{from}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, targets := range d.Connections.MainOutputs(name) {
			for _, t := range targets {
				n := d.NodeByName(t.Node)
				if n == nil || seen[t.Node] && t.Node != from {
					continue
				}
				if !n.Disabled && fits(n) {
					return true
				}
				if !seen[t.Node] {
					seen[t.Node] = true
					queue = append(queue, t.Node)
				}
			}
		}
	}
	return false
}

// Received is the answer of a webhook in mode onReceived: the workflow has
// started, nothing is known yet.
func (w *Webhook) Received() workflow.Response {
	o := w.Params.Options
	r := &workflow.Response{Status: w.status()}
	switch data := o.ResponseData.(type) {
	case nil:
		r = jsonResponse(r.Status, workflow.NewObject("message", "Workflow was started"))
	case string:
		r = textResponse(r.Status, data)
		if data == "" {
			r = jsonResponse(r.Status, workflow.NewObject("message", "Workflow was started"))
		}
	default:
		r = jsonResponse(r.Status, data)
	}
	if o.NoResponseBody {
		r.Body = nil
	}
	return *w.withHeaders(r)
}

// Answer is the response of a webhook that waited, from how the execution
// ended. It must not be given where a node has responded.
func (w *Webhook) Answer(o WebhookOutcome) workflow.Response {
	if o.Status != workflow.StatusSuccess {
		return *jsonResponse(http.StatusInternalServerError, workflow.NewObject("message", "Error in workflow"))
	}
	if w.Params.ResponseMode != "lastNode" {
		return workflow.Response{Status: http.StatusOK}
	}
	r := w.lastNode(o.Items)
	if r.Status >= 500 {
		return *r
	}
	return *w.withHeaders(r)
}

func (w *Webhook) lastNode(items []workflow.Item) *workflow.Response {
	status := w.status()
	switch w.Params.ResponseData {
	case "noData":
		r := jsonResponse(status, nil)
		r.Body = nil
		return r
	case "allEntries":
		list := make([]any, len(items))
		for i := range items {
			list[i] = items[i].JSON
		}
		return jsonResponse(status, list)
	}
	if len(items) == 0 {
		return failed("The last node gave no item to answer with")
	}
	if w.Params.ResponseData == "firstEntryBinary" {
		b := items[0].Binary[orText(w.Params.ResponseFile, "data")]
		if b == nil {
			return failed("The last node's first item has no file to answer with")
		}
		return fileResponse(status, b)
	}
	return w.firstJSON(status, items[0].JSON)
}

func (w *Webhook) firstJSON(status int, o *workflow.Object) *workflow.Response {
	var v any = o
	if p := w.Params.Options.Property; p != "" {
		v, _ = lookup(o, p, true)
	}
	text, isText := v.(string)
	kind := strings.TrimSpace(w.Params.Options.ContentType)
	switch {
	case kind != "" && !isText:
		r := jsonResponse(status, v)
		r.Headers = [][2]string{{"Content-Type", withCharset(kind)}}
		return r
	case kind != "":
		return &workflow.Response{Status: status, Headers: [][2]string{{"Content-Type", withCharset(kind)}}, Body: []byte(text)}
	case isText:
		return textResponse(status, text)
	}
	return jsonResponse(status, v)
}

// status is the status the node asks for, 200 where it asks for none.
func (w *Webhook) status() int {
	values := w.Params.Options.ResponseCode.Values
	code, custom := values.Code, values.Custom
	if code == nil && w.Node.TypeVersion < 2 {
		code = w.Params.ResponseCode
	}
	if code == "customCode" {
		code = custom
	}
	return statusOr(code, http.StatusOK)
}

func statusOr(v any, or int) int {
	if f, ok := numberOf(v); ok && f >= 200 && f <= 599 {
		return int(f)
	}
	return or
}

func (w *Webhook) withHeaders(r *workflow.Response) *workflow.Response {
	applyHeaders(r, w.Params.Options.ResponseHeaders.Entries, w.Params.ResponseData != "firstEntryBinary")
	return r
}

// NoWebhook is the answer to a call that no webhook takes. methods are those
// the path is taken with, if any.
func NoWebhook(method, path string, methods []string) workflow.Response {
	message, hint := "No active webhook takes calls at "+clip(path, 200), "Activate the workflow, and check the path."
	if len(methods) > 0 {
		message = "The webhook at " + clip(path, 200) + " does not take " + clip(method, 20) + " requests"
		hint = "It takes " + strings.Join(methods, " and ") + "."
	}
	return *jsonResponse(http.StatusNotFound, workflow.NewObject("code", 404.0, "message", message, "hint", hint))
}

func failed(message string) *workflow.Response {
	return jsonResponse(http.StatusInternalServerError, workflow.NewObject("code", 0.0, "message", message))
}
