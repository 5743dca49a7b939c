package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// StartSessionInput begins a conversation with the workflow agent.
type StartSessionInput struct {
	Action     string         `json:"action,omitempty" enum:"create,edit,copy" default:"create"`
	WorkflowID string         `json:"workflow_id,omitempty" jsonschema:"to edit or copy"`
	Meta       map[string]any `json:"meta_data,omitempty"`
	ModelChoice
}

// ModelChoice is the language model that plans in a session, and the openAiApi
// or anthropicApi credential it is reached with.
type ModelChoice struct {
	Model           *string `json:"model,omitempty" jsonschema:"language model that plans"`
	ModelCredential *string `json:"model_credential,omitempty" jsonschema:"id of your key for it"`
}

// StartedSession is a new session.
type StartedSession struct {
	SessionID  string    `json:"session_id"`
	Action     string    `json:"action"`
	WorkflowID string    `json:"workflow_id,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
}

// conversations is what keeps them, or an error that says there is nothing.
func (s *Service) conversations() (store.Conversations, error) {
	if s.Conversations == nil || s.Talk == nil {
		return nil, workflow.Errorf(workflow.CodeUnavailable, "conversations with the workflow agent are not set up here")
	}
	return s.Conversations, nil
}

// StartSession begins a conversation. A copy is made at once, so that what is
// said later changes the copy.
func (s *Service) StartSession(ctx context.Context, in StartSessionInput) (*StartedSession, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	if in.Action == "" {
		in.Action = workflow.OriginCreate
	}
	now := s.Now().UTC()
	v := &store.Session{ID: newID(), OwnerID: owner(ctx), Action: in.Action, Status: "active", CreatedAt: now, UpdatedAt: now}
	if in.Meta != nil {
		if v.Meta, err = json.Marshal(in.Meta); err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "meta_data: is not JSON")
		}
	}
	if err := s.chooseModel(ctx, v, in.ModelChoice); err != nil {
		return nil, err
	}
	if in.Action != workflow.OriginCreate {
		if err := s.source(ctx, v, in); err != nil {
			return nil, err
		}
	}
	if err := st.CreateSession(ctx, v); err != nil {
		return nil, err
	}
	return &StartedSession{SessionID: v.ID, Action: v.Action, WorkflowID: v.WorkflowID, CreatedAt: v.CreatedAt}, nil
}

// maxModelName bounds a model's name, in characters.
const maxModelName = 200

// chooseModel takes over a choice. A credential has to be the caller's, of a
// type for models, and one the caller may use; whether the model is there
// turns out at the first message.
func (s *Service) chooseModel(ctx context.Context, v *store.Session, c ModelChoice) error {
	if c.Model != nil {
		v.Model = clipTo(*c.Model, maxModelName)
	}
	if c.ModelCredential != nil {
		v.ModelCredential = strings.TrimSpace(*c.ModelCredential)
	}
	if v.ModelCredential == "" || c.ModelCredential == nil && c.Model == nil {
		return nil
	}
	if err := Authorize(auth.FromContext(ctx), s.index["list_credentials"]); err != nil {
		return err
	}
	if v.Model == "" {
		return fieldFaults([]workflow.FieldError{{Field: "model", Message: "is missing", Hint: "name the model to reach with your credential"}})
	}
	if s.Vault == nil {
		return workflow.Errorf(workflow.CodeUnavailable, "credentials are not set up here")
	}
	cred, err := s.Vault.Store.Credential(ctx, owner(ctx), v.ModelCredential)
	if workflow.CodeOf(err) == workflow.CodeNotFound || err == nil && cred.Type != "openAiApi" && cred.Type != "anthropicApi" {
		return fieldFaults([]workflow.FieldError{{Field: "model_credential", Message: "is no credential of yours of the type openAiApi or anthropicApi", Hint: "list_credentials has their ids"}})
	}
	return err
}

// source finds the workflow to edit, or copies the one to copy.
func (s *Service) source(ctx context.Context, v *store.Session, in StartSessionInput) error {
	if in.WorkflowID == "" {
		err := workflow.Errorf(workflow.CodeInvalid, "workflow_id: name the workflow to %s", in.Action)
		err.Fields = []workflow.FieldError{{Field: "workflow_id", Message: "name the workflow to " + in.Action}}
		return err
	}
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return err
	}
	v.SourceID, v.WorkflowID, v.Title = w.ID, w.ID, w.Document.Name
	if in.Action == workflow.OriginCopy {
		doc := w.Document
		doc.Name += " (copy)"
		doc.Nodes = slices.Clone(doc.Nodes)
		for i := range doc.Nodes {
			doc.Nodes[i].WebhookID = "" // an address of its own
		}
		saved, err := s.ImportWorkflow(ctx, doc)
		if err != nil {
			return err
		}
		v.WorkflowID, v.Title = saved.WorkflowID, doc.Name
	}
	return nil
}

// GetSessionInput names a session.
type GetSessionInput struct {
	SessionID string `json:"session_id"`
}

// SessionView is a session as callers see it.
type SessionView struct {
	SessionID    string          `json:"session_id"`
	Action       string          `json:"action"`
	SourceID     string          `json:"source_workflow_id,omitempty"`
	WorkflowID   string          `json:"workflow_id,omitempty"`
	Title        string          `json:"title,omitempty"`
	Status       string          `json:"status"`
	Meta         json.RawMessage `json:"meta_data" jsonschema:"what the client keeps with the session"`
	Model        string          `json:"model,omitempty"`
	Credential   string          `json:"model_credential,omitempty"`
	Stage        string          `json:"stage,omitempty"`
	Questions    []string        `json:"pending_questions,omitempty"`
	Alternatives []string        `json:"alternatives,omitempty"`
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
}

// Session returns a session of the caller's with where it stands.
func (s *Service) Session(ctx context.Context, in GetSessionInput) (*SessionView, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	v, err := st.Session(ctx, owner(ctx), in.SessionID)
	if err != nil {
		return nil, err
	}
	out := viewOfSession(v)
	state, err := st.State(ctx, owner(ctx), in.SessionID)
	if err != nil || state == nil {
		return out, err
	}
	out.Stage, out.Alternatives = string(state.Stage), titles(state.Alternatives)
	if state.Clarification != nil && state.Stage == workflow.StageNegotiation {
		out.Questions = state.Clarification.Pending
	}
	return out, nil
}

func viewOfSession(v *store.Session) *SessionView {
	meta := v.Meta
	if len(meta) == 0 {
		meta = json.RawMessage("{}")
	}
	return &SessionView{SessionID: v.ID, Action: v.Action, SourceID: v.SourceID, WorkflowID: v.WorkflowID, Title: v.Title, Status: v.Status, Meta: meta, Model: v.Model, Credential: v.ModelCredential,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt}
}

// ListSessionsInput pages through the sessions.
type ListSessionsInput struct {
	Limit  int    `json:"limit,omitempty" min:"1" max:"200" default:"20"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before"`
	Sort   string `json:"sort,omitempty" enum:"newest,oldest"`
}

