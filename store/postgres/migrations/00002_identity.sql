-- +goose Up
ALTER TABLE users ADD COLUMN anonymous boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN updated_at timestamptz;
ALTER TABLE users ADD COLUMN signed_in_at timestamptz;
ALTER TABLE users ADD COLUMN metadata bytea; -- JSON object, the user's own words
GRANT UPDATE (metadata, updated_at, anonymous) ON users TO flowgate_admin;
CREATE POLICY signed_in ON users FOR UPDATE TO flowgate_auth USING (true);
GRANT UPDATE (signed_in_at) ON users TO flowgate_auth;

-- Apart from users, so that no list of users carries them.
CREATE TABLE passwords (
    user_id text COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash    text NOT NULL
);

CREATE TABLE sign_ins (
    id         text COLLATE "C" PRIMARY KEY,
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation bigint      NOT NULL, -- of the refresh token that is good
    created_at timestamptz NOT NULL,
    rotated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_ins_user ON sign_ins (user_id);
CREATE INDEX sign_ins_expired ON sign_ins (expires_at);

ALTER TABLE api_keys ADD COLUMN signing boolean NOT NULL DEFAULT false; -- hash is then an Ed25519 public key
ALTER TABLE api_keys ADD COLUMN allowed_ips text[] NOT NULL DEFAULT '{}'; -- ranges; empty: any
ALTER TABLE api_keys ADD COLUMN previous_hash bytea; -- before the last rotation, good until
ALTER TABLE api_keys ADD COLUMN previous_until timestamptz;
GRANT UPDATE (hash, previous_hash, previous_until) ON api_keys TO authenticated, flowgate_admin;
GRANT SELECT (hash, previous_hash, previous_until) ON api_keys TO flowgate_admin;

CREATE TABLE nonces (
    scope      text COLLATE "C" NOT NULL,
    nonce      text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (scope, nonce)
);
CREATE INDEX nonces_expired ON nonces (expires_at);

CREATE TABLE oauth_grants (
    owner_id    text COLLATE "C" NOT NULL,
    client_id   text COLLATE "C" NOT NULL,
    client_name text        NOT NULL,
    scopes      text[]      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (owner_id, client_id)
);
CREATE INDEX oauth_grants_newest ON oauth_grants (owner_id, created_at, client_id);

ALTER TABLE passwords ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_ins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE nonces ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE oauth_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY auth ON passwords TO flowgate_auth USING (true);
CREATE POLICY auth ON sign_ins TO flowgate_auth USING (true);
CREATE POLICY auth ON nonces TO flowgate_auth USING (true);
CREATE POLICY owner ON oauth_grants TO authenticated USING (owner_id = (SELECT acting_user()));
GRANT SELECT, INSERT, DELETE, UPDATE (hash) ON passwords TO flowgate_auth;
GRANT SELECT, INSERT, DELETE, UPDATE (generation, rotated_at, expires_at) ON sign_ins TO flowgate_auth;
GRANT SELECT, INSERT, DELETE ON nonces TO flowgate_auth;
GRANT SELECT, INSERT, UPDATE (client_name, scopes, updated_at, revoked_at) ON oauth_grants TO authenticated;

-- +goose Down
DROP TABLE oauth_grants, nonces, sign_ins, passwords;
REVOKE SELECT (hash) ON api_keys FROM flowgate_admin;
REVOKE UPDATE (hash) ON api_keys FROM authenticated, flowgate_admin;
ALTER TABLE api_keys DROP COLUMN signing, DROP COLUMN allowed_ips, DROP COLUMN previous_hash, DROP COLUMN previous_until;
DROP POLICY signed_in ON users;
ALTER TABLE users DROP COLUMN anonymous, DROP COLUMN updated_at, DROP COLUMN signed_in_at, DROP COLUMN metadata;
