package workflow

import (
	"encoding/json"
	"time"
)

// Document is a workflow as people and models write it: the n8n-compatible
// JSON format. Decoding tolerates what real files hold; Normalize fills in
// what is missing; Extra keeps unknown top-level fields so that a read-edit-
// write round trip loses nothing.
type Document struct {
	ID          string      `json:"id,omitempty"`
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Nodes       []Node      `json:"nodes"`
	Connections Connections `json:"connections"`
	Settings    Settings    `json:"settings"`
	PinData     PinData     `json:"pinData,omitempty"`
	StaticData  *Object     `json:"staticData,omitempty"`
	Tags        []string    `json:"tags,omitempty"`
	Active      bool        `json:"active,omitempty"`
	Extra       *Object     `json:"-"`
}

// Node is one step of a document. Parameters hold plain values and
// expressions (strings that begin with "="). Extra keeps unknown fields.
type Node struct {
	ID               string                   `json:"id"`
	Name             string                   `json:"name"`
	Type             string                   `json:"type"`
	TypeVersion      float64                  `json:"typeVersion"`
	Position         [2]float64               `json:"position"`
	Parameters       *Object                  `json:"parameters"`
	Credentials      map[string]CredentialRef `json:"credentials,omitempty"`
	Disabled         bool                     `json:"disabled,omitempty"`
	OnError          string                   `json:"onError,omitempty"`
	ContinueOnFail   bool                     `json:"continueOnFail,omitempty"`
	RetryOnFail      bool                     `json:"retryOnFail,omitempty"`
	MaxTries         int                      `json:"maxTries,omitempty"`
	WaitBetweenTries *int                     `json:"waitBetweenTries,omitempty"` // milliseconds
	AlwaysOutputData bool                     `json:"alwaysOutputData,omitempty"`
	ExecuteOnce      bool                     `json:"executeOnce,omitempty"`
	Notes            string                   `json:"notes,omitempty"`
	WebhookID        string                   `json:"webhookId,omitempty"`
	Extra            *Object                  `json:"-"`
}

// Values of Node.OnError.
const (
	OnErrorStop            = "stopWorkflow"
	OnErrorContinue        = "continueRegularOutput"
	OnErrorContinueToError = "continueErrorOutput"
)

// ErrorPolicy is the node's OnError with the legacy flag and the default
// resolved.
func (n *Node) ErrorPolicy() string {
	switch {
	case n.OnError != "":
		return n.OnError
	case n.ContinueOnFail:
		return OnErrorContinue
	}
	return OnErrorStop
}

// CredentialRef names a stored credential; values are never in documents.
type CredentialRef struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// PinData replaces nodes' outputs in manual runs: items by node name, each an
// object with "json" or the json itself.
type PinData map[string][]any

// Connections maps a node's name to its outputs by connection type ("main",
// "ai_tool", …): outputs → targets.
type Connections map[string]map[string][][]Target

// Target is the end of a connection.
type Target struct {
	Node  string `json:"node"`
	Type  string `json:"type"`
	Index int    `json:"index"`
}

// Settings are a document's own; Extra keeps unknown ones.
type Settings struct {
	ExecutionOrder   string  `json:"executionOrder,omitempty"` // "v1", or anything else for v0
	Timezone         string  `json:"timezone,omitempty"`
	ErrorWorkflow    string  `json:"errorWorkflow,omitempty"`
	ExecutionTimeout float64 `json:"executionTimeout,omitempty"` // seconds; 0 or less: the engine's
	CallerPolicy     string  `json:"callerPolicy,omitempty"`
	Extra            *Object `json:"-"`
}

// MainOutputs returns the targets of node's main outputs, outermost by output
// index.
func (c Connections) MainOutputs(node string) [][]Target { return c[node]["main"] }

// NodeByName returns the node with that name, nil when there is none.
func (d *Document) NodeByName(name string) *Node {
	for i := range d.Nodes {
		if d.Nodes[i].Name == name {
			return &d.Nodes[i]
		}
	}
	return nil
}

// Workflow is a stored document with its bookkeeping.
type Workflow struct {
	ID         string
	OwnerID    string
	Document   Document
	Active     bool
	Version    int // counts saves, from 1
	CreatedAt  time.Time
	UpdatedAt  time.Time
	LastStatus Status // of its newest execution, "" when it never ran; filled by List only
}

// MarshalJSON writes the document with its unknown fields behind the known.
func (d Document) MarshalJSON() ([]byte, error) {
	type plain Document
	return marshalWithExtra(plain(d), d.Extra)
}

// MarshalJSON writes the node with its unknown fields behind the known.
func (n Node) MarshalJSON() ([]byte, error) {
	type plain Node
	if n.Parameters == nil {
		n.Parameters = &Object{}
	}
	return marshalWithExtra(plain(n), n.Extra)
}

// MarshalJSON writes the settings with the unknown ones behind the known.
func (s Settings) MarshalJSON() ([]byte, error) {
	type plain Settings
	return marshalWithExtra(plain(s), s.Extra)
}

// MarshalJSON writes outputs, and never null for the map itself.
func (c Connections) MarshalJSON() ([]byte, error) {
	if c == nil {
		return []byte("{}"), nil
	}
	type plain map[string]map[string][][]Target
	return json.Marshal(plain(c))
}
