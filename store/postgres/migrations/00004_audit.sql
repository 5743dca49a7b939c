-- The login that serves may add entries and read them, and change none; only
-- the operator's role removes them.

-- +goose Up
CREATE TABLE audit_log (
    id       text COLLATE "C" PRIMARY KEY, -- chain and number
    subject  text        NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    entries  bytea       NOT NULL,
    hash     bytea       NOT NULL
);
CREATE INDEX audit_log_newest ON audit_log (last_at, id);
CREATE INDEX audit_log_subject ON audit_log (subject, last_at, id);

CREATE TABLE audit_chains (
    name        text COLLATE "C" PRIMARY KEY,
    anchor_seq  bigint      NOT NULL, -- what is up to it has been pruned
    anchor_hash bytea       NOT NULL,
    anchor_mac  bytea       NOT NULL,
    head_seq    bigint      NOT NULL,
    head_hash   bytea       NOT NULL,
    head_mac    bytea       NOT NULL,
    last_at     timestamptz NOT NULL
);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_chains ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON audit_log FOR SELECT TO authenticated USING (subject = (SELECT acting_user()) AND subject <> '');
CREATE POLICY auth ON audit_log FOR INSERT TO flowgate_auth WITH CHECK (true);
CREATE POLICY auth ON audit_chains TO flowgate_auth USING (true);
CREATE POLICY admin ON audit_log TO flowgate_admin USING (true);
CREATE POLICY admin ON audit_chains TO flowgate_admin USING (true);
GRANT SELECT ON audit_log TO authenticated;
GRANT INSERT ON audit_log TO flowgate_auth;
GRANT SELECT, INSERT, UPDATE (head_seq, head_hash, head_mac, last_at) ON audit_chains TO flowgate_auth;
GRANT SELECT, DELETE ON audit_log TO flowgate_admin;
GRANT SELECT, DELETE, UPDATE (anchor_seq, anchor_hash, anchor_mac) ON audit_chains TO flowgate_admin;

-- +goose Down
DROP TABLE audit_chains, audit_log;
