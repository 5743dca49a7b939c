package mcp

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

//go:embed guide.md
var guide string

const (
	guideURI        = "guide://workflow-format"
	markdownType    = "text/markdown"
	executionScheme = "execution://"
	jsonType        = "application/json"
)

// resource is a kind of resource: what its addresses begin with, and the
// capability that reads it, whose rules are the resource's.
type resource struct {
	scheme, template   string
	name, title, about string
	capability         string
	arguments          func(id string) map[string]any
}

func resources() []resource {
	return []resource{
		{scheme: "workflow://", template: "workflow://{workflow_id}", name: "workflow", title: "A workflow", capability: "get_workflow",
			about:     "A workflow's newest version: nodes, connections, settings, and how it is started.",
			arguments: func(id string) map[string]any { return map[string]any{"workflow_id": id} }},
		{scheme: executionScheme, template: "execution://{execution_id}", name: "execution", title: "An execution", capability: "get_execution",
			about:     "An execution: its status, result or failing node, and what every node put out.",
			arguments: func(id string) map[string]any { return map[string]any{"execution_id": id, "detail": "nodes"} }},
		{scheme: "node://", template: "node://{type}", name: "node", title: "A node type", capability: "get_node_details",
			about:     "A node type: its parameters as a JSON schema, ports, and examples.",
			arguments: func(id string) map[string]any { return map[string]any{"nodes": []map[string]string{{"type": id}}} }},
		{scheme: "guide://", name: "workflow-format", title: "The workflow format", capability: "get_node_types",
			about: "How workflows are written: nodes, connections, expressions, items, with an example."},
	}
}

// resourceOf finds the kind that an address is of, nil for others.
func resourceOf(uri string) *resource {
	for _, r := range resources() {
		if strings.HasPrefix(uri, r.scheme) && (r.template != "" || uri == guideURI) {
			return &r
		}
	}
	return nil
}

// registerResources makes the library know them, for its lists and for reads
// that the door does not answer itself.
func (s *Server) registerResources() {
	for _, r := range resources() {
		read := func(ctx context.Context, req protocol.ReadResourceRequest) ([]protocol.ResourceContents, error) {
			text, kind, err := s.contents(ctx, &r, req.Params.URI, s.Service.Do)
			if err != nil {
				return nil, s.libraryError(ctx, err)
			}
			return []protocol.ResourceContents{protocol.TextResourceContents{URI: req.Params.URI, MIMEType: kind, Text: text}}, nil
		}
		if r.template == "" {
			s.core.AddResource(protocol.NewResource(guideURI, r.name, protocol.WithResourceTitle(r.title), protocol.WithResourceDescription(r.about),
				protocol.WithMIMEType(markdownType)), read)
			continue
		}
		s.core.AddResourceTemplate(protocol.NewResourceTemplate(r.template, r.name, protocol.WithTemplateTitle(r.title),
			protocol.WithTemplateDescription(r.about), protocol.WithTemplateMIMEType(jsonType)), read)
	}
}

// libraryError is what the library may tell of an error: all of it reaches
// the client.
func (s *Server) libraryError(ctx context.Context, err error) error {
	return fmt.Errorf("%s", s.refusalFor(ctx, err).Message)
}

// mayRead reports whether the caller may use the capability, or at least see it.
func (s *Server) mayRead(ctx context.Context, capability string) bool {
	for _, c := range s.Service.Visible(auth.FromContext(ctx)) {
		if c.Name == capability {
			return true
		}
	}
	return false
}

// listResources replaces the library's list by what the caller may read: the
// guide, and its own workflows, page by page.
func (s *Server) listResources(ctx context.Context, _ any, req *protocol.ListResourcesRequest, result *protocol.ListResourcesResult) {
	foreign := []protocol.Resource{}
	var own []protocol.Resource
	for _, r := range result.Resources {
		if known := resourceOf(r.URI); known == nil {
			foreign = append(foreign, r)
		} else if s.mayRead(ctx, known.capability) && req.Params.Cursor == "" {
			own = append(own, r)
		}
	}
	result.Resources, result.NextCursor = append(own, foreign...), ""
	list, next, err := s.workflowResources(ctx, string(req.Params.Cursor))
	if err != nil {
		s.Logger.WarnContext(ctx, "mcp: workflows were not listed as resources", "error", err)
		return
	}
	result.Resources, result.NextCursor = append(result.Resources, list...), protocol.Cursor(next)
}

