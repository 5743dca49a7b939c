package app

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"flowgate/internal/engine"
	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Catalogue is the node registry as the service sees it.
type Catalogue struct {
	registry *node.Registry
	types    []workflow.NodeType
	runner   *engine.Engine
}

func newCatalogue(r *node.Registry) *Catalogue {
	return &Catalogue{registry: r, types: r.Catalogue()}
}

// NodeTypes returns every node type. The slice must not be changed.
func (c *Catalogue) NodeTypes() []workflow.NodeType { return c.types }

// typePrefix begins the names of the format's core node types.
const typePrefix = "n8n-nodes-base."

// Near returns the names of types that resemble name.
func (c *Catalogue) Near(name string) []string { return c.registry.Near(name) }

// Validate judges a document as it would be saved.
func (c *Catalogue) Validate(doc *workflow.Document) workflow.Validation {
	return node.ValidateDocument(doc, c.registry, node.ValidateOptions{})
}

// Preview evaluates an expression.
func (c *Catalogue) Preview(ctx context.Context, owner string, p service.Preview) (json.RawMessage, error) {
	return c.runner.Preview(ctx, engine.Preview{Owner: owner, Workflow: p.Workflow, Node: p.Node, Text: p.Text, Runs: p.Runs, Items: p.Items, Item: p.Item, Files: p.Files})
}

// ValidateFor judges it for somebody who has those credentials of which has
// says so.
func (c *Catalogue) ValidateFor(doc *workflow.Document, has func(kind string, ref workflow.CredentialRef) bool) workflow.Validation {
	return node.ValidateDocument(doc, c.registry, node.ValidateOptions{HasCredential: has})
}

// Normalize fills in what a document leaves out.
func (c *Catalogue) Normalize(doc *workflow.Document) {
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		if !strings.Contains(n.Type, ".") && c.registry.Lookup(n.Type) == nil && c.registry.Lookup(typePrefix+n.Type) != nil {
			n.Type = typePrefix + n.Type // models write "set" for short
		}
	}
	workflow.Normalize(doc, func(nodeType string) float64 {
		if t := c.registry.Lookup(nodeType); t != nil {
			return t.Newest()
		}
		return 1
	})
}

// Webhooks lists what activation has to arm.
func (c *Catalogue) Webhooks(doc *workflow.Document) []workflow.WebhookTrigger {
	return node.Webhooks(doc)
}

// Webhook makes a webhook trigger of a document ready to take calls.
func (c *Catalogue) Webhook(ctx context.Context, doc *workflow.Document, name string) (service.Webhook, error) {
	n := doc.NodeByName(name)
	if n != nil && slices.ContainsFunc(node.Forms(ctx, doc), func(f node.FormTrigger) bool { return f.Node == name }) {
		return nil, workflow.Errorf(workflow.CodeNotFound, "a form is filled in at its own address, below /form/")
	}
	if n == nil {
		return nil, workflow.Errorf(workflow.CodeConflict, "the workflow changed, and its webhook is no longer there; activate it again")
	}
	w, err := node.ReadWebhook(ctx, n, nil)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeUnrunnable, err, "the webhook cannot take calls: "+err.Error())
	}
	return webhook{w}, nil
}

// Schedules lists what starts the document by the clock.
func (c *Catalogue) Schedules(doc *workflow.Document, now time.Time) ([]store.Schedule, error) {
	return c.runner.Schedules(doc, now)
}

// Forms lists the forms that start the document.
func (c *Catalogue) Forms(ctx context.Context, doc *workflow.Document) []service.Form {
	var out []service.Form
	for _, f := range node.Forms(ctx, doc) {
		out = append(out, service.Form(f))
	}
	return out
}

// FormItem is what a form's trigger puts out for an answer.
func (c *Catalogue) FormItem(doc *workflow.Document, asked json.RawMessage, answer *workflow.Object, at time.Time, mode string) (*workflow.Item, error) {
	return node.FormItem(asked, answer, at, mode, c.runner.Location(doc))
}

// WaitWebhook makes a waiting node, written as a webhook, ready to be called.
func (c *Catalogue) WaitWebhook(ctx context.Context, n *workflow.Node) (service.Webhook, error) {
	w, err := node.ReadWebhook(ctx, n, nil)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeUnrunnable, err, "the wait cannot take calls: "+err.Error())
	}
	return webhook{w}, nil
}

// NoWebhook is the answer where no webhook takes the call.
func (c *Catalogue) NoWebhook(method, path string, methods []string) workflow.Response {
	return node.NoWebhook(method, path, methods)
}

// webhook is a webhook node as the service sees it.
type webhook struct{ *node.Webhook }

// Answer is the response of an execution that ended without one.
func (w webhook) Answer(status workflow.Status, items []workflow.Item) workflow.Response {
	return w.Webhook.Answer(node.WebhookOutcome{Status: status, Items: items})
}

// agentEngine is the manager as the agent's server sees it.
type agentEngine struct {
	*engine.Manager
	catalogue *Catalogue
}

// Validate looks at a document; it is the same for every owner.
func (a agentEngine) Validate(_ context.Context, _ string, doc *workflow.Document) (workflow.Validation, error) {
	return a.catalogue.Validate(doc), nil
}

// NodeTypes returns the catalogue.
func (a agentEngine) NodeTypes(context.Context) ([]workflow.NodeType, error) {
	return a.catalogue.NodeTypes(), nil
}

// codeRunner runs code nodes in worker processes.
type codeRunner struct{ pool *expr.WorkerPool }

// RunCode runs user JavaScript with what the running node can see.
func (c codeRunner) RunCode(ctx context.Context, scope *expr.Scope, req node.CodeRequest) (node.CodeResult, error) {
	res, err := c.pool.Code(ctx, scope, expr.CodeRequest{Source: req.Source, Mode: req.Mode, Index: req.Index, Items: req.Items})
	return node.CodeResult{Value: res.Value, Undefined: res.Undefined, Console: res.Console}, err
}

// Documents is the service without an agent: enough to save and judge
// documents, for commands that run nothing.
type Documents struct {
	*service.Service
	engine *Engine
}

// openLook returns the service over the core's store without an agent, its
// calls in the audit log.
func (c *Core) openLook(e *Engine) (*service.Service, error) {
	o := service.Options{Store: c.Store, Catalogue: e.Catalogue, Schedules: c.schedules(), Vault: c.Vault, TestHooks: c.TestHooks, PublicURL: c.PublicURL(),
		Logger: c.Log, Metrics: c.Metrics, Tracer: c.Tracer}
	if c.Audit != nil { // a nil pointer in an interface is not nil
		o.Audit = c.Audit
	}
	return service.New(o)
}

// OpenDocuments returns the service over the core's store. The caller closes it.
func (c *Core) OpenDocuments() (*Documents, error) {
	e, err := OpenEngine(c.Config, c.Log)
	if err != nil {
		return nil, err
	}
	svc, err := service.New(service.Options{Store: c.Store, Catalogue: e.Catalogue, Schedules: c.schedules(), Vault: c.Vault, TestHooks: c.TestHooks, PublicURL: c.PublicURL(), Logger: c.Log})
	if err != nil {
		e.Close()
		return nil, err
	}
	return &Documents{Service: svc, engine: e}, nil
}

// Close ends the engine's processes.
func (d *Documents) Close() { d.engine.Close() }
