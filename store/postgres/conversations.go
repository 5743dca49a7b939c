package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var _ store.Conversations = (*Store)(nil)

const sessionColumns = `id, owner_id, action, source_id, workflow_id, title, status, meta, model, model_credential, created_at, updated_at`

func scanChatSession(row pgx.Row) (*store.Session, error) {
	var s store.Session
	var title, meta []byte
	err := row.Scan(&s.ID, &s.OwnerID, &s.Action, &s.SourceID, &s.WorkflowID, &title, &s.Status, &meta, &s.Model, &s.ModelCredential, stamp{&s.CreatedAt}, stamp{&s.UpdatedAt})
	s.Title, s.Meta = string(title), meta
	return &s, err
}

func objectBytes(m json.RawMessage) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	return m
}

// CreateSession stores a new session.
func (s *Store) CreateSession(ctx context.Context, v *store.Session) error {
	return s.do(ctx, "store the session", user(v.OwnerID), func(b *pgx.Batch) {
		b.Queue(`INSERT INTO chat_sessions (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			v.ID, v.OwnerID, v.Action, v.SourceID, v.WorkflowID, []byte(v.Title), v.Status, objectBytes(v.Meta), v.Model, v.ModelCredential, at(v.CreatedAt), at(v.UpdatedAt))
	})
}

// Session returns the owner's session with that id.
func (s *Store) Session(ctx context.Context, owner, id string) (v *store.Session, err error) {
	err = s.do(ctx, "read the session", user(owner), func(b *pgx.Batch) {
		one(b.Queue(`SELECT `+sessionColumns+` FROM chat_sessions WHERE id = $1 AND owner_id = $2`, id, owner), &v, func(row pgx.Row) (*store.Session, error) {
			v, err := scanChatSession(row)
			return v, orNotFound(err, "session", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func scanNumber(row pgx.Row) (n int64, err error) {
	err = row.Scan(&n)
	return n, err
}

// ListSessions returns the owner's sessions, newest first.
func (s *Store) ListSessions(ctx context.Context, owner string, page store.Page) ([]*store.Session, int, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if err := w.after(store.ListOfSessions, page, "", "created_at"); err != nil {
		return nil, 0, "", err
	}
	var list []*store.Session
	var total []int64
	query := `SELECT ` + sessionColumns + ` FROM chat_sessions` + w.String() + page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list sessions", user(owner), func(b *pgx.Batch) {
		all(b.Queue(store.Counted(`chat_sessions WHERE owner_id = $1`), owner), &total, scanNumber)
		all(b.Queue(query, w.args...), &list, scanChatSession)
	})
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfSessions), list, page.Size(), func(v *store.Session) store.Cursor { return store.Cursor{At: v.CreatedAt, ID: v.ID} })
	return list, int(total[0]), next, nil
}

// UpdateSession stores what of a session may change.
func (s *Store) UpdateSession(ctx context.Context, v *store.Session) error {
	return s.touchSession(ctx, "change the session", v.OwnerID, v.ID,
		`UPDATE chat_sessions SET workflow_id = $1, title = $2, status = $3, meta = $4, model = $5, model_credential = $6, updated_at = $7 WHERE id = $8 AND owner_id = $9`,
		v.WorkflowID, []byte(v.Title), v.Status, objectBytes(v.Meta), v.Model, v.ModelCredential, at(v.UpdatedAt), v.ID, v.OwnerID)
}

// DeleteSession removes the session with all that was said in it.
func (s *Store) DeleteSession(ctx context.Context, owner, id string) error {
	return s.touchSession(ctx, "delete the session", owner, id, `DELETE FROM chat_sessions WHERE id = $1 AND owner_id = $2`, id, owner)
}

func (s *Store) touchSession(ctx context.Context, doing, owner, id, query string, args ...any) error {
	var n int64
	err := s.do(ctx, doing, user(owner), func(b *pgx.Batch) { affected(b.Queue(query, args...), &n) })
	if err == nil && n == 0 {
		return notFound("session", id)
	}
	return err
}

// BeginTurn takes the right to answer in a session, until a time of the
// database's clock.
func (s *Store) BeginTurn(ctx context.Context, owner, id string, ttl time.Duration) (int64, error) {
	var turn, there []int64
	err := s.do(ctx, "begin the turn", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`UPDATE chat_sessions SET turn = turn + 1, turn_until = clock_timestamp() + $1 * interval '1 microsecond'
			WHERE id = $2 AND owner_id = $3 AND (turn_until IS NULL OR turn_until <= clock_timestamp()) RETURNING turn`,
			ttl.Microseconds(), id, owner), &turn, scanNumber)
		all(b.Queue(`SELECT turn FROM chat_sessions WHERE id = $1 AND owner_id = $2`, id, owner), &there, scanNumber)
	})
	switch {
	case err != nil:
		return 0, err
	case len(turn) > 0:
		return turn[0], nil
	case len(there) == 0:
		return 0, notFound("session", id)
	}
	return 0, workflow.Errorf(workflow.CodeConflict, "An answer is still under way in this session. Wait for it, then send the message again.").WithReason("turn_in_progress")
}

// RenewTurn keeps the right to answer, unless it was given up.
func (s *Store) RenewTurn(ctx context.Context, owner, id string, turn int64, ttl time.Duration) error {
	var n int64
	err := s.do(ctx, "keep the turn", user(owner), func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE chat_sessions SET turn_until = clock_timestamp() + $1 * interval '1 microsecond'
			WHERE id = $2 AND owner_id = $3 AND turn = $4 AND turn_until IS NOT NULL`, ttl.Microseconds(), id, owner, turn), &n)
	})
	if err == nil && n == 0 {
		return workflow.Errorf(workflow.CodeConflict, "Another turn began in this session.")
	}
	return err
}

