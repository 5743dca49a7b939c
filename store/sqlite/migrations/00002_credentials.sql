-- +goose Up
CREATE TABLE credentials (
    id         TEXT PRIMARY KEY,
    owner_id   TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    sealed     BLOB    NOT NULL -- the values; only who has the key can read them
) STRICT;
CREATE UNIQUE INDEX credentials_name ON credentials (owner_id, type, name);
CREATE INDEX credentials_newest ON credentials (owner_id, created_at, id);

-- Webhooks that take one call, until a time. As in webhooks, shape is the path
-- with ":" in place of each parameter.
CREATE TABLE test_webhooks (
    shape       TEXT    NOT NULL,
    method      TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    parameters  INTEGER NOT NULL,
    workflow_id TEXT    NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    owner_id    TEXT    NOT NULL,
    node        TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (shape, method)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_webhooks_workflow ON test_webhooks (workflow_id);

-- +goose Down
DROP TABLE test_webhooks;
DROP TABLE credentials;
