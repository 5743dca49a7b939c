-- What signed-in users' tokens may do through PostgREST, narrowed: an OAuth
-- client's act for nobody there, files are made and deleted by the program
-- alone, beside their content, and callers bring no patterns.

-- +goose Up
-- +goose StatementBegin
-- A token of an OAuth client names its user as sub. What the client may do is
-- the user's grant to it, which the program looks after and policies do not.
CREATE OR REPLACE FUNCTION acting_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'client_id', '') = ''
        THEN nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' END;

-- The kind in a stored workflow.Waiting, whose second member it is. PostgreSQL
-- reads no JSON that has \u0000 anywhere.
CREATE FUNCTION wait_kind(waiting_for bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN substring(convert_from(waiting_for, 'UTF8') FROM '^\{"node":"(?:[^"\\]|\\.)*","kind":"([^"\\]*)"');
REVOKE ALL ON FUNCTION wait_kind(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wait_kind(bytea) TO authenticated;

CREATE OR REPLACE FUNCTION api_list_executions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM executions
        WHERE owner_id = acting_user() AND (args ->> 'workflow_id' IS NULL OR workflow_id = args ->> 'workflow_id')
            AND (args ->> 'status' IS NULL OR status = args ->> 'status') AND created_at >= coalesce((args ->> 'since')::timestamptz, '-infinity')
            AND (args ->> 'waits_for' IS NULL OR status = 'waiting' AND wait_kind(waiting_for) = args ->> 'waits_for')),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested, created_at, started_at, finished_at, clock,
            seed::text AS seed, parent_id, retry_of, idempotency_key, engine_version, last_node,
            encode(error, 'base64') AS error, encode(waiting_for, 'base64') AS waiting_for
        FROM executions
        WHERE owner_id = acting_user() AND (args ->> 'workflow_id' IS NULL OR workflow_id = args ->> 'workflow_id')
            AND (args ->> 'status' IS NULL OR status = args ->> 'status') AND created_at >= coalesce((args ->> 'since')::timestamptz, '-infinity')
            AND (args ->> 'waits_for' IS NULL OR status = 'waiting' AND wait_kind(waiting_for) = args ->> 'waits_for')
            AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;

DO $$
BEGIN
    EXECUTE format('DROP FUNCTION %I.create_file(text), %1$I.delete_file(text)', current_schema() || '_api');
END $$;
DROP FUNCTION api_create_file(jsonb), api_delete_file(jsonb);

-- The program never stored a size below zero, so that there is no content to
-- those. Policies bind the tables' owner too.
ALTER TABLE files NO FORCE ROW LEVEL SECURITY;
DELETE FROM files WHERE size < 0;
ALTER TABLE files FORCE ROW LEVEL SECURITY, ADD CONSTRAINT files_size CHECK (size >= 0);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE files DROP CONSTRAINT files_size;

CREATE OR REPLACE FUNCTION acting_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';

CREATE OR REPLACE FUNCTION api_list_executions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM executions
        WHERE owner_id = acting_user() AND (args ->> 'workflow_id' IS NULL OR workflow_id = args ->> 'workflow_id')
            AND (args ->> 'status' IS NULL OR status = args ->> 'status') AND created_at >= coalesce((args ->> 'since')::timestamptz, '-infinity')
            AND (args ->> 'waits_for' IS NULL OR status = 'waiting' AND substring(convert_from(waiting_for, 'UTF8') FROM args ->> 'wait_kind') = args ->> 'waits_for')),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested, created_at, started_at, finished_at, clock,
            seed::text AS seed, parent_id, retry_of, idempotency_key, engine_version, last_node,
            encode(error, 'base64') AS error, encode(waiting_for, 'base64') AS waiting_for
        FROM executions
        WHERE owner_id = acting_user() AND (args ->> 'workflow_id' IS NULL OR workflow_id = args ->> 'workflow_id')
            AND (args ->> 'status' IS NULL OR status = args ->> 'status') AND created_at >= coalesce((args ->> 'since')::timestamptz, '-infinity')
            AND (args ->> 'waits_for' IS NULL OR status = 'waiting' AND substring(convert_from(waiting_for, 'UTF8') FROM args ->> 'wait_kind') = args ->> 'waits_for')
            AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;
DROP FUNCTION wait_kind(bytea);

CREATE FUNCTION api_create_file(args jsonb) RETURNS json LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    most_bytes bigint := (args ->> 'quota_bytes')::bigint;
    most_files bigint := (args ->> 'quota_files')::bigint;
    used       record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('flowgate files of ' || acting_user(), 0));
    SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes INTO used FROM files WHERE owner_id = acting_user();
    IF most_bytes > 0 AND used.bytes + (args ->> 'size')::bigint > most_bytes OR most_files > 0 AND used.n >= most_files THEN
        RETURN json_build_object('changed', 0);
    END IF;
    INSERT INTO files (id, owner_id, name, mime_type, size, sha256, created_at)
    VALUES (args ->> 'id', acting_user(), args ->> 'name', args ->> 'mime_type', (args ->> 'size')::bigint, args ->> 'sha256', (args ->> 'created_at')::timestamptz);
    RETURN json_build_object('changed', 1);
END $$;

CREATE FUNCTION api_delete_file(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (DELETE FROM files WHERE id = args ->> 'id' AND owner_id = acting_user() RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done));
$$;

DO $$
DECLARE
    api  text := current_schema() || '_api';
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['create_file', 'delete_file'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I(jsonb) FROM PUBLIC', 'api_' || name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I(jsonb) TO authenticated', 'api_' || name);
        EXECUTE format('CREATE FUNCTION %I.%I(args text) RETURNS json LANGUAGE sql VOLATILE AS %L', api, name,
            format('SELECT %I.%I(args::jsonb)', current_schema(), 'api_' || name));
        EXECUTE format('REVOKE ALL ON FUNCTION %I.%I(text) FROM PUBLIC', api, name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I.%I(text) TO authenticated', api, name);
    END LOOP;
END $$;
-- +goose StatementEnd
