package store

import (
	"context"
	"encoding/json"
	"time"

	"flowgate/internal/workflow"
)

// Session is a conversation of a user's with the workflow agent.
type Session struct {
	ID         string
	OwnerID    string
	Action     string // "create", "edit" or "copy"
	SourceID   string // the workflow to edit or copy
	WorkflowID string // the workflow the conversation saves to; "" before the first
	Title      string
	Status     string // "active" or "archived"
	Meta       json.RawMessage
	// Model is the language model the user chose, "" the default, and
	// ModelCredential the id of the user's credential for it, "" none.
	Model           string
	ModelCredential string
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Sessions keeps sessions and who answers in them.
type Sessions interface {
	CreateSession(ctx context.Context, s *Session) error
	Session(ctx context.Context, owner, id string) (*Session, error)
	ListSessions(ctx context.Context, owner string, page Page) (list []*Session, total int, next string, err error)
	// UpdateSession stores WorkflowID, Title, Status, Meta, Model,
	// ModelCredential and UpdatedAt.
	UpdateSession(ctx context.Context, s *Session) error
	// DeleteSession removes the session with all that was said in it.
	DeleteSession(ctx context.Context, owner, id string) error
	// BeginTurn takes the right to answer in a session until ttl has passed,
	// and returns the turn's number, which grows; CodeConflict while another
	// turn has it, in whichever process.
	BeginTurn(ctx context.Context, owner, id string, ttl time.Duration) (turn int64, err error)
	// RenewTurn keeps the right; CodeConflict when it was lost or given up.
	RenewTurn(ctx context.Context, owner, id string, turn int64, ttl time.Duration) error
	// EndTurn gives it up; giving up a lost one is no error.
	EndTurn(ctx context.Context, owner, id string, turn int64) error
}

// Message is one thing said in a session.
type Message struct {
	ID        string
	SessionID string
	OwnerID   string
	Seq       int64  // counts from 1 in each session; from the database
	Type      string // "user", "assistant" or "system"
	Content   string
	Metadata  json.RawMessage
	CreatedAt time.Time
}

// Messages keeps what was said.
type Messages interface {
	// AddMessage stores m and sets its Seq.
	AddMessage(ctx context.Context, m *Message) error
	// ListMessages returns at most limit messages with Seq > after, in order.
	ListMessages(ctx context.Context, owner, sessionID string, after int64, limit int) (list []*Message, total int, err error)
}

// States keeps the agent's state of each session.
type States interface {
	// SaveState stores the state after a turn. A state that a later turn saved
	// stays; the older one is dropped without an error.
	SaveState(ctx context.Context, owner, sessionID string, turn int64, s *workflow.AgentState) error
	// State returns it, nil when there is none yet.
	State(ctx context.Context, owner, sessionID string) (*workflow.AgentState, error)
}

// ChatEvent is one piece of a session's stream.
type ChatEvent struct {
	ID   int64 // grows by 1 in each session
	Data json.RawMessage
}

// KeptChatEvents is how many of a session's newest events are kept.
const KeptChatEvents = 500

// ChatEvents keeps the newest events of each session's stream.
type ChatEvents interface {
	// AddChatEvent stores an event. With it ends the turn of the number ends, if
	// that is under way, so that the next turn's events are behind it; 0: none.
	AddChatEvent(ctx context.Context, owner, sessionID string, data json.RawMessage, ends int64) (id int64, err error)
	// ChatEvents returns at most limit events with ID > after, in order, and
	// the newest id there is.
	ChatEvents(ctx context.Context, owner, sessionID string, after int64, limit int) (list []ChatEvent, newest int64, err error)
}

// Conversations is all that is kept of conversations.
type Conversations interface {
	Sessions
	Messages
	States
	ChatEvents
}
