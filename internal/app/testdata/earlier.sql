-- A database of an earlier gateway, with the oddities its versions left.
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, is_anonymous bool DEFAULT false, raw_user_meta_data jsonb, created_at timestamptz DEFAULT now());
CREATE TABLE sessions (
    id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz DEFAULT now(), user_id uuid,
    source_workflow_id varchar(255), action_type varchar(255), session_data jsonb, is_active bool);
CREATE TABLE chats (
    id bigint PRIMARY KEY, session_id uuid REFERENCES sessions (id), user_id uuid, message_type varchar, content text, sequence_number int, created_at timestamptz NOT NULL);
CREATE TABLE workflow_agent_states (
    id uuid PRIMARY KEY, session_id varchar(255), user_id varchar(255), created_at bigint, updated_at bigint, stage varchar(255), previous_stage varchar(255),
    execution_history text[], intent_summary text, clarification_context jsonb, workflow_context jsonb, conversations jsonb, gaps text[], alternatives jsonb,
    current_workflow_json text, debug_result text, debug_loop_count int, rag_context jsonb);
CREATE TABLE workflows (
    id uuid PRIMARY KEY, user_id uuid, session_id uuid, name varchar(255), description text, active bool DEFAULT true, workflow_data jsonb, version varchar(50) DEFAULT '1.0.0',
    tags text[], created_at bigint NOT NULL, updated_at bigint NOT NULL, deployment_status text, icon_url varchar(500));

INSERT INTO auth.users (id, email) VALUES ('00000000-0000-4000-8000-00000000000a', 'ada@example.com');
INSERT INTO sessions (id, user_id, action_type, source_workflow_id, session_data, is_active, created_at) VALUES
    ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-00000000000a', 'create', NULL, '{"from": "web"}', true, '2025-08-06 17:00:00+00'),
    ('10000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-00000000000a', 'edit', '20000000-0000-4000-8000-000000000001', NULL, false, '2025-08-07 17:00:00+00'),
    ('10000000-0000-4000-8000-000000000003', NULL, 'create', NULL, NULL, true, '2025-08-08 17:00:00+00');
INSERT INTO chats VALUES
    (7, '10000000-0000-4000-8000-000000000001', NULL, 'user', 'Check a page each morning', 1, '2025-08-06 17:00:01+00'),
    (9, '10000000-0000-4000-8000-000000000001', NULL, 'assistant', 'Which page?', 2, '2025-08-06 17:00:02+00'),
    (8, '10000000-0000-4000-8000-000000000001', NULL, 'tool', 'looked it up', NULL, '2025-08-06 17:00:03+00'),
    (11, '10000000-0000-4000-8000-000000000003', NULL, 'user', 'I belong to nobody', 1, '2025-08-06 17:00:01+00');
INSERT INTO workflow_agent_states VALUES ('30000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'x', 1754499600000, 1754499602000,
    'negotiation', 'clarification', '{clarification,negotiation}', 'Check a page', '{"purpose": "initial_intent", "collected_info": {"when": "morning"}, "pending_questions": ["Which page?"], "origin": "create"}',
    '{"origin": "create"}', '[{"role": "user", "text": "Check a page each morning", "timestamp": 1754499601000}, {"role": "assistant", "content": "Which page?"}]', '{no_mail}',
    '[{"id": "a1", "title": "Use chat", "trade_offs": ["less formal"]}, "Do nothing"]', '{"nodes": []}', '', 1, NULL);
INSERT INTO workflows (id, user_id, session_id, name, description, workflow_data, tags, created_at, updated_at, deployment_status) VALUES
    ('20000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-00000000000a', NULL, 'Plain', 'runs here as it is',
     '{"nodes": [{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}}], "connections": {}}', '{old}', 1754499600, 1754499600, 'DEPLOYED'),
    ('20000000-0000-4000-8000-000000000002', NULL, '10000000-0000-4000-8000-000000000001', 'By list', NULL,
     '{"nodes": [{"id": "t", "name": "every_day", "type": "TRIGGER", "subtype": "CRON", "configurations": {"cron_expression": "0 9 * * *", "timezone": "Europe/Paris"}, "position": {"x": 10, "y": 20}},
       {"id": "h", "name": "get_page", "type": "ACTION", "subtype": "HTTP_REQUEST", "configurations": {"url": "https://example.com", "method": "GET", "headers": {"Accept": "text/html"}}},
       {"id": "i", "name": "changed", "type": "FLOW", "subtype": "IF", "configurations": {"condition_expression": "data.changed"}},
       {"id": "s", "name": "tell", "type": "EXTERNAL_ACTION", "subtype": "SLACK", "configurations": {"channel": "#news"}, "input_params": {"message": "changed"}}],
      "connections": [{"id": "1", "from_node": "t", "to_node": "h", "output_key": "result"}, {"id": "2", "from_node": "h", "to_node": "i"}, {"id": "3", "from_node": "i", "to_node": "s", "output_key": "false"}],
      "triggers": ["t"]}', NULL, 1754499600000, 1754499600000, 'UNDEPLOYED'),
    ('20000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-00000000000a', NULL, 'By map', NULL,
     '{"nodes": [{"id": "n1", "name": "Hook", "type": "TRIGGER_NODE", "subtype": "TRIGGER_WEBHOOK", "parameters": {"path": "/in", "allowed_methods": ["POST"]}},
       {"id": "n2", "name": "Later", "type": "FLOW_NODE", "subtype": "DELAY", "parameters": {"duration_seconds": 5}}],
      "connections": {"Hook": {"connection_types": {"main": {"connections": [{"node": "Later", "type": "MAIN", "index": 0}]}}}}}', NULL, 1754499600, 1754499600, NULL),
    ('20000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-00000000000a', NULL, 'Broken', NULL, '[1, 2]', NULL, 1754499600, 1754499600, NULL),
    ('20000000-0000-4000-8000-000000000005', NULL, NULL, 'Nobody''s', NULL, '{"nodes": [], "connections": {}}', NULL, 1754499600, 1754499600, NULL);
