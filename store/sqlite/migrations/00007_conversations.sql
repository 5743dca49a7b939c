-- +goose Up
CREATE TABLE chat_sessions (
    id          TEXT PRIMARY KEY,
    owner_id    TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    source_id   TEXT    NOT NULL,
    workflow_id TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    meta        BLOB    NOT NULL, -- JSON object
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    messages    INTEGER NOT NULL DEFAULT 0, -- how many were said: the newest one's number
    events      INTEGER NOT NULL DEFAULT 0, -- the newest event's id
    turn        INTEGER NOT NULL DEFAULT 0, -- the newest turn's number
    turn_until  INTEGER NOT NULL DEFAULT 0, -- whose turn it is then ends
    state_turn  INTEGER NOT NULL DEFAULT 0, -- the turn that saved the state
    state       BLOB                        -- of the agent, JSON
) STRICT;
CREATE INDEX chat_sessions_newest ON chat_sessions (owner_id, created_at, id);

CREATE TABLE chat_messages (
    session_id TEXT    NOT NULL REFERENCES chat_sessions (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    owner_id   TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    content    TEXT    NOT NULL,
    metadata   BLOB    NOT NULL, -- JSON object
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_events (
    session_id TEXT    NOT NULL REFERENCES chat_sessions (id) ON DELETE CASCADE,
    id         INTEGER NOT NULL,
    owner_id   TEXT    NOT NULL,
    data       BLOB    NOT NULL, -- JSON
    PRIMARY KEY (session_id, id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE chat_events;
DROP TABLE chat_messages;
DROP TABLE chat_sessions;
