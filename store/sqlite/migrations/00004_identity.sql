-- +goose Up
ALTER TABLE users ADD COLUMN anonymous INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN signed_in_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN metadata BLOB; -- JSON object, the user's own words

-- Apart from users, so that no list of users carries them.
CREATE TABLE passwords (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL
) STRICT;

CREATE TABLE sign_ins (
    id         TEXT PRIMARY KEY,
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL, -- of the refresh token that is good
    created_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_ins_user ON sign_ins (user_id);
CREATE INDEX sign_ins_expired ON sign_ins (expires_at);

ALTER TABLE api_keys ADD COLUMN signing INTEGER NOT NULL DEFAULT 0; -- hash is then an Ed25519 public key
ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '[]'; -- JSON array of ranges; empty: any
ALTER TABLE api_keys ADD COLUMN previous_hash BLOB; -- before the last rotation, good until
ALTER TABLE api_keys ADD COLUMN previous_until INTEGER NOT NULL DEFAULT 0;

CREATE TABLE nonces (
    scope      TEXT    NOT NULL,
    nonce      TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_expired ON nonces (expires_at);

CREATE TABLE oauth_grants (
    owner_id    TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    client_name TEXT    NOT NULL,
    scopes      TEXT    NOT NULL, -- JSON array of strings
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    revoked_at  INTEGER NOT NULL,
    PRIMARY KEY (owner_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_grants_newest ON oauth_grants (owner_id, created_at, client_id);

-- +goose Down
DROP TABLE oauth_grants;
DROP TABLE nonces;
ALTER TABLE api_keys DROP COLUMN previous_until;
ALTER TABLE api_keys DROP COLUMN previous_hash;
ALTER TABLE api_keys DROP COLUMN allowed_ips;
ALTER TABLE api_keys DROP COLUMN signing;
DROP TABLE sign_ins;
DROP TABLE passwords;
ALTER TABLE users DROP COLUMN metadata;
ALTER TABLE users DROP COLUMN signed_in_at;
ALTER TABLE users DROP COLUMN updated_at;
ALTER TABLE users DROP COLUMN anonymous;
