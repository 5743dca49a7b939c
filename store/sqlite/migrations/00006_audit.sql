-- +goose Up
CREATE TABLE audit_log (
    id       TEXT    NOT NULL UNIQUE, -- chain and number
    subject  TEXT    NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    entries  BLOB    NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_log_newest ON audit_log (last_at, id);
CREATE INDEX audit_log_subject ON audit_log (subject, last_at, id);

-- +goose StatementBegin
CREATE TRIGGER audit_log_unchanging BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd

CREATE TABLE audit_chains (
    name        TEXT PRIMARY KEY,
    anchor_seq  INTEGER NOT NULL, -- what is up to it has been pruned
    anchor_hash BLOB    NOT NULL,
    anchor_mac  BLOB    NOT NULL,
    head_seq    INTEGER NOT NULL,
    head_hash   BLOB    NOT NULL,
    head_mac    BLOB    NOT NULL,
    last_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE audit_chains;
DROP TABLE audit_log;
