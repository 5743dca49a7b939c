package supabase

import (
	"context"
	"encoding/json"
	"time"

	"flowgate/store"
)

// sessionRow is a session as the functions take and give it.
type sessionRow struct {
	ID         string    `json:"id"`
	OwnerID    string    `json:"owner_id"`
	Action     string    `json:"action"`
	SourceID   string    `json:"source_id"`
	WorkflowID string    `json:"workflow_id"`
	Title      []byte    `json:"title"`
	Status     string    `json:"status"`
	Meta       []byte    `json:"meta"`
	Model      string    `json:"model"`
	Credential string    `json:"model_credential"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

func sessionArgs(v *store.Session) sessionRow {
	return sessionRow{ID: v.ID, OwnerID: v.OwnerID, Action: v.Action, SourceID: v.SourceID, WorkflowID: v.WorkflowID, Title: []byte(v.Title),
		Status: v.Status, Meta: objectBytes(v.Meta), Model: v.Model, Credential: v.ModelCredential, CreatedAt: micro(v.CreatedAt), UpdatedAt: micro(v.UpdatedAt)}
}

func (r *sessionRow) session() (*store.Session, error) {
	return &store.Session{ID: r.ID, OwnerID: r.OwnerID, Action: r.Action, SourceID: r.SourceID, WorkflowID: r.WorkflowID, Title: string(r.Title),
		Status: r.Status, Meta: json.RawMessage(r.Meta), Model: r.Model, ModelCredential: r.Credential, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}, nil
}

// CreateSession stores a new session.
func (s *Store) CreateSession(ctx context.Context, v *store.Session) error {
	as := s.as(ctx, v.OwnerID)
	if as == nil {
		return s.Direct.CreateSession(ctx, v)
	}
	return s.write(ctx, as, "store the session", "create_session", sessionArgs(v), &struct{}{})
}

// Session returns the owner's session with that id.
func (s *Store) Session(ctx context.Context, owner, id string) (*store.Session, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.Session(ctx, owner, id)
	}
	var out struct{ Row *sessionRow }
	if err := s.read(ctx, as, "read the session", "session", map[string]any{"id": id}, &out); err != nil {
		return nil, err
	}
	if out.Row == nil {
		return nil, notFound("session", id)
	}
	return out.Row.session()
}

// ListSessions returns the owner's sessions, newest first.
func (s *Store) ListSessions(ctx context.Context, owner string, page store.Page) ([]*store.Session, int, string, error) {
	as := s.asForList(ctx, owner, page, false)
	if as == nil {
		return s.Direct.ListSessions(ctx, owner, page)
	}
	args, err := pageArgs(store.ListOfSessions, page)
	if err != nil {
		return nil, 0, "", err
	}
	var out struct {
		Total int
		Rows  []*sessionRow
	}
	if err := s.read(ctx, as, "list sessions", "list_sessions", args, &out); err != nil {
		return nil, 0, "", err
	}
	list, err := each(out.Rows, (*sessionRow).session)
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(store.ListOfSessions, list, page.Size(), func(v *store.Session) store.Cursor { return store.Cursor{At: v.CreatedAt, ID: v.ID} })
	return list, out.Total, next, nil
}

// UpdateSession stores what of a session may change.
func (s *Store) UpdateSession(ctx context.Context, v *store.Session) error {
	as := s.as(ctx, v.OwnerID)
	if as == nil {
		return s.Direct.UpdateSession(ctx, v)
	}
	return s.change(ctx, as, "change the session", "update_session", sessionArgs(v), "session", v.ID)
}

// DeleteSession removes the session with all that was said in it.
func (s *Store) DeleteSession(ctx context.Context, owner, id string) error {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.DeleteSession(ctx, owner, id)
	}
	return s.change(ctx, as, "delete the session", "delete_session", map[string]any{"id": id}, "session", id)
}

// change calls a function that changes one row, which is not found when it
// changed none.
func (s *Store) change(ctx context.Context, as *store.Caller, doing, name string, args any, kind, id string) error {
	var out struct{ Changed int }
	err := s.write(ctx, as, doing, name, args, &out)
	if err == nil && out.Changed == 0 {
		return notFound(kind, id)
	}
	return err
}

// messageRow is a message as the functions take and give it.
type messageRow struct {
	ID        string    `json:"id"`
	SessionID string    `json:"session_id"`
	OwnerID   string    `json:"owner_id"`
	Seq       int64     `json:"seq"`
	Type      string    `json:"type"`
	Content   []byte    `json:"content"`
	Metadata  []byte    `json:"metadata"`
	CreatedAt time.Time `json:"created_at"`
}

func (r *messageRow) message() (*store.Message, error) {
	return &store.Message{ID: r.ID, SessionID: r.SessionID, OwnerID: r.OwnerID, Seq: r.Seq, Type: r.Type, Content: string(r.Content),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.UTC()}, nil
}

// AddMessage stores m under the session's next number.
func (s *Store) AddMessage(ctx context.Context, m *store.Message) error {
	as := s.as(ctx, m.OwnerID)
	if as == nil {
		return s.Direct.AddMessage(ctx, m)
	}
	var out struct{ Seq *int64 }
	err := s.write(ctx, as, "store the message", "add_message", messageRow{ID: m.ID, SessionID: m.SessionID, OwnerID: m.OwnerID, Type: m.Type,
		Content: []byte(m.Content), Metadata: objectBytes(m.Metadata), CreatedAt: micro(m.CreatedAt)}, &out)
	if err == nil && out.Seq == nil {
		return notFound("session", m.SessionID)
	}
	if err == nil {
		m.Seq = *out.Seq
	}
	return err
}

// ListMessages returns messages behind a number, in order.
func (s *Store) ListMessages(ctx context.Context, owner, sessionID string, after int64, limit int) ([]*store.Message, int, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.ListMessages(ctx, owner, sessionID, after, limit)
	}
	var out struct {
		Total *int
		Rows  []*messageRow
	}
	err := s.read(ctx, as, "list messages", "list_messages", map[string]any{"session_id": sessionID, "after": after, "limit": limit}, &out)
	if err != nil {
		return nil, 0, err
	}
	if out.Total == nil {
		return nil, 0, notFound("session", sessionID)
	}
	list, err := each(out.Rows, (*messageRow).message)
	return list, *out.Total, err
}
