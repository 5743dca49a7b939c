-- +goose Up
-- Lists by name run along the beginning of the name in lower case.
ALTER TABLE workflows ADD COLUMN name_key TEXT GENERATED ALWAYS AS (substr(search, 1, min(200, instr(search, char(10)) - 1))) VIRTUAL;
CREATE INDEX workflows_by_name ON workflows (owner_id, name_key, id);

-- +goose Down
DROP INDEX workflows_by_name;
ALTER TABLE workflows DROP COLUMN name_key;
