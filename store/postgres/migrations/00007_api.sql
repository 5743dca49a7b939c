-- What signed-in users' own tokens may do through PostgREST: the functions of
-- a schema of their own, flowgate_api, the only one to expose there. They run
-- as their caller, so that grants and row-level security hold as on a direct
-- connection; the tables stay unexposed, so that nobody can write by hand what
-- the program would refuse. Each takes one JSON object, as text since not all
-- servers hand JSON on as it is, and answers with JSON; what is bytea travels
-- as base64.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION api_create_workflow(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO workflows (id, owner_id, version, active, created_at, updated_at, tags, search, static_data)
    VALUES (args ->> 'id', acting_user(), 1, false, (args ->> 'created_at')::timestamptz, (args ->> 'updated_at')::timestamptz,
        args -> 'tags', args ->> 'search', decode(args ->> 'static_data', 'base64'));
    INSERT INTO workflow_versions (workflow_id, owner_id, version, saved_at, document)
    VALUES (args ->> 'id', acting_user(), 1, (args ->> 'updated_at')::timestamptz, decode(args ->> 'document', 'base64'));
    SELECT json_build_object('saved', true);
$$;

CREATE FUNCTION api_workflow(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('row', (SELECT to_json(r) FROM (
        SELECT w.id, w.owner_id, w.version, w.active, w.created_at, w.updated_at,
            encode(w.static_data, 'base64') AS static_data, encode(v.document, 'base64') AS document
        FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
        WHERE w.id = args ->> 'id' AND w.owner_id = acting_user()) r));
$$;

-- The document holds whether the workflow is active: where that is not as the
-- caller took it to be nothing is saved.
CREATE FUNCTION api_update_workflow(args jsonb) RETURNS json LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    w workflows%ROWTYPE;
BEGIN
    SELECT * INTO w FROM workflows WHERE id = args ->> 'id' AND owner_id = acting_user() FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN json_build_object('saved', false, 'version', 0);
    END IF;
    IF (args ->> 'if_version')::integer NOT IN (0, w.version) OR (args ->> 'active')::boolean <> w.active THEN
        RETURN json_build_object('saved', false, 'version', w.version, 'active', w.active);
    END IF;
    UPDATE workflows SET version = w.version + 1, updated_at = (args ->> 'updated_at')::timestamptz, tags = args -> 'tags', search = args ->> 'search',
        static_data = coalesce(decode(args ->> 'static_data', 'base64'), static_data)
    WHERE id = w.id AND owner_id = w.owner_id;
    INSERT INTO workflow_versions (workflow_id, owner_id, version, saved_at, document)
    VALUES (w.id, w.owner_id, w.version + 1, (args ->> 'updated_at')::timestamptz, decode(args ->> 'document', 'base64'));
    RETURN json_build_object('saved', true, 'version', w.version + 1, 'active', w.active, 'created_at', w.created_at);
END $$;

CREATE FUNCTION api_delete_workflow(args jsonb) RETURNS json LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    live integer;
BEGIN
    PERFORM FROM workflows WHERE id = args ->> 'id' AND owner_id = acting_user() FOR UPDATE;
    IF NOT FOUND THEN
        RETURN json_build_object('changed', 0);
    END IF;
    SELECT count(*) INTO live FROM executions
    WHERE workflow_id = args ->> 'id' AND owner_id = acting_user() AND status IN ('queued', 'running', 'waiting');
    IF live = 0 THEN
        DELETE FROM workflows WHERE id = args ->> 'id' AND owner_id = acting_user();
        RETURN json_build_object('changed', 1);
    END IF;
    RETURN json_build_object('changed', 0, 'live', live);
END $$;

CREATE FUNCTION api_list_workflows(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM workflows w
        WHERE w.owner_id = acting_user() AND (args ->> 'query' IS NULL OR strpos(w.search, args ->> 'query') > 0)
            AND (args ->> 'active' IS NULL OR w.active = (args ->> 'active')::boolean) AND w.tags @> coalesce(args -> 'tags', '[]')),
    'rows', (SELECT json_agg(r) FROM (
        SELECT w.id, w.owner_id, w.version, w.active, w.created_at, w.updated_at,
            encode(w.static_data, 'base64') AS static_data, encode(v.document, 'base64') AS document,
            (SELECT e.status FROM executions e WHERE e.workflow_id = w.id AND e.owner_id = w.owner_id ORDER BY e.created_at DESC, e.id DESC LIMIT 1) AS last_status
        FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
        WHERE w.owner_id = acting_user() AND (args ->> 'query' IS NULL OR strpos(w.search, args ->> 'query') > 0)
            AND (args ->> 'active' IS NULL OR w.active = (args ->> 'active')::boolean) AND w.tags @> coalesce(args -> 'tags', '[]')
            AND (w.updated_at, w.id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY w.updated_at DESC, w.id DESC LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_list_versions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('rows', (SELECT json_agg(r) FROM (
        SELECT w.id, w.owner_id, v.version, w.active, w.created_at, v.saved_at AS updated_at, encode(v.document, 'base64') AS document
        FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id
        WHERE w.id = args ->> 'id' AND w.owner_id = acting_user() AND v.version < (args ->> 'before')::bigint
        ORDER BY v.version DESC LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_execution(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('row', (SELECT to_json(r) FROM (
        SELECT id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested, created_at, started_at, finished_at, clock,
            seed::text AS seed, parent_id, retry_of, idempotency_key, engine_version, last_node,
            encode(error, 'base64') AS error, encode(waiting_for, 'base64') AS waiting_for, encode(start, 'base64') AS start, encode(result, 'base64') AS result
        FROM executions WHERE id = args ->> 'id' AND owner_id = acting_user()) r));
$$;

CREATE FUNCTION api_list_executions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
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

CREATE FUNCTION api_create_session(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, model, model_credential, created_at, updated_at)
    VALUES (args ->> 'id', acting_user(), args ->> 'action', args ->> 'source_id', args ->> 'workflow_id', decode(args ->> 'title', 'base64'),
        args ->> 'status', decode(args ->> 'meta', 'base64'), args ->> 'model', args ->> 'model_credential', (args ->> 'created_at')::timestamptz, (args ->> 'updated_at')::timestamptz);
    SELECT json_build_object('changed', 1);
$$;

CREATE FUNCTION api_session(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('row', (SELECT to_json(r) FROM (
        SELECT id, owner_id, action, source_id, workflow_id, encode(title, 'base64') AS title, status, encode(meta, 'base64') AS meta,
            model, model_credential, created_at, updated_at
        FROM chat_sessions WHERE id = args ->> 'id' AND owner_id = acting_user()) r));
$$;

CREATE FUNCTION api_list_sessions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM chat_sessions WHERE owner_id = acting_user()),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, action, source_id, workflow_id, encode(title, 'base64') AS title, status, encode(meta, 'base64') AS meta,
            model, model_credential, created_at, updated_at
        FROM chat_sessions
        WHERE owner_id = acting_user() AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_update_session(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (UPDATE chat_sessions SET workflow_id = args ->> 'workflow_id', title = decode(args ->> 'title', 'base64'), status = args ->> 'status',
        meta = decode(args ->> 'meta', 'base64'), model = args ->> 'model', model_credential = args ->> 'model_credential', updated_at = (args ->> 'updated_at')::timestamptz
        WHERE id = args ->> 'id' AND owner_id = acting_user() RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done));
$$;

CREATE FUNCTION api_delete_session(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (DELETE FROM chat_sessions WHERE id = args ->> 'id' AND owner_id = acting_user() RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done));
$$;

CREATE FUNCTION api_add_message(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH next AS (UPDATE chat_sessions SET messages = messages + 1, updated_at = (args ->> 'created_at')::timestamptz
        WHERE id = args ->> 'session_id' AND owner_id = acting_user() RETURNING id, owner_id, messages),
    said AS (INSERT INTO chat_messages (session_id, seq, id, owner_id, type, content, metadata, created_at)
        SELECT next.id, next.messages, args ->> 'id', next.owner_id, args ->> 'type', decode(args ->> 'content', 'base64'),
            decode(args ->> 'metadata', 'base64'), (args ->> 'created_at')::timestamptz FROM next RETURNING seq)
    SELECT json_build_object('seq', (SELECT seq FROM said));
$$;

CREATE FUNCTION api_list_messages(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT messages FROM chat_sessions WHERE id = args ->> 'session_id' AND owner_id = acting_user()),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, session_id, owner_id, seq, type, encode(content, 'base64') AS content, encode(metadata, 'base64') AS metadata, created_at
        FROM chat_messages WHERE session_id = args ->> 'session_id' AND owner_id = acting_user() AND seq > (args ->> 'after')::bigint
        ORDER BY seq LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_create_credential(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO credentials (id, owner_id, type, name, created_at, updated_at, sealed)
    VALUES (args ->> 'id', acting_user(), args ->> 'type', args ->> 'name', (args ->> 'created_at')::timestamptz, (args ->> 'updated_at')::timestamptz,
        decode(args ->> 'sealed', 'base64'));
    SELECT json_build_object('changed', 1);
$$;

CREATE FUNCTION api_credential(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('row', (SELECT to_json(r) FROM (
        SELECT id, owner_id, type, name, created_at, updated_at, encode(sealed, 'base64') AS sealed
        FROM credentials WHERE owner_id = acting_user()
            AND CASE WHEN args ->> 'id' IS NOT NULL THEN id = args ->> 'id' ELSE type = args ->> 'type' AND name = args ->> 'name' END) r));
$$;

CREATE FUNCTION api_list_credentials(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, type, name, created_at, updated_at FROM credentials
        WHERE owner_id = acting_user() AND (args ->> 'type' IS NULL OR type = args ->> 'type')
            AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_update_credential(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH there AS (SELECT id FROM credentials WHERE id = args ->> 'id' AND owner_id = acting_user()),
    done AS (UPDATE credentials SET name = args ->> 'name', sealed = decode(args ->> 'sealed', 'base64'), updated_at = (args ->> 'updated_at')::timestamptz
        WHERE id = args ->> 'id' AND owner_id = acting_user() AND sealed = decode(args ->> 'sealed_before', 'base64') RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done), 'there', (SELECT count(*) FROM there));
$$;

CREATE FUNCTION api_delete_credential(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (DELETE FROM credentials WHERE id = args ->> 'id' AND owner_id = acting_user() RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done));
$$;

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

CREATE FUNCTION api_file(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('row', (SELECT to_json(r) FROM (
        SELECT id, owner_id, name, mime_type, size, sha256, created_at FROM files WHERE id = args ->> 'id' AND owner_id = acting_user()) r));
$$;

CREATE FUNCTION api_list_files(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, name, mime_type, size, sha256, created_at FROM files
        WHERE owner_id = acting_user() AND (args ->> 'query' IS NULL OR strpos(lower(name), lower(args ->> 'query')) > 0)
            AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;

CREATE FUNCTION api_delete_file(args jsonb) RETURNS json LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH done AS (DELETE FROM files WHERE id = args ->> 'id' AND owner_id = acting_user() RETURNING id)
    SELECT json_build_object('changed', (SELECT count(*) FROM done));
$$;

CREATE FUNCTION api_file_usage(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('count', count(*), 'bytes', coalesce(sum(size), 0)) FROM files WHERE owner_id = acting_user();
$$;

-- For the start and the doctor: that the functions are there.
CREATE FUNCTION api_about(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('api', 1);
$$;

DO $$
DECLARE
    api text := current_schema() || '_api';
    f   record;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', api);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO authenticated', api);
    FOR f IN SELECT proname, provolatile FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'api\_%' LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I(jsonb) FROM PUBLIC', f.proname);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I(jsonb) TO authenticated', f.proname);
        EXECUTE format('CREATE FUNCTION %I.%I(args text) RETURNS json LANGUAGE sql %s AS %L', api, substr(f.proname, 5),
            CASE f.provolatile WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END, format('SELECT %I.%I(args::jsonb)', current_schema(), f.proname));
        EXECUTE format('REVOKE ALL ON FUNCTION %I.%I(text) FROM PUBLIC', api, substr(f.proname, 5));
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I.%I(text) TO authenticated', api, substr(f.proname, 5));
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    f record;
BEGIN
    EXECUTE format('DROP SCHEMA %I CASCADE', current_schema() || '_api');
    FOR f IN SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'api\_%' LOOP
        EXECUTE format('DROP FUNCTION %I(jsonb)', f.proname);
    END LOOP;
END $$;
-- +goose StatementEnd
