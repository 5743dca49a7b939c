package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var _ store.Conversations = (*Store)(nil)

const sessionColumns = `id, owner_id, action, source_id, workflow_id, title, status, meta, model, model_credential, created_at, updated_at`

func scanSession(row scanner) (*store.Session, error) {
	var s store.Session
	var meta []byte
	err := row.Scan(&s.ID, &s.OwnerID, &s.Action, &s.SourceID, &s.WorkflowID, &s.Title, &s.Status, &meta, &s.Model, &s.ModelCredential, stamp{&s.CreatedAt}, stamp{&s.UpdatedAt})
	s.Meta = meta
	return &s, err
}

// objectBytes is JSON for a column that always holds an object.
func objectBytes(m json.RawMessage) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	return m
}

// CreateSession stores a new session.
func (s *Store) CreateSession(ctx context.Context, v *store.Session) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO chat_sessions (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		v.ID, v.OwnerID, v.Action, v.SourceID, v.WorkflowID, v.Title, v.Status, objectBytes(v.Meta), v.Model, v.ModelCredential, micros(v.CreatedAt), micros(v.UpdatedAt))
	return fail("store the session", err)
}

// Session returns the owner's session with that id.
func (s *Store) Session(ctx context.Context, owner, id string) (*store.Session, error) {
	v, err := scanSession(s.read.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM chat_sessions WHERE id = ? AND owner_id = ?`, id, owner))
	if err != nil {
		return nil, orNotFound(err, "read the session", "session", id)
	}
	return v, nil
}

// ListSessions returns the owner's sessions, newest first.
func (s *Store) ListSessions(ctx context.Context, owner string, page store.Page) ([]*store.Session, int, string, error) {
	var total int
	if err := s.read.QueryRowContext(ctx, store.Counted(`chat_sessions WHERE owner_id = ?`), owner).Scan(&total); err != nil {
		return nil, 0, "", fail("count sessions", err)
	}
	var w where
	w.and("owner_id = ?", owner)
	if err := w.after(store.ListOfSessions, page, "created_at"); err != nil {
		return nil, 0, "", err
	}
	list, err := collect(ctx, s.read, scanSession, `SELECT `+sessionColumns+` FROM chat_sessions`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, 0, "", fail("list sessions", err)
	}
	list, next := store.Trim(page.Of(store.ListOfSessions), list, page.Size(), func(v *store.Session) store.Cursor { return store.Cursor{At: v.CreatedAt, ID: v.ID} })
	return list, total, next, nil
}

// UpdateSession stores what of a session may change.
func (s *Store) UpdateSession(ctx context.Context, v *store.Session) error {
	res, err := s.write.ExecContext(ctx, `UPDATE chat_sessions SET workflow_id = ?, title = ?, status = ?, meta = ?, model = ?, model_credential = ?, updated_at = ? WHERE id = ? AND owner_id = ?`,
		v.WorkflowID, v.Title, v.Status, objectBytes(v.Meta), v.Model, v.ModelCredential, micros(v.UpdatedAt), v.ID, v.OwnerID)
	if err != nil {
		return fail("change the session", err)
	}
	return touched(res, "session", v.ID)
}

// DeleteSession removes the session with all that was said in it.
func (s *Store) DeleteSession(ctx context.Context, owner, id string) error {
	res, err := s.write.ExecContext(ctx, `DELETE FROM chat_sessions WHERE id = ? AND owner_id = ?`, id, owner)
	if err != nil {
		return fail("delete the session", err)
	}
	return touched(res, "session", id)
}

// BeginTurn takes the right to answer in a session.
func (s *Store) BeginTurn(ctx context.Context, owner, id string, ttl time.Duration) (turn int64, err error) {
	now := s.stampNow()
	err = s.write.QueryRowContext(ctx, `UPDATE chat_sessions SET turn = turn + 1, turn_until = ? WHERE id = ? AND owner_id = ? AND turn_until <= ? RETURNING turn`,
		micros(now.Add(ttl)), id, owner, micros(now)).Scan(&turn)
	if !errors.Is(err, sql.ErrNoRows) {
		return turn, fail("begin the turn", err)
	}
	if _, err := s.Session(ctx, owner, id); err != nil {
		return 0, err
	}
	return 0, workflow.Errorf(workflow.CodeConflict, "An answer is still under way in this session. Wait for it, then send the message again.").WithReason("turn_in_progress")
}

// RenewTurn keeps the right to answer, unless it was given up.
func (s *Store) RenewTurn(ctx context.Context, owner, id string, turn int64, ttl time.Duration) error {
	res, err := s.write.ExecContext(ctx, `UPDATE chat_sessions SET turn_until = ? WHERE id = ? AND owner_id = ? AND turn = ? AND turn_until > 0`,
		micros(s.stampNow().Add(ttl)), id, owner, turn)
	if err != nil {
		return fail("keep the turn", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return workflow.Errorf(workflow.CodeConflict, "Another turn began in this session.")
}

// EndTurn gives the right to answer up.
func (s *Store) EndTurn(ctx context.Context, owner, id string, turn int64) error {
	_, err := s.write.ExecContext(ctx, `UPDATE chat_sessions SET turn_until = 0 WHERE id = ? AND owner_id = ? AND turn = ?`, id, owner, turn)
	return fail("end the turn", err)
}

// AddMessage stores m under the session's next number.
func (s *Store) AddMessage(ctx context.Context, m *store.Message) error {
	return s.tx(ctx, "store the message", func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE chat_sessions SET messages = messages + 1, updated_at = ? WHERE id = ? AND owner_id = ? RETURNING messages`,
			micros(m.CreatedAt), m.SessionID, m.OwnerID).Scan(&m.Seq)
		if err != nil {
			return orNotFound(err, "store the message", "session", m.SessionID)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO chat_messages (session_id, seq, id, owner_id, type, content, metadata, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			m.SessionID, m.Seq, m.ID, m.OwnerID, m.Type, m.Content, objectBytes(m.Metadata), micros(m.CreatedAt))
		return err
	})
}

