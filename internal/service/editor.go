package service

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Preview is an expression to be tried where a node would see it.
type Preview struct {
	Workflow *workflow.Workflow
	Node     string // "" is no node in particular
	Text     string // as a parameter holds it: begins with "="
	Runs     []workflow.NodeRun
	Items    []workflow.Item // the node's input; nil is what Runs gave it
	Item     int
	Files    workflow.BinarySource // contents kept apart from the Runs' items; nil: there are none
}

// PreviewExpressionInput asks what an expression gives.
type PreviewExpressionInput struct {
	Expression  string             `json:"expression" jsonschema:"as in a parameter, such as {{ $json.name }}; the = in front may be left out"`
	WorkflowID  string             `json:"workflow_id,omitempty" jsonschema:"the workflow it stands in; unless execution_id or items say otherwise, it sees the data of its last execution"`
	Node        string             `json:"node,omitempty" jsonschema:"the node it stands in"`
	ExecutionID string             `json:"execution_id,omitempty" jsonschema:"an execution whose data it sees; its workflow version is used"`
	Items       []*workflow.Object `json:"items,omitempty" jsonschema:"the json of the node's input items, in place of the execution's"`
	ItemIndex   int                `json:"item_index,omitempty" min:"0" max:"100000"`
}

// PreviewExpressionOutput is what an expression gives, or why nothing.
type PreviewExpressionOutput struct {
	Valid bool            `json:"valid"`
	Value json.RawMessage `json:"value,omitempty" jsonschema:"null where there is no value"`
	Type  string          `json:"type,omitempty" enum:"string,number,boolean,object,array,null"`
	Error string          `json:"error,omitempty" jsonschema:"why it cannot be evaluated"`
}

// PreviewExpression evaluates an expression without running anything.
func (s *Service) PreviewExpression(ctx context.Context, in PreviewExpressionInput) (*PreviewExpressionOutput, error) {
	p, err := s.previewOf(ctx, in)
	if err != nil {
		return nil, err
	}
	value, err := s.Catalogue.Preview(ctx, owner(ctx), p)
	var fault *workflow.Error
	switch {
	case errors.As(err, &fault) && fault.Code == workflow.CodeUnrunnable:
		return &PreviewExpressionOutput{Error: fault.Message}, nil
	case err != nil:
		return nil, err
	}
	return &PreviewExpressionOutput{Valid: true, Value: value, Type: jsonKind(value)}, nil
}

func (s *Service) previewOf(ctx context.Context, in PreviewExpressionInput) (Preview, error) {
	p := Preview{Node: in.Node, Text: in.Expression, Item: in.ItemIndex, Workflow: &workflow.Workflow{OwnerID: owner(ctx)}}
	if !strings.HasPrefix(p.Text, "=") {
		p.Text = "=" + p.Text
	}
	var err error
	switch {
	case in.ExecutionID != "":
		e, err := s.Store.Execution(ctx, owner(ctx), in.ExecutionID)
		if err != nil {
			return p, err
		}
		if in.WorkflowID != "" && in.WorkflowID != e.WorkflowID {
			return p, workflow.Errorf(workflow.CodeInvalid, "execution_id: that is an execution of another workflow than workflow_id names")
		}
		if p.Workflow, err = s.Store.WorkflowVersion(ctx, owner(ctx), e.WorkflowID, e.WorkflowVersion); err != nil {
			return p, err
		}
		p.Files = s.filesOf(ctx, owner(ctx))
		if p.Runs, err = s.Store.NodeRuns(ctx, owner(ctx), e.ID); err != nil {
			return p, err
		}
	case in.WorkflowID != "":
		if p.Workflow, err = s.Store.Workflow(ctx, owner(ctx), in.WorkflowID); err != nil {
			return p, err
		}
		if in.Items == nil {
			if p.Runs, err = s.lastRuns(ctx, in.WorkflowID); err != nil {
				return p, err
			}
		}
	}
	if in.Node != "" && p.Workflow.Document.NodeByName(in.Node) == nil {
		return p, workflow.Errorf(workflow.CodeInvalid, "node: the workflow has no node named %q", in.Node)
	}
	if in.Items != nil {
		p.Items = make([]workflow.Item, len(in.Items))
		for i, o := range in.Items {
			p.Items[i] = workflow.Item{JSON: o}
			if o == nil {
				p.Items[i].JSON = &workflow.Object{}
			}
		}
	}
	return p, nil
}

