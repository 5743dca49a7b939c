package agentconv

import (
	"encoding/json"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
)

// DocumentToProto returns the document's JSON. A nil document is CodeInvalid.
func DocumentToProto(d *workflow.Document) ([]byte, error) {
	if d == nil {
		return nil, invalid(nil, "document", "A document is needed.")
	}
	data, err := json.Marshal(d)
	if err != nil {
		return nil, invalid(err, "document", "The document cannot be written as JSON.")
	}
	return data, nil
}

// DocumentFromProto reads a document.
func DocumentFromProto(data []byte) (*workflow.Document, error) {
	d := &workflow.Document{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, invalid(err, "document", "This is not a workflow document: "+err.Error())
	}
	return d, nil
}

// ValidationToProto returns the validation for the wire.
func ValidationToProto(v workflow.Validation) *agentv1.Validation {
	return &agentv1.Validation{Valid: v.Valid, Errors: findingsToProto(v.Errors), Warnings: findingsToProto(v.Warnings)}
}

// ValidationFromProto returns the validation as the domain has it, with lists
// that are never nil.
func ValidationFromProto(p *agentv1.Validation) workflow.Validation {
	return workflow.Validation{
		Valid: p.GetValid(), Errors: findingsFromProto(p.GetErrors()), Warnings: findingsFromProto(p.GetWarnings()),
	}
}

func findingsToProto(list []workflow.Finding) []*agentv1.Finding {
	out := make([]*agentv1.Finding, len(list))
	for i, f := range list {
		out[i] = &agentv1.Finding{
			Code: f.Code, Node: text(f.Node), Path: text(f.Path), Message: text(f.Message), Hint: text(f.Hint),
		}
	}
	return out
}

func findingsFromProto(list []*agentv1.Finding) []workflow.Finding {
	out := make([]workflow.Finding, len(list))
	for i, f := range list {
		out[i] = workflow.Finding{
			Code: f.GetCode(), Node: f.GetNode(), Path: f.GetPath(), Message: f.GetMessage(), Hint: f.GetHint(),
		}
	}
	return out
}

// NodeTypesToProto returns the catalogue for the wire.
func NodeTypesToProto(list []workflow.NodeType) []*agentv1.NodeType {
	out := make([]*agentv1.NodeType, len(list))
	for i, t := range list {
		p := &agentv1.NodeType{
			Type: t.Type, DisplayName: t.DisplayName, Description: t.Description, Category: string(t.Category),
			Versions: t.Versions, Inputs: portsToProto(t.Inputs), Outputs: portsToProto(t.Outputs),
			Credentials: t.Credentials, SideEffects: t.SideEffects, Parameters: t.Parameters, Docs: t.Docs,
		}
		for _, e := range t.Examples {
			p.Examples = append(p.Examples, &agentv1.NodeExample{Title: e.Title, Node: e.Node})
		}
		out[i] = p
	}
	return out
}

// NodeTypesFromProto returns the catalogue as the domain has it. Versions,
// inputs and outputs are never nil.
func NodeTypesFromProto(list []*agentv1.NodeType) ([]workflow.NodeType, error) {
	out := make([]workflow.NodeType, len(list))
	for i, p := range list {
		t := workflow.NodeType{
			Type: p.GetType(), DisplayName: p.GetDisplayName(), Description: p.GetDescription(),
			Category: workflow.Category(p.GetCategory()), Versions: append([]float64{}, p.GetVersions()...),
			Inputs: portsFromProto(p.GetInputs()), Outputs: portsFromProto(p.GetOutputs()),
			Credentials: p.GetCredentials(), SideEffects: p.GetSideEffects(), Docs: p.GetDocs(),
		}
		var err error
		if t.Parameters, err = rawFromProto(p.GetParameters(), t.Type+".parameters"); err != nil {
			return nil, err
		}
		for _, e := range p.GetExamples() {
			node, err := rawFromProto(e.GetNode(), t.Type+".examples")
			if err != nil {
				return nil, err
			}
			t.Examples = append(t.Examples, workflow.NodeExample{Title: e.GetTitle(), Node: node})
		}
		out[i] = t
	}
	return out, nil
}

func portsToProto(list []workflow.Port) []*agentv1.Port {
	out := make([]*agentv1.Port, len(list))
	for i, p := range list {
		out[i] = &agentv1.Port{Name: p.Name, Type: p.Type, Description: p.Description}
	}
	return out
}

func portsFromProto(list []*agentv1.Port) []workflow.Port {
	out := make([]workflow.Port, len(list))
	for i, p := range list {
		out[i] = workflow.Port{Name: p.GetName(), Type: p.GetType(), Description: p.GetDescription()}
	}
	return out
}
