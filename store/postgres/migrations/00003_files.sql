-- +goose Up
CREATE TABLE files (
    id         text COLLATE "C" PRIMARY KEY,
    owner_id   text        NOT NULL,
    name       text        NOT NULL,
    mime_type  text        NOT NULL,
    size       bigint      NOT NULL,
    sha256     text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX files_newest ON files (owner_id, created_at, id);
CREATE INDEX files_usage ON files (owner_id) INCLUDE (size);
ALTER TABLE files ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON files TO authenticated USING (owner_id = (SELECT acting_user()));
GRANT SELECT, INSERT, DELETE ON files TO authenticated;

-- +goose Down
DROP TABLE files;
