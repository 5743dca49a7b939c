-- +goose Up
CREATE INDEX workflows_active ON workflows (owner_id, updated_at, id) WHERE active;
-- Executions are asked for by these statuses, few of many. The others' come and go on each run, and have no index to be kept.
CREATE INDEX executions_apart ON executions (owner_id, status, created_at, id)
    WHERE status = 'error' OR status = 'waiting' OR status = 'timeout' OR status = 'cancelled';

-- +goose Down
DROP INDEX executions_apart;
DROP INDEX workflows_active;
