package workflow

import (
	"encoding/json"
	"strings"
	"time"
)

// Status of an execution.
type Status string

// The statuses. Queued, running and waiting are live; the rest are final.
const (
	StatusQueued    Status = "queued"
	StatusRunning   Status = "running"
	StatusWaiting   Status = "waiting"
	StatusSuccess   Status = "success"
	StatusError     Status = "error"
	StatusCancelled Status = "cancelled"
	StatusTimeout   Status = "timeout"
)

// Final reports whether an execution in this status will never change again.
func (s Status) Final() bool {
	switch s {
	case StatusSuccess, StatusError, StatusCancelled, StatusTimeout:
		return true
	}
	return false
}

// Mode says what started an execution.
type Mode string

// The modes. Manual runs honour pinned data and do not keep static data.
const (
	ModeManual      Mode = "manual"
	ModeWebhook     Mode = "webhook"
	ModeTrigger     Mode = "trigger" // schedules and other production triggers
	ModeSubWorkflow Mode = "integrated"
	ModeError       Mode = "error"
	ModeRetry       Mode = "retry"
)

// Production reports whether the mode counts as production in expressions and
// for static data.
func (m Mode) Production() bool { return m != ModeManual }

// Execution is one run of one version of a workflow. It is recorded before
// the request that asked for it is answered. Clock, Seed and EngineVersion
// are recorded at its start so that recomputing it cannot diverge.
type Execution struct {
	ID              string
	OwnerID         string
	WorkflowID      string
	WorkflowVersion int
	Status          Status
	Mode            Mode
	Start           Start
	Error           *ExecutionError
	Result          json.RawMessage // items of the last node, a JSON array; nil until finished
	LastNode        string
	WaitingFor      *Waiting
	ParentID        string // the execution that called this one, if any
	RetryOf         string
	IdempotencyKey  string // unique per owner while the execution is kept
	Clock           time.Time
	Seed            uint64
	EngineVersion   string
	Executor        string // the lease name that runs it, "" while queued
	CancelRequested bool
	CreatedAt       time.Time
	StartedAt       time.Time // zero while queued
	FinishedAt      time.Time // zero until final
}

// Start says where and with what an execution begins.
type Start struct {
	Trigger string `json:"trigger,omitempty"` // the trigger node's name; "" lets the engine choose
	// Items are what the trigger node outputs. Nil: one item with an empty object.
	Items []Item `json:"items,omitempty"`
	// Output is the trigger's output that Items leave by.
	Output int `json:"output,omitempty"`
	// Webhook is set when a waiting HTTP caller wants the workflow's response.
	Webhook bool `json:"webhook,omitempty"`
	// PinData says whether pinned data replaces nodes (manual runs).
	PinData bool `json:"pin_data,omitempty"`
	// Reuse are finished node runs of an earlier execution that stand in for
	// running these nodes again. Trigger is set where Reuse is.
	Reuse []NodeRun `json:"reuse,omitempty"`
	// From limits the execution to this node, what it needs, and what follows
	// it; only what it needs is taken from Reuse.
	From string `json:"from,omitempty"`
}

// ExecutionError is why an execution failed: the node, a message for people,
// and a code for programs.
type ExecutionError struct {
	Node        string `json:"node,omitempty"`
	NodeType    string `json:"node_type,omitempty"`
	Run         int    `json:"run,omitempty"`
	Item        *int   `json:"item,omitempty"`
	Message     string `json:"message"`
	Description string `json:"description,omitempty"`
	Code        string `json:"code,omitempty"`
}

