-- +goose Up
CREATE TABLE schedules (
    workflow_id TEXT    NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node        TEXT    NOT NULL,
    owner_id    TEXT    NOT NULL,
    rules       TEXT    NOT NULL,
    next_at     INTEGER NOT NULL, -- 0: never again
    last_at     INTEGER NOT NULL,
    missed      INTEGER NOT NULL,
    missed_at   INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at > 0;

-- How often the process that computed an execution died without it getting
-- beyond last_seq; released: the process gave it up in good order.
CREATE TABLE execution_deaths (
    execution_id TEXT PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    deaths       INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    released     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who may answer what an execution waits for, until claimed_until.
CREATE TABLE execution_answers (
    execution_id  TEXT    NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    topic         TEXT    NOT NULL,
    claimed_until INTEGER NOT NULL,
    PRIMARY KEY (execution_id, topic)
) STRICT, WITHOUT ROWID;

CREATE INDEX executions_running ON executions (owner_id, workflow_id) WHERE status = 'running';
CREATE INDEX executions_running_workflow ON executions (workflow_id) WHERE status = 'running';
CREATE INDEX executions_cancelled_waits ON executions (n) WHERE status = 'waiting' AND cancel_requested = 1;

-- +goose Down
DROP INDEX executions_cancelled_waits;
DROP INDEX executions_running_workflow;
DROP INDEX executions_running;
DROP TABLE execution_answers;
DROP TABLE execution_deaths;
DROP TABLE schedules;