// SessionList is a page of sessions.
type SessionList struct {
	Sessions   []*SessionView `json:"sessions"`
	Total      int            `json:"total_count"`
	NextCursor string         `json:"next_cursor,omitempty"`
}

// ListSessions returns the caller's sessions, newest first.
func (s *Service) ListSessions(ctx context.Context, in ListSessionsInput) (*SessionList, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	list, total, next, err := st.ListSessions(ctx, owner(ctx), page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &SessionList{Sessions: make([]*SessionView, 0, len(list)), Total: total, NextCursor: next}
	for _, v := range list {
		out.Sessions = append(out.Sessions, viewOfSession(v))
	}
	return out, nil
}

// UpdateSessionInput changes a session: the fields that are given.
type UpdateSessionInput struct {
	SessionID string         `json:"session_id"`
	Title     *string        `json:"title,omitempty"`
	Status    *string        `json:"status,omitempty" enum:"active,archived"`
	Meta      map[string]any `json:"meta_data,omitempty"`
	ModelChoice
}

// UpdateSession changes title, status, meta_data and the language model.
func (s *Service) UpdateSession(ctx context.Context, in UpdateSessionInput) (*SessionView, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	v, err := st.Session(ctx, owner(ctx), in.SessionID)
	if err != nil {
		return nil, err
	}
	if in.Title != nil {
		v.Title = clipTo(*in.Title, 200)
	}
	if in.Status != nil {
		v.Status = *in.Status
	}
	if in.Meta != nil {
		if v.Meta, err = json.Marshal(in.Meta); err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "meta_data: is not JSON")
		}
	}
	if err := s.chooseModel(ctx, v, in.ModelChoice); err != nil {
		return nil, err
	}
	v.UpdatedAt = s.Now().UTC()
	if err := st.UpdateSession(ctx, v); err != nil {
		return nil, err
	}
	return s.Session(ctx, GetSessionInput{SessionID: in.SessionID})
}