// Waiting says what a waiting execution waits for.
type Waiting struct {
	Node  string          `json:"node"`
	Kind  string          `json:"kind"` // "time", "webhook", "approval", "form", "choice"
	Until *time.Time      `json:"until,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	// Topic is where an answer has to be sent; of the engine's own concern.
	Topic string `json:"topic,omitempty"`
}

// NodeRun is one run of one node: what it got, what it gave.
type NodeRun struct {
	Node        string          `json:"node"`
	Run         int             `json:"run"`
	Status      string          `json:"status"` // "success" or "error"
	Error       *ExecutionError `json:"error,omitempty"`
	Source      []*Source       `json:"source"` // by input index; nil where an input got nothing
	Main        [][]Item        `json:"main"`   // outputs → items
	StartedAt   time.Time       `json:"started_at"`
	DurationMS  float64         `json:"duration_ms"`
	Hints       []string        `json:"hints,omitempty"`
	Console     []string        `json:"console,omitempty"` // what a code node printed
	RetriesDone int             `json:"retries,omitempty"`
}

// EventType names an Event.
type EventType string

// The event types.
const (
	EventStarted      EventType = "execution_started"
	EventNodeStarted  EventType = "node_started"
	EventNodeFinished EventType = "node_finished"
	EventNodeFailed   EventType = "node_failed"
	EventWaiting      EventType = "execution_waiting"
	EventResumed      EventType = "execution_resumed"
	EventFinished     EventType = "execution_finished"
	EventResponse     EventType = "webhook_response"
	EventLog          EventType = "log"
)

// Event is one line of an execution's log, live and stored alike. Seq counts
// from 1 without gaps in each execution and is the cursor to read on from;
// recomputing an execution after a crash gives the same events the same Seq.
type Event struct {
	ExecutionID string    `json:"execution_id"`
	Seq         int64     `json:"seq"`
	Type        EventType `json:"type"`
	Level       string    `json:"level"` // "info", "warn", "error"
	At          time.Time `json:"at"`
	Node        string    `json:"node,omitempty"`
	Run         int       `json:"run,omitempty"`
	Message     string    `json:"message,omitempty"`
	Status      Status    `json:"status,omitempty"` // of the execution, on started/waiting/finished
	DurationMS  float64   `json:"duration_ms,omitempty"`
	ItemCounts  []int     `json:"item_counts,omitempty"` // per output, on node_finished
	// Data is the Response on webhook_response, nil otherwise.
	Data json.RawMessage `json:"data,omitempty"`
}

// Response is what a workflow answers to the HTTP caller that started it.
type Response struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers,omitempty"`
	Body    []byte      `json:"body,omitempty"` // base64 in JSON
}

// FormEndType is the content type of a Response that is the last page of a
// form: an object with title, message and css.
const FormEndType = "application/vnd.flowgate.form-end+json"

// PagesOf is what the link of an execution's form pages is signed for, apart
// from the link that resumes it: who may decide does not see what others are
// shown.
func PagesOf(executionID string) string { return "form/" + executionID }

// Header returns the first header of that name.
func (r *Response) Header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// ExecuteRequest asks the engine for one execution of a stored workflow. With
// RetryOf and ModeRetry it is a failed execution's, done again from its start.
// With RetryOf and ModeManual it is a partial run: it begins at the node that
// Start.Trigger names, of whatever type, with the data of the execution RetryOf.
type ExecuteRequest struct {
	OwnerID        string
	WorkflowID     string
	Version        int // 0: the newest
	Mode           Mode
	Start          Start
	IdempotencyKey string
	ParentID       string
	RetryOf        string
}

// Key is a stored API key without its secret.
type Key struct {
	ID            string
	OwnerID       string
	ClientName    string
	Hash          []byte // HMAC-SHA-256 of the secret under the pepper; with Signing an Ed25519 public key
	Signing       bool   // the key signs requests instead of being sent
	Scopes        []string
	AllowedIPs    []string // address ranges it may be used from; none: any
	RateLimitTier string   // "standard", "premium", "unlimited"
	Active        bool
	CreatedAt     time.Time
	ExpiresAt     time.Time // zero: never
	LastUsedAt    time.Time // zero: never; written with delay
	RevokedAt     time.Time // zero: not revoked

	PreviousHash  []byte    // Hash before the last rotation
	PreviousUntil time.Time // PreviousHash is good until then
}

// User is a person (or workspace) that owns rows.
type User struct {
	ID         string
	Email      string
	Role       string // "user" or "admin"
	Disabled   bool
	Anonymous  bool            // a guest, without email and password
	Metadata   json.RawMessage // JSON object the user wrote; may be empty
	CreatedAt  time.Time
	UpdatedAt  time.Time
	SignedInAt time.Time // zero: never
}

// WebhookTrigger is an armed webhook path of an active workflow.
type WebhookTrigger struct {
	Path       string // without leading slash; may hold ":param" segments
	Method     string
	WorkflowID string
	OwnerID    string
	Node       string
}

// MaxHookPath is how many bytes the path of a webhook or form may have.
const MaxHookPath = 2000

// WebhookCall is an HTTP request to a webhook address, as the door saw it.
type WebhookCall struct {
	Method  string
	Path    string      // below /webhook/, without leading slash, unescaped
	URL     string      // as handed out: PUBLIC_URL + /webhook/ + path
	Query   string      // raw query
	Headers [][2]string // in order of arrival, names in lower case
	Body    []byte
	IP      string
}