func scanMessage(row scanner) (*store.Message, error) {
	var m store.Message
	var meta []byte
	err := row.Scan(&m.ID, &m.SessionID, &m.OwnerID, &m.Seq, &m.Type, &m.Content, &meta, stamp{&m.CreatedAt})
	m.Metadata = meta
	return &m, err
}

// ListMessages returns messages behind a number, in order.
func (s *Store) ListMessages(ctx context.Context, owner, sessionID string, after int64, limit int) ([]*store.Message, int, error) {
	var total int
	err := s.read.QueryRowContext(ctx, `SELECT messages FROM chat_sessions WHERE id = ? AND owner_id = ?`, sessionID, owner).Scan(&total)
	if err != nil {
		return nil, 0, orNotFound(err, "read the session", "session", sessionID)
	}
	list, err := collect(ctx, s.read, scanMessage, `SELECT id, session_id, owner_id, seq, type, content, metadata, created_at FROM chat_messages
		WHERE session_id = ? AND owner_id = ? AND seq > ? ORDER BY seq LIMIT ?`, sessionID, owner, after, limit)
	return list, total, fail("list messages", err)
}

// SaveState stores the state after a turn, unless a later one did.
func (s *Store) SaveState(ctx context.Context, owner, sessionID string, turn int64, state *workflow.AgentState) error {
	data, err := json.Marshal(state)
	if err != nil {
		return fail("write the state", err)
	}
	_, err = s.write.ExecContext(ctx, `UPDATE chat_sessions SET state = ?, state_turn = ? WHERE id = ? AND owner_id = ? AND state_turn <= ? AND turn >= ?`,
		data, turn, sessionID, owner, turn, turn)
	return fail("save the state", err)
}

// State returns the agent's state, nil when there is none yet.
func (s *Store) State(ctx context.Context, owner, sessionID string) (*workflow.AgentState, error) {
	var data []byte
	err := s.read.QueryRowContext(ctx, `SELECT state FROM chat_sessions WHERE id = ? AND owner_id = ?`, sessionID, owner).Scan(&data)
	if err != nil {
		return nil, orNotFound(err, "read the state", "session", sessionID)
	}
	if data == nil {
		return nil, nil
	}
	out := &workflow.AgentState{}
	return out, fail("read the state", json.Unmarshal(data, out))
}

// AddChatEvent stores an event under the session's next id and drops old ones.
func (s *Store) AddChatEvent(ctx context.Context, owner, sessionID string, data json.RawMessage, ends int64) (id int64, err error) {
	err = s.tx(ctx, "store the event", func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE chat_sessions SET events = events + 1, turn_until = iif(turn = ?, 0, turn_until)
			WHERE id = ? AND owner_id = ? RETURNING events`, ends, sessionID, owner).Scan(&id)
		if err != nil {
			return orNotFound(err, "store the event", "session", sessionID)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM chat_events WHERE session_id = ? AND id <= ?`, sessionID, id-store.KeptChatEvents); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO chat_events (session_id, id, owner_id, data) VALUES (?, ?, ?, ?)`, sessionID, id, owner, []byte(data))
		return err
	})
	return id, err
}

// ChatEvents returns events behind an id, in order.
func (s *Store) ChatEvents(ctx context.Context, owner, sessionID string, after int64, limit int) (list []store.ChatEvent, newest int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT events FROM chat_sessions WHERE id = ? AND owner_id = ?`, sessionID, owner).Scan(&newest)
	if err != nil {
		return nil, 0, orNotFound(err, "read the session", "session", sessionID)
	}
	list, err = collect(ctx, s.read, func(row scanner) (store.ChatEvent, error) {
		var e store.ChatEvent
		var data []byte
		err := row.Scan(&e.ID, &data)
		e.Data = data
		return e, err
	}, `SELECT id, data FROM chat_events WHERE session_id = ? AND owner_id = ? AND id > ? ORDER BY id LIMIT ?`, sessionID, owner, after, limit)
	return list, newest, fail("list events", err)
}
