package workflow

import "encoding/json"

// Category groups node types in the catalogue.
type Category string

// The categories.
const (
	CategoryTrigger        Category = "TRIGGER"
	CategoryAIAgent        Category = "AI_AGENT"
	CategoryExternalAction Category = "EXTERNAL_ACTION"
	CategoryAction         Category = "ACTION"
	CategoryFlow           Category = "FLOW"
	CategoryHumanInTheLoop Category = "HUMAN_IN_THE_LOOP"
	CategoryTool           Category = "TOOL"
	CategoryMemory         Category = "MEMORY"
)

// NodeType is a catalogue entry: what a node of this type does and how to
// write one.
type NodeType struct {
	Type        string          `json:"type"` // as written in documents, e.g. "n8n-nodes-base.set"
	DisplayName string          `json:"display_name"`
	Description string          `json:"description"`
	Category    Category        `json:"category"`
	Versions    []float64       `json:"versions"` // ascending; the last is the one to write
	Inputs      []Port          `json:"inputs"`
	Outputs     []Port          `json:"outputs"`
	Credentials []string        `json:"credentials,omitempty"` // credential types it can use
	SideEffects bool            `json:"side_effects"`          // reaches outside, so its results are recorded
	Parameters  json.RawMessage `json:"parameters,omitempty"`  // JSON schema of the newest version's parameters
	Examples    []NodeExample   `json:"examples,omitempty"`
	Docs        string          `json:"docs,omitempty"` // Markdown: notes beyond the schema
}

// Port is an input or output of a node.
type Port struct {
	Name        string `json:"name"`
	Type        string `json:"type"` // "main" or an "ai_…" kind
	Description string `json:"description,omitempty"`
}

// NodeExample is a ready node for a purpose.
type NodeExample struct {
	Title string          `json:"title"`
	Node  json.RawMessage `json:"node"`
}

// Finding is one fault or doubt about a document: where, what, and the mend.
type Finding struct {
	Code    string `json:"code"`           // e.g. "unknown_node_type"
	Node    string `json:"node,omitempty"` // name of the node
	Path    string `json:"path,omitempty"` // inside the document, e.g. "nodes[2].parameters.url"
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Validation is what a look at a document found. Documents with errors are
// kept all the same: node types that are not known, or no trigger, keep them
// from running; other faults fail at their node.
type Validation struct {
	Valid    bool      `json:"valid"`
	Errors   []Finding `json:"errors"`
	Warnings []Finding `json:"warnings"`
}