// EndTurn gives the right to answer up.
func (s *Store) EndTurn(ctx context.Context, owner, id string, turn int64) error {
	return s.do(ctx, "end the turn", user(owner), func(b *pgx.Batch) {
		b.Queue(`UPDATE chat_sessions SET turn_until = NULL WHERE id = $1 AND owner_id = $2 AND turn = $3`, id, owner, turn)
	})
}

// AddMessage stores m under the session's next number.
func (s *Store) AddMessage(ctx context.Context, m *store.Message) error {
	var seq []int64
	err := s.do(ctx, "store the message", user(m.OwnerID), func(b *pgx.Batch) {
		all(b.Queue(`WITH next AS (UPDATE chat_sessions SET messages = messages + 1, updated_at = $1 WHERE id = $2 AND owner_id = $3 RETURNING messages)
			INSERT INTO chat_messages (session_id, seq, id, owner_id, type, content, metadata, created_at)
			SELECT $2, next.messages, $4, $3, $5, $6, $7, $1 FROM next RETURNING seq`,
			at(m.CreatedAt), m.SessionID, m.OwnerID, m.ID, m.Type, []byte(m.Content), objectBytes(m.Metadata)), &seq, scanNumber)
	})
	if err == nil && len(seq) == 0 {
		return notFound("session", m.SessionID)
	}
	if err == nil {
		m.Seq = seq[0]
	}
	return err
}

func scanChatMessage(row pgx.Row) (*store.Message, error) {
	var m store.Message
	var content, meta []byte
	err := row.Scan(&m.ID, &m.SessionID, &m.OwnerID, &m.Seq, &m.Type, &content, &meta, stamp{&m.CreatedAt})
	m.Content, m.Metadata = string(content), meta
	return &m, err
}

