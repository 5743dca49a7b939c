package migrate

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// user brings somebody's account, without the password.
func (m *run) user(ctx context.Context, r row) (outcome, []string, error) {
	anonymous, _ := r.flag("is_anonymous")
	u := &workflow.User{ID: r.text("id"), Email: r.text("email"), Role: "user", Anonymous: anonymous, Metadata: objectOf(r.raw("raw_user_meta_data")),
		CreatedAt: m.at(r, "created_at"), UpdatedAt: m.at(r, "updated_at", "created_at")}
	if u.Email == "" && !anonymous {
		return 0, nil, refuse("the account has no email")
	}
	if is, err := isThere(m.Target.User(ctx, u.ID)); is || err != nil {
		return present, nil, err
	}
	if u.Email != "" {
		if is, err := isThere(m.Target.UserByEmail(ctx, u.Email)); err != nil {
			return 0, nil, err
		} else if is {
			return 0, nil, refuse("another account here has the email %s: what belongs to this one would not be seen by it", u.Email)
		}
	}
	if m.DryRun {
		return brought, nil, nil
	}
	return brought, nil, m.Target.CreateUser(ctx, u)
}

// session brings a conversation.
func (m *run) session(ctx context.Context, r row) (outcome, []string, error) {
	s := &store.Session{ID: r.text("id"), OwnerID: r.text("user_id"), SourceID: r.text("source_workflow_id"), WorkflowID: r.text("workflow_id"),
		Title: r.text("title", "session_name"), Status: "active", Meta: objectOf(r.raw("meta_data", "metadata", "session_data")),
		CreatedAt: m.at(r, "created_at"), UpdatedAt: m.at(r, "updated_at", "last_activity", "created_at")}
	if s.OwnerID == "" {
		return 0, nil, refuse("it belongs to nobody: its user_id is empty")
	}
	m.owners[s.ID] = s.OwnerID
	switch s.Action = strings.ToLower(r.text("action_type", "action")); s.Action {
	case workflow.OriginCreate, workflow.OriginEdit, workflow.OriginCopy:
	default:
		s.Action = workflow.OriginCreate
	}
	if active, said := r.flag("is_active"); said && !active || strings.EqualFold(r.text("status"), "archived") {
		s.Status = "archived"
	}
	if is, err := isThere(m.Target.Session(ctx, s.OwnerID, s.ID)); is || err != nil {
		return present, nil, err
	}
	if m.DryRun {
		return brought, nil, nil
	}
	return brought, nil, m.Target.CreateSession(ctx, s)
}

// said is what a session's messages here are known to be.
type said struct {
	session string
	ids     map[string]bool
}

// namespace is of the ids that are made from those of the source.
var namespace = uuid.MustParse("6f0ff5a5-5c27-4d13-9a2e-5a4d4f1a4d0c")

// message brings something said.
func (m *run) message(ctx context.Context, r row) (outcome, []string, error) {
	session := r.text("session_id")
	owner := m.owners[session]
	if owner == "" {
		return 0, nil, refuse("its session %s was not brought", session)
	}
	msg := &store.Message{ID: uuid.NewSHA1(namespace, []byte(session+" "+r.text("id"))).String(), SessionID: session, OwnerID: owner,
		Type: strings.ToLower(r.text("message_type", "role")), Content: r.text("content"), Metadata: objectOf(r.raw("metadata", "meta_data")), CreatedAt: m.at(r, "created_at")}
	var remarks []string
	switch msg.Type {
	case "user", "assistant", "system":
	case "ai", "agent", "bot":
		msg.Type = "assistant"
	case "human":
		msg.Type = "user"
	default:
		remarks = append(remarks, "it is of the type "+strconv.Quote(msg.Type)+", and was kept as one of the system")
		msg.Type = "system"
	}
	if m.said.session != session {
		ids, err := m.saidIn(ctx, owner, session)
		if err != nil {
			return 0, nil, err
		}
		m.said = said{session, ids}
	}
	if m.said.ids[msg.ID] {
		return present, nil, nil
	}
	if m.DryRun {
		return brought, remarks, nil
	}
	return brought, remarks, m.Target.AddMessage(ctx, msg)
}

func (m *run) saidIn(ctx context.Context, owner, session string) (map[string]bool, error) {
	const page = 500
	ids := map[string]bool{}
	for after := int64(0); ; {
		list, _, err := m.Target.ListMessages(ctx, owner, session, after, page)
		if workflow.CodeOf(err) == workflow.CodeNotFound { // a dry run
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		for _, msg := range list {
			ids[msg.ID], after = true, msg.Seq
		}
		if len(list) < page {
			return ids, nil
		}
	}
}

// state brings what the agent knew when a conversation last paused.
func (m *run) state(ctx context.Context, r row) (outcome, []string, error) {
	session := r.text("session_id")
	owner := m.owners[session]
	if owner == "" {
		return 0, nil, refuse("its session %s was not brought", session)
	}
	have, err := m.Target.State(ctx, owner, session)
	if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
		return 0, nil, err
	}
	if have != nil {
		return present, nil, nil
	}
	state, remarks := stateOf(r)
	state.SessionID, state.UserID = session, owner
	if m.DryRun {
		return brought, remarks, nil
	}
	return brought, remarks, m.Target.SaveState(ctx, owner, session, 0, state)
}

// at returns a row's time, and the time of the run when it has none.
func (m *run) at(r row, names ...string) time.Time {
	if t := r.time(names...); !t.IsZero() {
		return t
	}
	return m.Now().UTC()
}

// isThere tells what was found from what was not.
func isThere[T any](_ *T, err error) (bool, error) {
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// objectOf returns v when it is an object that is not empty.
func objectOf(v json.RawMessage) json.RawMessage {
	in := row{}
	if json.Unmarshal(v, &in) != nil || len(in) == 0 {
		return nil
	}
	return v
}
