-- Times are NULL for "not yet" or "never". JSON that is only carried is bytea,
-- since json and text refuse some of what JSON can say; what queries look into
-- is jsonb or an array. convert_from(column, 'UTF8') shows the former.
--
-- Who may do what: the role authenticated acts for the user whom the claims of
-- the transaction name and sees that user's rows only, as under Supabase. What
-- precedes or crosses users has roles of its own that may do just that. None of
-- them can log in; the program's login is a member of all four and takes on one
-- per transaction. Row-level security is forced, for the tables' owner too.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    name text;
    mine boolean;
BEGIN
    FOREACH name IN ARRAY ARRAY['authenticated', 'flowgate_auth', 'flowgate_engine', 'flowgate_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- roles are common to all databases of a server: another one made it just now
            END;
        END IF;
        IF current_setting('server_version_num')::int >= 160000 THEN
            mine := pg_has_role(current_user, name, 'SET');
        ELSE
            mine := pg_has_role(current_user, name, 'MEMBER');
        END IF;
        IF NOT mine THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
    END LOOP;
END $$;
-- +goose StatementEnd

-- Whom the transaction acts for. The same as Supabase's auth.uid(), but for
-- being text, and there without Supabase.
CREATE FUNCTION acting_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';
REVOKE ALL ON FUNCTION acting_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acting_user() TO authenticated;

CREATE TABLE users (
    id         text COLLATE "C" PRIMARY KEY,
    email      text        NOT NULL,
    email_key  text        NOT NULL, -- lower case, for look-up and uniqueness
    role       text        NOT NULL,
    disabled   boolean     NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE email_key <> '';
CREATE INDEX users_newest ON users (created_at, id);

CREATE TABLE workflows (
    id          text COLLATE "C" PRIMARY KEY,
    owner_id    text        NOT NULL,
    version     integer     NOT NULL, -- the newest of workflow_versions
    active      boolean     NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    tags        jsonb       NOT NULL, -- array of strings
    search      text        NOT NULL, -- name and description in lower case
    static_data bytea,
    UNIQUE (id, owner_id) -- for the foreign keys: what belongs to a workflow has its owner
);
CREATE INDEX workflows_newest ON workflows (owner_id, updated_at, id);

CREATE TABLE workflow_versions (
    workflow_id text COLLATE "C" NOT NULL,
    owner_id    text             NOT NULL,
    version     integer          NOT NULL,
    saved_at    timestamptz      NOT NULL,
    document    bytea            NOT NULL,
    PRIMARY KEY (workflow_id, version),
    FOREIGN KEY (workflow_id, owner_id) REFERENCES workflows (id, owner_id) ON DELETE CASCADE
);

CREATE TABLE webhooks (
    shape       text COLLATE "C" NOT NULL, -- the path with ":" in place of each parameter
    method      text             NOT NULL,
    path        text             NOT NULL,
    parameters  integer          NOT NULL, -- how many
    workflow_id text COLLATE "C" NOT NULL,
    owner_id    text             NOT NULL,
    node        text             NOT NULL,
    PRIMARY KEY (shape, method),
    FOREIGN KEY (workflow_id, owner_id) REFERENCES workflows (id, owner_id) ON DELETE CASCADE
);
CREATE INDEX webhooks_workflow ON webhooks (workflow_id);

CREATE TABLE executions (
    n                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               text COLLATE "C" NOT NULL UNIQUE,
    owner_id         text             NOT NULL,
    workflow_id      text COLLATE "C" NOT NULL,
    workflow_version integer          NOT NULL,
    status           text             NOT NULL,
    mode             text             NOT NULL,
    executor         text             NOT NULL,
    cancel_requested boolean          NOT NULL DEFAULT false,
    created_at       timestamptz      NOT NULL,
    started_at       timestamptz,
    finished_at      timestamptz,
    clock            timestamptz,
    seed             bigint           NOT NULL, -- the 64 bits of an unsigned number
    last_seq         bigint           NOT NULL DEFAULT 0, -- of the last event stored
    parent_id        text             NOT NULL,
    retry_of         text             NOT NULL,
    idempotency_key  text             NOT NULL,
    engine_version   text             NOT NULL,
    last_node        text             NOT NULL,
    runs_stored      bytea, -- JSON object: node to how many runs, counted from 0 without gaps, are stored
    error            bytea,
    waiting_for      bytea,
    start            bytea,
    result           bytea,
    FOREIGN KEY (workflow_id, owner_id) REFERENCES workflows (id, owner_id) ON DELETE CASCADE
);
CREATE INDEX executions_newest ON executions (owner_id, created_at, id) INCLUDE (status);
CREATE INDEX executions_of_workflow ON executions (workflow_id, owner_id, created_at, id) INCLUDE (status);
CREATE UNIQUE INDEX executions_idempotent ON executions (owner_id, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX executions_queued ON executions (created_at, id) WHERE status = 'queued';
CREATE INDEX executions_live ON executions (executor) WHERE status IN ('running', 'waiting');
CREATE INDEX executions_running ON executions (owner_id, workflow_id) WHERE status = 'running';
CREATE INDEX executions_running_workflow ON executions (workflow_id) WHERE status = 'running';
CREATE INDEX executions_cancelled_waits ON executions (n) WHERE status = 'waiting' AND cancel_requested;
CREATE INDEX executions_finished ON executions (finished_at) WHERE finished_at IS NOT NULL;

-- What one flush wrote of one execution. Events have first_seq to last_seq; a
-- flush without events repeats the last_seq before it.
CREATE TABLE execution_chunks (
    n         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution bigint NOT NULL REFERENCES executions (n) ON DELETE CASCADE,
    owner_id  text   NOT NULL, -- the execution's, for its policy
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    nodes     text[] NOT NULL, -- names of the nodes in runs
    events    bytea,
    runs      bytea
);
CREATE INDEX execution_chunks_order ON execution_chunks (execution, last_seq, n);

-- How often the process that computed an execution died without it getting
-- beyond last_seq; released: the process gave it up in good order.
CREATE TABLE execution_deaths (
    execution bigint  PRIMARY KEY REFERENCES executions (n) ON DELETE CASCADE,
    deaths    integer NOT NULL,
    last_seq  bigint  NOT NULL,
    released  boolean NOT NULL
);

-- Who may answer what an execution waits for, until claimed_until.
CREATE TABLE execution_answers (
    execution     bigint      NOT NULL REFERENCES executions (n) ON DELETE CASCADE,
    topic         text        NOT NULL,
    claimed_until timestamptz NOT NULL,
    PRIMARY KEY (execution, topic)
);

CREATE TABLE api_keys (
    id              text COLLATE "C" PRIMARY KEY,
    owner_id        text        NOT NULL,
    client_name     text        NOT NULL,
    hash            bytea       NOT NULL,
    scopes          text[]      NOT NULL,
    rate_limit_tier text        NOT NULL,
    active          boolean     NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    last_used_at    timestamptz,
    revoked_at      timestamptz
);
CREATE INDEX api_keys_newest ON api_keys (owner_id, created_at, id);

-- Webhooks that take one call, until a time. Expired ones are as good as gone.
CREATE TABLE test_webhooks (
    shape       text COLLATE "C" NOT NULL,
    method      text             NOT NULL,
    path        text             NOT NULL,
    parameters  integer          NOT NULL,
    workflow_id text COLLATE "C" NOT NULL,
    owner_id    text             NOT NULL,
    node        text             NOT NULL,
    expires_at  timestamptz      NOT NULL,
    PRIMARY KEY (shape, method),
    FOREIGN KEY (workflow_id, owner_id) REFERENCES workflows (id, owner_id) ON DELETE CASCADE
);
CREATE INDEX test_webhooks_workflow ON test_webhooks (workflow_id);
CREATE INDEX test_webhooks_expiry ON test_webhooks (expires_at);

CREATE TABLE schedules (
    workflow_id text COLLATE "C" NOT NULL,
    owner_id    text             NOT NULL,
    node        text             NOT NULL,
    rules       text             NOT NULL,
    next_at     timestamptz, -- never again
    last_at     timestamptz,
    missed      integer          NOT NULL DEFAULT 0,
    missed_at   timestamptz,
    PRIMARY KEY (workflow_id, node),
    FOREIGN KEY (workflow_id, owner_id) REFERENCES workflows (id, owner_id) ON DELETE CASCADE
);
CREATE INDEX schedules_due ON schedules (next_at);

CREATE TABLE credentials (
    id         text COLLATE "C" PRIMARY KEY,
    owner_id   text        NOT NULL,
    type       text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    sealed     bytea       NOT NULL, -- the values; only who has the key can read them
    CONSTRAINT credentials_name UNIQUE (owner_id, type, name)
);
CREATE INDEX credentials_newest ON credentials (owner_id, created_at, id);

CREATE TABLE secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE leases (
    name       text COLLATE "C" PRIMARY KEY,
    holder     text        NOT NULL,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    fence      bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);
-- One counter for all leases, so that a fence does not repeat after its lease
-- was given up and its row is gone.
CREATE SEQUENCE lease_fence;

-- A user's own rows.
ALTER TABLE workflows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE executions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE execution_chunks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE test_webhooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE schedules ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON workflows TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON workflow_versions TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON webhooks TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON executions TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON execution_chunks TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON api_keys TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON test_webhooks TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON schedules TO authenticated USING (owner_id = (SELECT acting_user()));
CREATE POLICY owner ON credentials TO authenticated USING (owner_id = (SELECT acting_user()));
GRANT SELECT, INSERT, DELETE, UPDATE (version, active, updated_at, tags, search, static_data) ON workflows TO authenticated;
GRANT SELECT, INSERT ON workflow_versions TO authenticated;
GRANT SELECT, INSERT, DELETE ON webhooks TO authenticated;
GRANT SELECT, INSERT, UPDATE (status, finished_at, cancel_requested) ON executions TO authenticated;
GRANT SELECT ON execution_chunks TO authenticated;
GRANT SELECT, INSERT, UPDATE (active, revoked_at) ON api_keys TO authenticated;
GRANT SELECT, INSERT, DELETE ON test_webhooks TO authenticated;
GRANT SELECT, INSERT, DELETE, UPDATE (rules, next_at, last_at, missed, missed_at) ON schedules TO authenticated;
GRANT SELECT, INSERT, DELETE, UPDATE (name, sealed, updated_at) ON credentials TO authenticated;

-- Who is calling: keys, webhook paths, people, signing secrets.
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY auth ON api_keys TO flowgate_auth USING (true);
CREATE POLICY auth ON webhooks FOR SELECT TO flowgate_auth USING (true);
CREATE POLICY auth ON test_webhooks TO flowgate_auth USING (true);
CREATE POLICY auth ON users FOR SELECT TO flowgate_auth USING (true);
CREATE POLICY auth ON secrets TO flowgate_auth USING (true);
GRANT SELECT, UPDATE (last_used_at) ON api_keys TO flowgate_auth;
GRANT SELECT ON webhooks, users TO flowgate_auth;
GRANT SELECT, DELETE ON test_webhooks TO flowgate_auth;
GRANT SELECT, INSERT ON secrets TO flowgate_auth;

-- Running executions, whosever they are.
ALTER TABLE leases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE execution_deaths ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE execution_answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON execution_deaths TO flowgate_engine USING (true);
CREATE POLICY engine ON execution_answers TO flowgate_engine USING (true);
CREATE POLICY engine ON schedules TO flowgate_engine USING (true);
CREATE POLICY engine ON workflows FOR SELECT TO flowgate_engine USING (true);
CREATE POLICY engine ON executions TO flowgate_engine USING (true);
CREATE POLICY engine ON execution_chunks FOR INSERT TO flowgate_engine WITH CHECK (true);
CREATE POLICY engine ON leases TO flowgate_engine USING (true);
GRANT SELECT, DELETE, UPDATE (status, executor, started_at, finished_at, clock, seed, engine_version, last_seq, runs_stored,
    last_node, error, waiting_for, result) ON executions TO flowgate_engine;
GRANT INSERT ON execution_chunks TO flowgate_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO flowgate_engine;
GRANT SELECT, INSERT, UPDATE (deaths, last_seq, released) ON execution_deaths TO flowgate_engine;
GRANT SELECT, INSERT, DELETE, UPDATE (claimed_until) ON execution_answers TO flowgate_engine;
GRANT SELECT, UPDATE (next_at, last_at, missed, missed_at) ON schedules TO flowgate_engine;
GRANT SELECT (id, active) ON workflows TO flowgate_engine;
GRANT USAGE ON SEQUENCE lease_fence TO flowgate_engine;

-- The operator: people, anybody's keys, and sealing credentials anew.
CREATE POLICY admin ON users TO flowgate_admin USING (true);
CREATE POLICY admin ON api_keys TO flowgate_admin USING (true);
GRANT SELECT, INSERT, UPDATE (email, email_key, role, disabled) ON users TO flowgate_admin;
GRANT SELECT (id, active, revoked_at), UPDATE (active, revoked_at) ON api_keys TO flowgate_admin;
CREATE POLICY admin ON credentials FOR SELECT TO flowgate_admin USING (true);
GRANT SELECT ON credentials TO flowgate_admin;

-- Any of them may ask for the tables' version.
GRANT SELECT ON schema_versions TO flowgate_auth, flowgate_engine, flowgate_admin;

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO authenticated, flowgate_auth, flowgate_engine, flowgate_admin', current_schema());
END $$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE leases, secrets, credentials, api_keys, execution_answers, execution_deaths, execution_chunks, executions,
    schedules, test_webhooks, webhooks, workflow_versions, workflows, users;
DROP SEQUENCE lease_fence;
DROP FUNCTION acting_user();
