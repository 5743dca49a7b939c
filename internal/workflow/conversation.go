package workflow

import "time"

// Stage is where a conversation with the workflow agent stands. "" is none.
type Stage string

// The stages of a conversation.
const (
	StageClarification Stage = "clarification"
	StageNegotiation   Stage = "negotiation"
	StageGapAnalysis   Stage = "gap_analysis"
	StageAlternatives  Stage = "alternative_generation"
	StageGeneration    Stage = "workflow_generation"
	StageDebug         Stage = "debug"
	StageCompleted     Stage = "completed"
	StageError         Stage = "error"
)

// What a conversation makes of a workflow.
const (
	OriginCreate = "create"
	OriginEdit   = "edit"
	OriginCopy   = "copy"
)

// AgentState is everything the workflow agent needs to go on with a
// conversation: agents keep nothing between turns. Times are milliseconds
// since the Unix epoch.
type AgentState struct {
	SessionID     string               `json:"session_id,omitempty"`
	UserID        string               `json:"user_id,omitempty"`
	Stage         Stage                `json:"stage,omitempty"`
	PreviousStage Stage                `json:"previous_stage,omitempty"`
	Conversations []Said               `json:"conversations,omitempty"` // oldest first
	IntentSummary string               `json:"intent_summary,omitempty"`
	Gaps          []string             `json:"gaps,omitempty"`
	Alternatives  []Alternative        `json:"alternatives,omitempty"`
	Document      string               `json:"current_workflow_json,omitempty"`
	DebugLoops    int32                `json:"debug_loop_count,omitempty"`
	DebugResult   string               `json:"debug_result,omitempty"`
	Clarification *Clarification       `json:"clarification_context,omitempty"`
	Context       *ConversationContext `json:"workflow_context,omitempty"`
	History       []string             `json:"execution_history,omitempty"` // stages gone through
	Knowledge     *Knowledge           `json:"rag_context,omitempty"`
	CreatedAt     int64                `json:"created_at,omitempty"`
	UpdatedAt     int64                `json:"updated_at,omitempty"`
}

// Said is one thing said in a conversation.
type Said struct {
	Role     string            `json:"role"` // "user", "assistant" or "system"
	Text     string            `json:"text"`
	At       int64             `json:"timestamp,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Question is something the user is asked.
type Question struct {
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Category string   `json:"category,omitempty"` // "input", "output", "trigger", "logic" or "general"
	Required bool     `json:"is_required,omitempty"`
	Options  []string `json:"options,omitempty"`
}

// Alternative is another way to what cannot be done as asked.
type Alternative struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Approach    string   `json:"approach,omitempty"`
	TradeOffs   []string `json:"trade_offs,omitempty"`
	Complexity  string   `json:"complexity,omitempty"`
}

// Clarification is what is being cleared up with the user.
type Clarification struct {
	Purpose   string            `json:"purpose,omitempty"`
	Collected map[string]string `json:"collected_info,omitempty"` // answers by question
	Pending   []string          `json:"pending_questions,omitempty"`
	Origin    string            `json:"origin,omitempty"`
}

// ConversationContext is what a conversation is about.
type ConversationContext struct {
	Origin           string `json:"origin,omitempty"`
	SourceWorkflowID string `json:"source_workflow_id,omitempty"`
	Modification     string `json:"modification_intent,omitempty"`
}

// Knowledge is what a search in the knowledge of nodes found.
type Knowledge struct {
	Results  []KnowledgeResult `json:"results,omitempty"`
	Query    string            `json:"query,omitempty"`
	At       int64             `json:"timestamp,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// KnowledgeResult is one piece of knowledge.
type KnowledgeResult struct {
	ID          string            `json:"id,omitempty"`
	NodeType    string            `json:"node_type,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Content     string            `json:"content,omitempty"`
	Similarity  float32           `json:"similarity,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// Turn is one message of a user and all the agent needs to answer it.
type Turn struct {
	SessionID string
	OwnerID   string
	Message   string
	State     *AgentState // after the last turn; nil on the first
	Context   *ConversationContext
	Streaming bool
	Language  string // "en", "zh", or "" for the user's
	// Model is the language model the user chose, "" the agent's default, and
	// CredentialID the user's credential for it, "" the operator's key.
	Model        string
	CredentialID string
	// Scopes are what of the owner's the caller may read besides the
	// conversation, such as "workflows:read".
	Scopes []string
	// MaxCalls and Timeout are wishes below the agent's own bounds; 0: none.
	MaxCalls int
	Timeout  time.Duration
}

// TurnEvent is one piece of the agent's answer: one of Message, Status,
// Workflow and Failure is set.
type TurnEvent struct {
	Message  *TurnMessage
	Status   *TurnStatus
	Workflow *TurnWorkflow
	Failure  *TurnFailure
	State    *AgentState // the state after this piece; nil when it did not change
	At       time.Time
	Final    bool
}

// TurnMessage is something said to the user.
type TurnMessage struct {
	ID           string            `json:"message_id"`
	Text         string            `json:"text"`
	Partial      bool              `json:"partial,omitempty"` // a piece; the whole follows under the same id
	Role         string            `json:"role"`
	Kind         string            `json:"message_type"` // "text", "question" or "options"
	Questions    []Question        `json:"questions,omitempty"`
	Alternatives []Alternative     `json:"alternatives,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
}

// TurnStatus is a change of stage.
type TurnStatus struct {
	Stage       Stage
	Previous    Stage
	Description string
	Pending     []string
}

// TurnWorkflow is the workflow a conversation arrived at.
type TurnWorkflow struct {
	Document   *Document
	Validation Validation
}

// TurnFailure says why a turn failed.
type TurnFailure struct {
	Code        string `json:"error_code"`
	Message     string `json:"message"`
	Details     string `json:"details,omitempty"`
	Recoverable bool   `json:"is_recoverable"`
}
