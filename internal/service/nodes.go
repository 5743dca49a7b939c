package service

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// GetNodeTypesInput narrows the catalogue.
type GetNodeTypesInput struct {
	TypeFilter string `json:"type_filter,omitempty" jsonschema:"only this category" enum:"TRIGGER,AI_AGENT,EXTERNAL_ACTION,ACTION,FLOW,HUMAN_IN_THE_LOOP,TOOL,MEMORY"`
	Query      string `json:"query,omitempty" jsonschema:"words in the type, name or description"`
}

// NodeTypeSummary is a node type in the catalogue.
type NodeTypeSummary struct {
	Type        string  `json:"type"`
	DisplayName string  `json:"display_name"`
	Description string  `json:"description"`
	Version     float64 `json:"version" jsonschema:"the typeVersion to write"`
}

// GetNodeTypesOutput is the catalogue by category.
type GetNodeTypesOutput struct {
	Categories map[string][]NodeTypeSummary `json:"categories"`
	Total      int                          `json:"total"`
	Note       string                       `json:"note,omitempty"`
}

// NodeTypes returns the catalogue, grouped by category.
func (s *Service) NodeTypes(_ context.Context, in GetNodeTypesInput) (*GetNodeTypesOutput, error) {
	words := strings.Fields(strings.ToLower(in.Query))
	out := s.nodeTypes(in.TypeFilter, func(text string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	})
	if out.Total > 0 || len(words) < 2 {
		return out, nil
	}
	out = s.nodeTypes(in.TypeFilter, func(text string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	})
	out.Note = "no node type has all of the words; these have at least one"
	return out, nil
}

// nodeTypes returns the types of a category ("" for all) whose texts match.
func (s *Service) nodeTypes(category string, match func(text string) bool) *GetNodeTypesOutput {
	out := &GetNodeTypesOutput{Categories: map[string][]NodeTypeSummary{}}
	for _, t := range s.Catalogue.NodeTypes() {
		if category != "" && string(t.Category) != category || !match(strings.ToLower(t.Type+" "+t.DisplayName+" "+t.Description)) {
			continue
		}
		out.Categories[string(t.Category)] = append(out.Categories[string(t.Category)], NodeTypeSummary{Type: t.Type,
			DisplayName: t.DisplayName, Description: t.Description, Version: t.Versions[len(t.Versions)-1]})
		out.Total++
	}
	if out.Total == 0 {
		out.Note = "no node type matches; leave query out to see all, or use an HTTP Request node for a service that has none"
	}
	return out
}

// NodeTypeRef names a node type, with or without its package prefix.
type NodeTypeRef struct {
	Type    string  `json:"type" jsonschema:"such as n8n-nodes-base.set, or just set"`
	Version float64 `json:"version,omitempty" jsonschema:"a typeVersion; the newest when absent"`
}

// GetNodeDetailsInput asks for node types in full.
type GetNodeDetailsInput struct {
	Nodes           []NodeTypeRef `json:"nodes" jsonschema:"the node types wanted"`
	IncludeExamples *bool         `json:"include_examples,omitempty" default:"true"`
	IncludeSchemas  *bool         `json:"include_schemas,omitempty" default:"true"`
}

// NodeDetails is a node type in full, or why there is none.
type NodeDetails struct {
	Type        string                 `json:"type"`
	Found       bool                   `json:"found"`
	Message     string                 `json:"message,omitempty" jsonschema:"why it was not found"`
	NearNames   []string               `json:"near_names,omitempty"`
	DisplayName string                 `json:"display_name,omitempty"`
	Description string                 `json:"description,omitempty"`
	Category    string                 `json:"category,omitempty"`
	Versions    []float64              `json:"versions,omitempty"`
	Inputs      []workflow.Port        `json:"inputs,omitempty"`
	Outputs     []workflow.Port        `json:"outputs,omitempty"`
	Credentials []string               `json:"credentials,omitempty"`
	Parameters  json.RawMessage        `json:"parameters,omitempty" jsonschema:"JSON schema of the node's parameters"`
	Examples    []workflow.NodeExample `json:"examples,omitempty"`
	Docs        string                 `json:"docs,omitempty"`
}

// GetNodeDetailsOutput answers in the order asked.
type GetNodeDetailsOutput struct {
	Nodes []NodeDetails `json:"nodes"`
}

// NodeDetails returns parameters, ports, schemas and examples. Unknown types
// are answered with near names.
func (s *Service) NodeDetails(_ context.Context, in GetNodeDetailsInput) (*GetNodeDetailsOutput, error) {
	if len(in.Nodes) == 0 {
		return nil, workflow.Errorf(workflow.CodeInvalid, "nodes: name at least one node type; get_node_types lists them")
	}
	types := s.Catalogue.NodeTypes()
	out := &GetNodeDetailsOutput{Nodes: make([]NodeDetails, 0, len(in.Nodes))}
	for _, ref := range in.Nodes {
		i := slices.IndexFunc(types, func(t workflow.NodeType) bool {
			return t.Type == ref.Type || strings.EqualFold(t.Type[strings.LastIndex(t.Type, ".")+1:], ref.Type)
		})
		if i < 0 {
			out.Nodes = append(out.Nodes, NodeDetails{Type: ref.Type, NearNames: s.Catalogue.Near(ref.Type),
				Message: "there is no such node type; near_names resemble it, get_node_types lists all"})
			continue
		}
		out.Nodes = append(out.Nodes, detailsOf(types[i], ref, in))
	}
	return out, nil
}

func detailsOf(t workflow.NodeType, ref NodeTypeRef, in GetNodeDetailsInput) NodeDetails {
	d := NodeDetails{Type: t.Type, Found: true, DisplayName: t.DisplayName, Description: t.Description, Category: string(t.Category),
		Versions: t.Versions, Inputs: t.Inputs, Outputs: t.Outputs, Credentials: t.Credentials, Docs: t.Docs}
	if ref.Version > 0 && !slices.Contains(t.Versions, ref.Version) {
		d.Message = "this typeVersion is not known; write one of versions"
	}
	if in.IncludeSchemas == nil || *in.IncludeSchemas {
		d.Parameters = t.Parameters
	}
	if in.IncludeExamples == nil || *in.IncludeExamples {
		d.Examples = t.Examples
	}
	return d
}
