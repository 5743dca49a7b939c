package node

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
)

const webhookName = "n8n-nodes-base.webhook"

// WebhookParams are the parameters of Webhook nodes of every version.
type WebhookParams struct {
	Multiple       bool           `json:"multipleMethods" doc:"Take several methods; each gets an output of its own, in the order of httpMethod."`
	Methods        FieldList      `json:"httpMethod" default:"GET" doc:"Method to take, or a list of methods with multipleMethods."`
	Path           string         `json:"path" doc:"Path below /webhook/. Segments such as :id become params; such a path is prefixed with the node's webhookId." example:"orders"`
	Authentication string         `json:"authentication" default:"none" enum:"none,basicAuth,headerAuth,jwtAuth" doc:"What callers must show; the credential is named in the node's credentials."`
	ResponseMode   string         `json:"responseMode" default:"onReceived" enum:"onReceived,lastNode,responseNode,streaming" doc:"When the caller is answered: at once, with what the last node gives, or by a Respond to Webhook node."`
	ResponseCode   any            `json:"responseCode" default:"200" show:"@version<2" doc:"Status of the answer."`
	ResponseData   string         `json:"responseData" default:"firstEntryJson" enum:"firstEntryJson,allEntries,firstEntryBinary,noData" show:"responseMode=lastNode" doc:"What of the last node's items is the answer."`
	ResponseFile   string         `json:"responseBinaryPropertyName" default:"data" show:"responseMode=lastNode" doc:"For firstEntryBinary: name of the file."`
	Options        WebhookOptions `json:"options" doc:"Further settings."`
}

// WebhookOptions are the options of Webhook nodes.
type WebhookOptions struct {
	AllowedOrigins string `json:"allowedOrigins" doc:"Origins whose pages may call from a browser, with commas; * for all, which is the default."`
	BinaryData     bool   `json:"binaryData" doc:"Take the whole body as a file."`
	BinaryProperty string `json:"binaryPropertyName" doc:"Name of the file in the item; data where it is empty."`
	IgnoreBots     bool   `json:"ignoreBots" doc:"Refuse crawlers and link previews."`
	IPWhitelist    string `json:"ipWhitelist" doc:"Addresses or ranges (10.0.0.0/8) that may call, with commas."`
	NoResponseBody bool   `json:"noResponseBody" doc:"With onReceived: answer without a body."`
	RawBody        bool   `json:"rawBody" doc:"Keep the body as it came as a file named data, too."`
	ResponseCode   struct {
		Values struct {
			Code   any `json:"responseCode"`
			Custom any `json:"customCode"`
		} `json:"values"`
	} `json:"responseCode" doc:"Status of the answer."`
	ResponseData    any             `json:"responseData" doc:"With onReceived: the body of the answer."`
	ContentType     string          `json:"responseContentType" doc:"With firstEntryJson: content type of the answer."`
	ResponseHeaders ResponseHeaders `json:"responseHeaders" doc:"Headers of the answer."`
	Property        string          `json:"responsePropertyName" doc:"With firstEntryJson: the one field that is the answer."`
}

// ResponseHeaders wraps the headers of an answer as documents write them.
type ResponseHeaders struct {
	Entries []HTTPField `json:"entries" doc:"The headers."`
}

// webhook starts a workflow when its address is called.
func webhook() *Type {
	return &Type{
		Name: webhookName, DisplayName: "Webhook", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow when somebody calls its address. Gives one item {headers, params, query, body, webhookUrl, executionMode}; uploaded files become binary data.",
		Versions:    []float64{1, 1.1, 2, 2.1}, Trigger: true, Params: WebhookParams{},
		Credentials: []string{"httpBasicAuth", "httpHeaderAuth", "jwtAuth"},
		Docs: "Active workflows are reached at /webhook/<path>. responseMode responseNode needs a Respond to Webhook node behind the trigger. " +
			"JSON, form, XML and plain text bodies are parsed into body; parts of multipart forms that are files, and bodies of other types, become binary data.",
		Examples: []workflow.NodeExample{
			example("Take an order", webhookName, 2, `{"path":"orders","httpMethod":"POST","responseMode":"onReceived","options":{}}`),
			example("Answer with the result", webhookName, 2, `{"path":"search","httpMethod":"GET","responseMode":"lastNode","responseData":"allEntries","options":{}}`),
			example("Answer by a node", webhookName, 2, `{"path":"ask","httpMethod":"POST","responseMode":"responseNode","authentication":"headerAuth","options":{}}`),
		},
		Outputs: webhookOutputs,
		Check:   checkWebhook,
		Run:     runWebhook,
	}
}

// runWebhook puts out the items the execution was started with, by the output
// that has the number of the input they are given on.
func runWebhook(ctx context.Context, c *Call) (Output, error) {
	for i, items := range c.Inputs {
		if i > 0 && len(items) > 0 {
			main := make([][]workflow.Item, i+1)
			main[i] = items
			return Output{Main: main}, nil
		}
	}
	return runTrigger(ctx, c)
}

func webhookOutputs(n *workflow.Node) []workflow.Port {
	methods := webhookMethods(n)
	if len(methods) < 2 {
		return mainPorts("output")
	}
	return mainPorts(methods...)
}

// webhookMethods are the methods a node takes, in upper case, one per output.
func webhookMethods(n *workflow.Node) []string {
	var list FieldList
	if !list.fromRaw(n.Parameters.Value("httpMethod")) || len(list) == 0 {
		list = FieldList{"GET"}
	}
	if many, _ := boolOf(n.Parameters.Value("multipleMethods")); !many {
		list = list[:1]
	}
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = strings.ToUpper(m)
	}
	return out
}

func checkWebhook(n *workflow.Node) []workflow.Finding {
	var out []workflow.Finding
	for _, m := range webhookMethods(n) {
		switch m {
		case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
		default:
			out = append(out, workflow.Finding{
				Code: "bad_parameter", Node: n.Name, Path: "parameters.httpMethod",
				Message: "Webhook " + n.Name + " takes the method " + describe(m) + ", which no caller can send.",
				Hint:    "Use GET, POST, PUT, PATCH, DELETE or HEAD.",
			})
		}
	}
	if isExpression(n.Parameters.Value("path")) {
		out = append(out, workflow.Finding{
			Code: "bad_parameter", Node: n.Name, Path: "parameters.path",
			Message: "The path of webhook " + n.Name + " is an expression, but it must be known before the workflow runs.",
			Hint:    "Write the path out; use a segment such as :id for what changes from call to call.",
		})
	}
	return out
}