// DeletedSession says what was deleted.
type DeletedSession struct {
	SessionID string `json:"session_id"`
	Deleted   bool   `json:"deleted"`
}

// DeleteSession deletes a session with all that was said in it. The workflow
// it made stays.
func (s *Service) DeleteSession(ctx context.Context, in GetSessionInput) (*DeletedSession, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	if err := st.DeleteSession(ctx, owner(ctx), in.SessionID); err != nil {
		return nil, err
	}
	s.forgetChat(ctx, in.SessionID)
	return &DeletedSession{SessionID: in.SessionID, Deleted: true}, nil
}

// ListMessagesInput pages through what was said.
type ListMessagesInput struct {
	SessionID string `json:"session_id"`
	Limit     int    `json:"limit,omitempty" min:"1" max:"500" default:"100"`
	Cursor    string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before"`
}

// MessageView is one thing said.
type MessageView struct {
	ID        string          `json:"id"`
	Type      string          `json:"message_type" jsonschema:"user, assistant or system"`
	Content   string          `json:"content"`
	Metadata  json.RawMessage `json:"metadata" jsonschema:"what belongs to the message: questions, alternatives"`
	Seq       int64           `json:"sequence_number"`
	CreatedAt time.Time       `json:"created_at"`
}

// MessageList is a page of what was said, oldest first.
type MessageList struct {
	SessionID  string        `json:"session_id"`
	Messages   []MessageView `json:"messages"`
	Total      int           `json:"total_count"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

// Messages returns what was said in a session.
func (s *Service) Messages(ctx context.Context, in ListMessagesInput) (*MessageList, error) {
	st, err := s.conversations()
	if err != nil {
		return nil, err
	}
	limit := in.Limit
	if limit <= 0 {
		limit = 100
	}
	var after int64
	if in.Cursor != "" {
		if _, err := fmt.Sscanf(in.Cursor, "m%d", &after); err != nil {
			return nil, workflow.Errorf(workflow.CodeInvalid, "cursor: is not one that was given out")
		}
	}
	list, total, err := st.ListMessages(ctx, owner(ctx), in.SessionID, after, min(limit, 500)+1)
	if err != nil {
		return nil, err
	}
	out := &MessageList{SessionID: in.SessionID, Messages: []MessageView{}, Total: total}
	if len(list) > limit {
		list = list[:limit]
		out.NextCursor = fmt.Sprintf("m%d", list[limit-1].Seq)
	}
	for _, m := range list {
		out.Messages = append(out.Messages, MessageView{ID: m.ID, Type: m.Type, Content: m.Content, Metadata: m.Metadata, Seq: m.Seq, CreatedAt: m.CreatedAt})
	}
	return out, nil
}

func clipTo(s string, n int) string {
	if r := []rune(strings.TrimSpace(s)); len(r) > n {
		return string(r[:n])
	}
	return strings.TrimSpace(s)
}
