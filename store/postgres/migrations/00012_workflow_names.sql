-- +goose Up
-- Lists by name run along the beginning of the name in lower case.
ALTER TABLE workflows ADD COLUMN name_key text COLLATE "C" GENERATED ALWAYS AS (left(split_part(search, E'\n', 1), 200)) STORED;
CREATE INDEX workflows_by_name ON workflows (owner_id, name_key, id);

-- +goose Down
DROP INDEX workflows_by_name;
ALTER TABLE workflows DROP COLUMN name_key;
