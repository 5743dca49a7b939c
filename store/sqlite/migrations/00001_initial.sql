-- Times are microseconds since 1970 UTC; 0 stands for "not yet" or "never".
-- JSON that queries look into is TEXT, JSON that is only carried is BLOB, and
-- the columns that can be large come last.

-- +goose Up
CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    email      TEXT    NOT NULL,
    email_key  TEXT    NOT NULL, -- lower case, for look-up and uniqueness
    role       TEXT    NOT NULL,
    disabled   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE email_key <> '';
CREATE INDEX users_newest ON users (created_at, id);

CREATE TABLE workflows (
    id          TEXT PRIMARY KEY,
    owner_id    TEXT    NOT NULL,
    version     INTEGER NOT NULL, -- the newest of workflow_versions
    active      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    tags        TEXT    NOT NULL, -- JSON array of strings
    search      TEXT    NOT NULL, -- name and description in lower case
    static_data BLOB
) STRICT;
CREATE INDEX workflows_newest ON workflows (owner_id, updated_at, id);

CREATE TABLE workflow_versions (
    workflow_id TEXT    NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    saved_at    INTEGER NOT NULL,
    document    BLOB    NOT NULL,
    UNIQUE (workflow_id, version)
) STRICT;

CREATE TABLE webhooks (
    shape       TEXT    NOT NULL, -- the path with ":" in place of each parameter
    method      TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    parameters  INTEGER NOT NULL, -- how many
    workflow_id TEXT    NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    owner_id    TEXT    NOT NULL,
    node        TEXT    NOT NULL,
    PRIMARY KEY (shape, method)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_workflow ON webhooks (workflow_id);

CREATE TABLE executions (
    n                INTEGER PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    owner_id         TEXT    NOT NULL,
    workflow_id      TEXT    NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    workflow_version INTEGER NOT NULL,
    status           TEXT    NOT NULL,
    mode             TEXT    NOT NULL,
    executor         TEXT    NOT NULL,
    cancel_requested INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER NOT NULL,
    clock            INTEGER NOT NULL,
    seed             INTEGER NOT NULL, -- the 64 bits of an unsigned number
    last_seq         INTEGER NOT NULL, -- of the last event stored
    parent_id        TEXT    NOT NULL,
    retry_of         TEXT    NOT NULL,
    idempotency_key  TEXT    NOT NULL,
    engine_version   TEXT    NOT NULL,
    last_node        TEXT    NOT NULL,
    runs_stored      TEXT    NOT NULL, -- JSON object: node to how many runs, counted from 0 without gaps, are stored
    error            BLOB,
    waiting_for      BLOB,
    start            BLOB,
    result           BLOB
) STRICT;
CREATE INDEX executions_newest ON executions (owner_id, created_at, id, status);
CREATE INDEX executions_of_workflow ON executions (workflow_id, owner_id, created_at, id);
CREATE UNIQUE INDEX executions_idempotent ON executions (owner_id, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX executions_queued ON executions (created_at, id) WHERE status = 'queued';
CREATE INDEX executions_live ON executions (executor) WHERE status IN ('running', 'waiting');
CREATE INDEX executions_finished ON executions (finished_at) WHERE finished_at > 0;

-- What one flush wrote of one execution. Events have first_seq to last_seq; a
-- flush without events repeats the last_seq before it.
CREATE TABLE execution_chunks (
    n         INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL REFERENCES executions (n) ON DELETE CASCADE,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    nodes     TEXT    NOT NULL, -- JSON array: names of the nodes in runs
    events    BLOB,
    runs      BLOB
) STRICT;
CREATE INDEX execution_chunks_order ON execution_chunks (execution, last_seq, n);

CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY,
    owner_id        TEXT    NOT NULL,
    client_name     TEXT    NOT NULL,
    hash            BLOB    NOT NULL,
    scopes          TEXT    NOT NULL, -- JSON array of strings
    rate_limit_tier TEXT    NOT NULL,
    active          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    revoked_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_newest ON api_keys (owner_id, created_at, id);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT    NOT NULL,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
-- One counter for all leases, so that a fence does not repeat after its lease
-- was given up and its row is gone.
CREATE TABLE lease_fence (last INTEGER NOT NULL) STRICT;
INSERT INTO lease_fence (last) VALUES (0);

-- +goose Down
DROP TABLE lease_fence;
DROP TABLE leases;
DROP TABLE secrets;
DROP TABLE api_keys;
DROP TABLE execution_chunks;
DROP TABLE executions;
DROP TABLE webhooks;
DROP TABLE workflow_versions;
DROP TABLE workflows;
DROP TABLE users;
