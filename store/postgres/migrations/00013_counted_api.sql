-- Totals of lists, as users' tokens get them through PostgREST, are counted to
-- 10,000, as those of the direct connection are: long lists cost no more than
-- short ones.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION api_list_workflows(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM (SELECT 1 FROM workflows w
        WHERE w.owner_id = acting_user() AND (args ->> 'query' IS NULL OR strpos(w.search, args ->> 'query') > 0)
            AND (args ->> 'active' IS NULL OR w.active = (args ->> 'active')::boolean) AND w.tags @> coalesce(args -> 'tags', '[]')
        LIMIT 10001) AS counted),
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

CREATE OR REPLACE FUNCTION api_list_executions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM (SELECT 1 FROM executions
        WHERE owner_id = acting_user() AND (args ->> 'workflow_id' IS NULL OR workflow_id = args ->> 'workflow_id')
            AND (args ->> 'status' IS NULL OR status = args ->> 'status') AND created_at >= coalesce((args ->> 'since')::timestamptz, '-infinity')
            AND (args ->> 'waits_for' IS NULL OR status = 'waiting' AND wait_kind(waiting_for) = args ->> 'waits_for')
        LIMIT 10001) AS counted),
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

CREATE OR REPLACE FUNCTION api_list_sessions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM (SELECT 1 FROM chat_sessions WHERE owner_id = acting_user()
        LIMIT 10001) AS counted),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, action, source_id, workflow_id, encode(title, 'base64') AS title, status, encode(meta, 'base64') AS meta,
            model, model_credential, created_at, updated_at
        FROM chat_sessions
        WHERE owner_id = acting_user() AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION api_list_workflows(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
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

CREATE OR REPLACE FUNCTION api_list_sessions(args jsonb) RETURNS json LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT json_build_object('total', (SELECT count(*) FROM chat_sessions WHERE owner_id = acting_user()),
    'rows', (SELECT json_agg(r) FROM (
        SELECT id, owner_id, action, source_id, workflow_id, encode(title, 'base64') AS title, status, encode(meta, 'base64') AS meta,
            model, model_credential, created_at, updated_at
        FROM chat_sessions
        WHERE owner_id = acting_user() AND (created_at, id) < (coalesce((args ->> 'at')::timestamptz, 'infinity'), coalesce(args ->> 'after', ''))
        ORDER BY created_at DESC, id DESC LIMIT (args ->> 'limit')::integer) r));
$$;
-- +goose StatementEnd
