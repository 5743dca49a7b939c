-- +goose Up
ALTER TABLE chat_sessions ADD COLUMN model text NOT NULL DEFAULT '';            -- the user's choice; '' for the default
ALTER TABLE chat_sessions ADD COLUMN model_credential text NOT NULL DEFAULT ''; -- the credential it is reached with
GRANT UPDATE (model, model_credential) ON chat_sessions TO authenticated;

-- +goose Down
ALTER TABLE chat_sessions DROP COLUMN model_credential;
ALTER TABLE chat_sessions DROP COLUMN model;
