-- +goose Up
-- What filters look at is in the index, so that rows that do not pass are not read.
DROP INDEX workflows_newest;
CREATE INDEX workflows_newest ON workflows (owner_id, updated_at, id, active, search);
CREATE INDEX workflows_active ON workflows (owner_id, updated_at, id) WHERE active = 1;
-- Executions are asked for by these statuses, few of many. The others' come and go on each run, and have no index to be kept.
CREATE INDEX executions_apart ON executions (owner_id, status, created_at, id)
    WHERE status = 'error' OR status = 'waiting' OR status = 'timeout' OR status = 'cancelled';

-- +goose Down
DROP INDEX executions_apart;
DROP INDEX workflows_active;
DROP INDEX workflows_newest;
CREATE INDEX workflows_newest ON workflows (owner_id, updated_at, id);
