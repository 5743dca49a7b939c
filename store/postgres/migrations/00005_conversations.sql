-- +goose Up
CREATE TABLE chat_sessions (
    id          text COLLATE "C" PRIMARY KEY,
    owner_id    text COLLATE "C" NOT NULL,
    action      text        NOT NULL,
    source_id   text        NOT NULL,
    workflow_id text        NOT NULL,
    title       bytea       NOT NULL,
    status      text        NOT NULL,
    meta        bytea       NOT NULL, -- JSON object
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    messages    bigint      NOT NULL DEFAULT 0, -- how many were said: the newest one's number
    events      bigint      NOT NULL DEFAULT 0, -- the newest event's id
    turn        bigint      NOT NULL DEFAULT 0, -- the newest turn's number
    turn_until  timestamptz,                    -- whose turn it is then ends
    state_turn  bigint      NOT NULL DEFAULT 0, -- the turn that saved the state
    state       bytea                           -- of the agent, JSON
);
CREATE INDEX chat_sessions_newest ON chat_sessions (owner_id, created_at, id);

CREATE TABLE chat_messages (
    session_id text COLLATE "C" NOT NULL REFERENCES chat_sessions (id) ON DELETE CASCADE,
    seq        bigint      NOT NULL,
    id         text        NOT NULL,
    owner_id   text COLLATE "C" NOT NULL,
    type       text        NOT NULL,
    content    bytea       NOT NULL,
    metadata   bytea       NOT NULL, -- JSON object
    created_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);

CREATE TABLE chat_events (
    session_id text COLLATE "C" NOT NULL REFERENCES chat_sessions (id) ON DELETE CASCADE,
    id         bigint NOT NULL,
    owner_id   text COLLATE "C" NOT NULL,
    data       bytea  NOT NULL, -- JSON
    PRIMARY KEY (session_id, id)
);

ALTER TABLE chat_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE chat_messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE chat_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON chat_sessions TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON chat_messages TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON chat_events TO authenticated USING (owner_id = (SELECT acting_user()));
GRANT SELECT, INSERT, DELETE, UPDATE (workflow_id, title, status, meta, updated_at, messages, events, turn, turn_until, state_turn, state) ON chat_sessions TO authenticated;
GRANT SELECT, INSERT, DELETE ON chat_messages TO authenticated;
GRANT SELECT, INSERT, DELETE ON chat_events TO authenticated;

-- +goose Down
DROP TABLE chat_events, chat_messages, chat_sessions;