// lastRuns is what a workflow's newest execution recorded; none when it never ran.
func (s *Service) lastRuns(ctx context.Context, id string) ([]workflow.NodeRun, error) {
	list, _, _, err := s.Store.ListExecutions(ctx, owner(ctx), store.ExecutionFilter{WorkflowID: id}, store.Page{Limit: 1})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return s.Store.NodeRuns(ctx, owner(ctx), list[0].ID)
}

func jsonKind(value json.RawMessage) string {
	switch {
	case len(value) == 0 || value[0] == 'n':
		return "null"
	case value[0] == '"':
		return "string"
	case value[0] == '{':
		return "object"
	case value[0] == '[':
		return "array"
	case value[0] == 't' || value[0] == 'f':
		return "boolean"
	}
	return "number"
}

// GetNodeTypeInput names one node type.
type GetNodeTypeInput struct {
	Type    string  `json:"type" jsonschema:"such as n8n-nodes-base.set, or just set"`
	Version float64 `json:"version,omitempty" jsonschema:"a typeVersion; the newest when absent"`
}

// NodeType returns one node type in full; CodeNotFound, with near names, when
// there is none.
func (s *Service) NodeType(ctx context.Context, in GetNodeTypeInput) (*NodeDetails, error) {
	out, err := s.NodeDetails(ctx, GetNodeDetailsInput{Nodes: []NodeTypeRef{{Type: in.Type, Version: in.Version}}})
	if err != nil {
		return nil, err
	}
	d := &out.Nodes[0]
	if !d.Found {
		e := workflow.Errorf(workflow.CodeNotFound, "there is no node type %q; GET /api/app/node-types lists them", in.Type)
		e.Details = map[string]any{"near_names": append([]string{}, d.NearNames...)}
		return nil, e
	}
	return d, nil
}

// Version returns a workflow as it was saved under a version.
func (s *Service) Version(ctx context.Context, in VersionRef) (*WorkflowView, error) {
	v, err := s.Store.WorkflowVersion(ctx, owner(ctx), in.WorkflowID, in.Version)
	if err != nil {
		return nil, err
	}
	return &WorkflowView{WorkflowID: v.ID, Name: v.Document.Name, Description: v.Document.Description, Nodes: v.Document.Nodes,
		Connections: v.Document.Connections, Settings: v.Document.Settings, PinData: v.Document.PinData, Tags: append([]string{}, v.Document.Tags...),
		Version: v.Version, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt}, nil
}

// editorCapabilities are what people's editors need and models do not.
func (s *Service) editorCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "get_workflow_version", Title: "Get a workflow's version", Group: "Workflows", Scope: auth.ScopeWorkflowsRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Returns a workflow as it was saved under a version.",
			Routes:      []Route{{Method: "GET", Path: "/workflows/{workflow_id}/versions/{version}", Status: 200}},
		}, s.Version, textWorkflow),
		row(Capability{
			Name: "preview_expression", Title: "Preview an expression", Group: "Workflows", Scope: auth.ScopeWorkflowsRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Evaluates an expression as a node would see it, with given items or an execution's data, without running anything.",
			Routes:      []Route{{Method: "POST", Path: "/expressions/preview", Status: 200}},
		}, s.PreviewExpression, asJSONText[PreviewExpressionOutput]),
		row(Capability{
			Name: "get_node_type", Title: "Get a node type", Group: "Nodes", Scope: auth.ScopeNodesRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Returns one node type in full: ports, the JSON schema of its parameters, examples.",
			Routes:      []Route{{Method: "GET", Path: "/node-types/{type}", Status: 200}},
		}, s.NodeType, asJSONText[NodeDetails]),
	}
}
