-- +goose Up
CREATE TABLE files (
    id         TEXT    PRIMARY KEY,
    owner_id   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    mime_type  TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_newest ON files (owner_id, created_at, id);
CREATE INDEX files_usage ON files (owner_id, size);

-- +goose Down
DROP TABLE files;
