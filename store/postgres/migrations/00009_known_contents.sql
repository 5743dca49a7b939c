-- +goose Up
-- The engine tells contents whose file is gone from those of files: by their
-- ids, and nothing more.
CREATE POLICY engine ON files FOR SELECT TO flowgate_engine USING (true);
GRANT SELECT (id) ON files TO flowgate_engine;

-- +goose Down
DROP POLICY engine ON files;
REVOKE SELECT (id) ON files FROM flowgate_engine;
