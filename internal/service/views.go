package service

import (
	"encoding/json"
	"time"

	"flowgate/internal/workflow"
)

// WorkflowSummary is a workflow in a list.
type WorkflowSummary struct {
	WorkflowID  string    `json:"workflow_id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Active      bool      `json:"active"`
	Version     int       `json:"version"`
	NodeCount   int       `json:"node_count"`
	Triggers    []string  `json:"triggers,omitempty" jsonschema:"types of its trigger nodes"`
	Tags        []string  `json:"tags,omitempty"`
	LastStatus  string    `json:"last_status,omitempty" jsonschema:"status of its newest execution"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// WorkflowView is a whole workflow, never with secrets.
type WorkflowView struct {
	WorkflowID  string               `json:"workflow_id"`
	Name        string               `json:"name"`
	Description string               `json:"description"`
	Nodes       []workflow.Node      `json:"nodes"`
	Connections workflow.Connections `json:"connections"`
	Settings    workflow.Settings    `json:"settings"`
	PinData     workflow.PinData     `json:"pinData,omitempty"`
	Tags        []string             `json:"tags"`
	Active      bool                 `json:"active"`
	Version     int                  `json:"version"`
	Triggers    []TriggerView        `json:"triggers,omitempty" jsonschema:"how the workflow can be started"`
	CreatedAt   time.Time            `json:"created_at"`
	UpdatedAt   time.Time            `json:"updated_at"`

	encoded []byte // nodes, connections and settings as JSON; nil: they are as above
}

// TriggerView says how one trigger node starts the workflow.
type TriggerView struct {
	Node    string   `json:"node"`
	Type    string   `json:"type"`
	Methods []string `json:"methods,omitempty"`
	URL     string   `json:"url,omitempty" jsonschema:"address of a webhook; answers while the workflow is active"`

	NextAt *time.Time `json:"next_at,omitempty" jsonschema:"when a schedule fires next"`
	LastAt *time.Time `json:"last_at,omitempty" jsonschema:"when it was last due"`
	Missed int        `json:"missed,omitempty" jsonschema:"times that passed unused because no server ran"`
}

// Saved is what saving a workflow gives back.
type Saved struct {
	WorkflowID string              `json:"workflow_id"`
	Name       string              `json:"name"`
	Version    int                 `json:"version"`
	Active     bool                `json:"active"`
	Validation workflow.Validation `json:"validation" jsonschema:"a workflow with errors is kept, but fails when run"`
	CreatedAt  time.Time           `json:"created_at"`
	UpdatedAt  time.Time           `json:"updated_at"`
}

// ExecutionView is an execution: where it stands and, when finished, what
// came of it.
type ExecutionView struct {
	ExecutionID     string                   `json:"execution_id"`
	WorkflowID      string                   `json:"workflow_id"`
	WorkflowVersion int                      `json:"workflow_version"`
	Status          string                   `json:"status" enum:"queued,running,waiting,success,error,cancelled,timeout"`
	Mode            string                   `json:"mode"`
	Result          json.RawMessage          `json:"result,omitempty" jsonschema:"items of the last node: [{json: {…}}, …]"`
	Error           *workflow.ExecutionError `json:"error,omitempty" jsonschema:"the failing node and its message"`
	WaitingFor      *workflow.Waiting        `json:"waiting_for,omitempty"`
	ResumeURL       string                   `json:"resume_url,omitempty" jsonschema:"signed link that answers what it waits for, without signing in; a page, for an approval or a form"`
	LastNode        string                   `json:"last_node,omitempty"`
	Nodes           []NodeRunView            `json:"nodes,omitempty" jsonschema:"node runs in order of running"`
	Truncated       string                   `json:"truncated,omitempty" jsonschema:"what was cut from this answer and how to ask for it"`
	RetryOf         string                   `json:"retry_of,omitempty"`
	CreatedAt       time.Time                `json:"created_at"`
	StartedAt       *time.Time               `json:"started_at,omitempty"`
	FinishedAt      *time.Time               `json:"finished_at,omitempty"`
	DurationMS      float64                  `json:"duration_ms,omitempty"`
}

// NodeRunView is one run of one node.
type NodeRunView struct {
	Node       string                   `json:"node"`
	Run        int                      `json:"run"`
	Status     string                   `json:"status"`
	Error      *workflow.ExecutionError `json:"error,omitempty"`
	ItemCounts []int                    `json:"item_counts,omitempty" jsonschema:"items per output"`
	Outputs    json.RawMessage          `json:"outputs,omitempty" jsonschema:"outputs → items"`
	DurationMS float64                  `json:"duration_ms"`
	Console    []string                 `json:"console,omitempty"`
}

// ExecutionSummary is an execution in a list.
type ExecutionSummary struct {
	ExecutionID string            `json:"execution_id"`
	WorkflowID  string            `json:"workflow_id"`
	Status      string            `json:"status"`
	Mode        string            `json:"mode"`
	Error       string            `json:"error,omitempty"`
	WaitingFor  *workflow.Waiting `json:"waiting_for,omitempty"`
	ResumeURL   string            `json:"resume_url,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	FinishedAt  *time.Time        `json:"finished_at,omitempty"`
	DurationMS  float64           `json:"duration_ms,omitempty"`
}