// workflowResources is a page of the caller's workflows. Cursors are wrapped
// as the library expects its own to be.
func (s *Server) workflowResources(ctx context.Context, cursor string) ([]protocol.Resource, string, error) {
	inner, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return nil, "", err
	}
	args, err := json.Marshal(map[string]any{"limit": 50, "cursor": string(inner)})
	if err != nil {
		return nil, "", err
	}
	if service.Authorize(auth.FromContext(ctx), s.Service.Tool("get_workflow")) != nil {
		return nil, "", nil
	}
	out, err := s.Service.Call(ctx, "search_workflows", args)
	if err != nil {
		return nil, "", err
	}
	page, ok := out.(*service.SearchWorkflowsOutput)
	if !ok {
		return nil, "", nil
	}
	list := make([]protocol.Resource, 0, len(page.Workflows))
	for _, w := range page.Workflows {
		list = append(list, protocol.NewResource("workflow://"+w.WorkflowID, w.Name, protocol.WithResourceTitle(w.Name),
			protocol.WithResourceDescription(w.Description), protocol.WithMIMEType(jsonType)))
	}
	if page.NextCursor == "" {
		return list, "", nil
	}
	return list, base64.StdEncoding.EncodeToString([]byte(page.NextCursor)), nil
}

// checkCursor tells a cursor that workflowResources gave out from others.
func checkCursor(cursor string) error {
	inner, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		inner = []byte(cursor) // which is none either
	}
	return service.CheckWorkflowCursor(string(inner))
}

// visibleTemplates shapes the list of templates for its caller.
func (s *Server) visibleTemplates(ctx context.Context, _ any, _ *protocol.ListResourceTemplatesRequest, result *protocol.ListResourceTemplatesResult) {
	shown := []protocol.ResourceTemplate{}
	for _, t := range result.ResourceTemplates {
		known := resourceOf(t.URITemplate.Raw())
		if known == nil || s.mayRead(ctx, known.capability) {
			shown = append(shown, t)
		}
	}
	result.ResourceTemplates = shown
}

// readResource answers resources/read.
func (s *Server) readResource(ctx context.Context, r *resource, uri string, m *envelope) ([]byte, *rpcError) {
	text, kind, err := s.contents(ctx, r, uri, s.Service.Do)
	if err != nil {
		refusal := s.refusalFor(ctx, err)
		if workflow.CodeOf(err) == workflow.CodeNotFound {
			refusal.Code = protocol.RESOURCE_NOT_FOUND
			if m.modernMeta() {
				refusal.Code = protocol.INVALID_PARAMS
			}
			refusal.Data["uri"] = uri
		}
		return nil, refusal
	}
	content, err := workflow.AppendJSON(nil, []any{workflow.NewObject("uri", uri, "mimeType", kind, "text", text)})
	if err != nil {
		return nil, s.refusalFor(ctx, err)
	}
	return append([]byte(`"contents":`), content...), nil
}

// reading is how a resource's capability is called: Service.Do or Service.Peek.
type reading func(ctx context.Context, c *service.Capability, args json.RawMessage) (any, error)

// contents reads a resource by the capability whose it is.
func (s *Server) contents(ctx context.Context, r *resource, uri string, read reading) (text, kind string, err error) {
	c := s.Service.Tool(r.capability)
	if err := service.Authorize(auth.FromContext(ctx), c); err != nil {
		return "", "", err
	}
	if r.template == "" {
		return guide, markdownType, nil
	}
	id, err := url.PathUnescape(strings.TrimPrefix(uri, r.scheme))
	if err != nil || id == "" {
		return "", "", workflow.Errorf(workflow.CodeNotFound, "there is no resource %q; its addresses look like %s", uri, r.template)
	}
	args, err := json.Marshal(r.arguments(id))
	if err != nil {
		return "", "", err
	}
	out, err := read(ctx, c, args)
	if err != nil {
		return "", "", err
	}
	if out, err = onlyNode(out, id); err != nil {
		return "", "", err
	}
	data, err := workflow.AppendJSON(nil, out)
	if err != nil {
		return "", "", err
	}
	if len(data) > s.MaxResult {
		if mustBeWhole(c) {
			e := workflow.Errorf(workflow.CodeTooLarge, "the workflow has %d bytes, more than the %d that are shown at once", len(data), s.MaxResult)
			e.Remedy = "call get_workflow with detail: summary, then with nodes for those you need."
			return "", "", e
		}
		data, _ = shrink(data, s.MaxResult)
	}
	return string(data), jsonType, nil
}

// onlyNode is the one node type that was asked for, out of the list of them.
func onlyNode(out any, name string) (any, error) {
	details, ok := out.(*service.GetNodeDetailsOutput)
	if !ok {
		return out, nil
	}
	if len(details.Nodes) != 1 || !details.Nodes[0].Found {
		e := workflow.Errorf(workflow.CodeNotFound, "there is no node type %q", name)
		if len(details.Nodes) == 1 && len(details.Nodes[0].NearNames) > 0 {
			e.Message += "; these resemble it: " + strings.Join(details.Nodes[0].NearNames, ", ")
		}
		return nil, e
	}
	return details.Nodes[0], nil
}