// ListMessages returns messages behind a number, in order.
func (s *Store) ListMessages(ctx context.Context, owner, sessionID string, after int64, limit int) ([]*store.Message, int, error) {
	var total []int64
	var list []*store.Message
	err := s.do(ctx, "list messages", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT messages FROM chat_sessions WHERE id = $1 AND owner_id = $2`, sessionID, owner), &total, scanNumber)
		all(b.Queue(`SELECT id, session_id, owner_id, seq, type, content, metadata, created_at FROM chat_messages
			WHERE session_id = $1 AND owner_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`, sessionID, owner, after, limit), &list, scanChatMessage)
	})
	if err != nil {
		return nil, 0, err
	}
	if len(total) == 0 {
		return nil, 0, notFound("session", sessionID)
	}
	return list, int(total[0]), nil
}

// SaveState stores the state after a turn, unless a later one did.
func (s *Store) SaveState(ctx context.Context, owner, sessionID string, turn int64, state *workflow.AgentState) error {
	data, err := json.Marshal(state)
	if err != nil {
		return fail("write the state", err)
	}
	return s.do(ctx, "save the state", user(owner), func(b *pgx.Batch) {
		b.Queue(`UPDATE chat_sessions SET state = $1, state_turn = $2 WHERE id = $3 AND owner_id = $4 AND state_turn <= $2 AND turn >= $2`, data, turn, sessionID, owner)
	})
}

// State returns the agent's state, nil when there is none yet.
func (s *Store) State(ctx context.Context, owner, sessionID string) (*workflow.AgentState, error) {
	var rows [][]byte
	err := s.do(ctx, "read the state", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT state FROM chat_sessions WHERE id = $1 AND owner_id = $2`, sessionID, owner), &rows, func(row pgx.Row) (data []byte, err error) {
			err = row.Scan(&data)
			return data, err
		})
	})
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, notFound("session", sessionID)
	case rows[0] == nil:
		return nil, nil
	}
	out := &workflow.AgentState{}
	return out, fail("read the state", json.Unmarshal(rows[0], out))
}

// AddChatEvent stores an event under the session's next id and drops old ones.
func (s *Store) AddChatEvent(ctx context.Context, owner, sessionID string, data json.RawMessage, ends int64) (int64, error) {
	var id []int64
	err := s.do(ctx, "store the event", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`WITH next AS (UPDATE chat_sessions SET events = events + 1, turn_until = CASE WHEN turn <> $4 THEN turn_until END
			WHERE id = $1 AND owner_id = $2 RETURNING events)
			INSERT INTO chat_events (session_id, id, owner_id, data) SELECT $1, next.events, $2, $3 FROM next RETURNING id`, sessionID, owner, []byte(data), ends), &id, scanNumber)
		b.Queue(`DELETE FROM chat_events WHERE session_id = $1 AND owner_id = $2 AND id <= (SELECT events FROM chat_sessions WHERE id = $1) - $3::bigint`, sessionID, owner, store.KeptChatEvents)
	})
	if err == nil && len(id) == 0 {
		return 0, notFound("session", sessionID)
	}
	if err != nil {
		return 0, err
	}
	return id[0], nil
}

// ChatEvents returns events behind an id, in order.
func (s *Store) ChatEvents(ctx context.Context, owner, sessionID string, after int64, limit int) (list []store.ChatEvent, newest int64, err error) {
	var top []int64
	err = s.do(ctx, "list events", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT events FROM chat_sessions WHERE id = $1 AND owner_id = $2`, sessionID, owner), &top, scanNumber)
		all(b.Queue(`SELECT id, data FROM chat_events WHERE session_id = $1 AND owner_id = $2 AND id > $3 ORDER BY id LIMIT $4`, sessionID, owner, after, limit), &list,
			func(row pgx.Row) (e store.ChatEvent, err error) {
				var data []byte
				err = row.Scan(&e.ID, &data)
				e.Data = data
				return e, err
			})
	})
	if err == nil && len(top) == 0 {
		return nil, 0, notFound("session", sessionID)
	}
	if err != nil {
		return nil, 0, err
	}
	return list, top[0], nil
}
