// The main job by the official TypeScript SDK (v1 or v2), over stdio or streamable HTTP:
// import a recorded workflow and run it, build a webhook workflow, activate
// it, call it, and read its execution. Prints one JSON line; throws on any
// surprise.
import assert from 'node:assert/strict';
import fs from 'node:fs';

const { MODE, SDK, BIN, DATA_DIR, URL: url, KEY, SCENARIO } = process.env;

// Two generations of the SDK: v1 speaks the protocol up to 2025-11-25, v2
// pins 2026-07-28.
const modern = SDK === 'v2';
const from = modern
  ? { client: '@modelcontextprotocol/client', stdio: '@modelcontextprotocol/client/stdio', http: '@modelcontextprotocol/client' }
  : { client: '@modelcontextprotocol/sdk/client/index.js', stdio: '@modelcontextprotocol/sdk/client/stdio.js', http: '@modelcontextprotocol/sdk/client/streamableHttp.js' };
const { Client } = await import(from.client);
const { StdioClientTransport } = await import(from.stdio);
const { StreamableHTTPClientTransport } = await import(from.http);

const transport = MODE === 'stdio'
  ? new StdioClientTransport({ command: BIN, args: ['stdio', '--data-dir', DATA_DIR], stderr: 'inherit', env: { ...process.env, PUBLIC_URL: url } })
  : new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers: { 'X-API-Key': KEY } } });
const client = new Client({ name: 'e2e', version: '1.0.0' }, modern ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {});
await client.connect(transport);

const callTool = (params, options) => (modern ? client.callTool(params, options) : client.callTool(params, undefined, options));
async function call(name, args, options) {
  const res = await callTool({ name, arguments: args }, options);
  assert.ok(!res.isError, `${name}: ${res.content?.[0]?.text}`);
  assert.ok(res.content[0].text.length > 0, `${name} has a text twin`);
  return res.structuredContent;
}

const tools = (await client.listTools()).tools;
assert.ok(tools.length >= 15, `only ${tools.length} tools`);
for (const t of tools) {
  assert.ok(t.description && t.inputSchema.type === 'object' && t.outputSchema, t.name);
}

// A recorded workflow, as its JSON stands.
const scenario = JSON.parse(fs.readFileSync(SCENARIO, 'utf8'));
const { name, nodes, connections, settings } = scenario.workflow;
const imported = await call('create_workflow', { name, nodes, connections, settings });
assert.equal(imported.validation.valid, true, JSON.stringify(imported.validation.errors));
const progress = [];
const ran = await call('execute_workflow', { workflow_id: imported.workflow_id, wait_seconds: 30 }, { onprogress: (p) => progress.push(p) });
assert.equal(ran.status, 'success', JSON.stringify(ran.error));
const detail = await call('get_execution', { execution_id: ran.execution_id, detail: 'nodes' });
for (const [node, runs] of Object.entries(scenario.expected.nodes)) {
  const got = detail.nodes.filter((n) => n.node === node);
  assert.equal(got.length, runs.length, `${node} ran ${got.length} times`);
  runs.forEach((run, i) => assert.deepEqual(got[i].outputs.map((o) => o.map((x) => x.json)), run.main.map((o) => o.map((x) => x.json)), node));
}

// One of its own: what it needs it asks the server for.
const found = await call('get_node_types', { query: 'webhook' });
assert.ok(Object.values(found.categories).flat().some((t) => t.type.endsWith('.webhook')));
const details = await call('get_node_details', { nodes: [{ type: 'webhook' }, { type: 'set' }, { type: 'no-such-type' }] });
const [hookType, setType, missing] = details.nodes;
assert.equal(missing.found, false);
const path = `e2e-${SDK}-${MODE}`;
const made = await call('create_workflow', {
  name: `greeter over ${MODE}`,
  nodes: [
    { name: 'Hook', type: hookType.type, typeVersion: hookType.versions.at(-1), position: [0, 0], parameters: { path, httpMethod: 'POST', responseMode: 'lastNode' } },
    { name: 'Greet', type: setType.type, typeVersion: setType.versions.at(-1), position: [200, 0],
      parameters: { assignments: { assignments: [{ id: '1', name: 'greeting', value: '=Hello {{ $json.body.name }}', type: 'string' }] } } },
  ],
  connections: { Hook: { main: [[{ node: 'Greet', type: 'main', index: 0 }]] } },
});
assert.equal(made.validation.valid, true, JSON.stringify(made.validation.errors));
// Run by hand its trigger takes the inputs as the request's body.
const byHand = await call('execute_workflow', { workflow_id: made.workflow_id, inputs: { name: 'Bo', nested: { list: [1, 2] } } });
assert.deepEqual(byHand.result[0].json, { greeting: 'Hello Bo' });
const active = await call('activate_workflow', { workflow_id: made.workflow_id });
assert.equal(active.triggers[0].url, `${url}/webhook/${path}`);
const answer = await fetch(active.triggers[0].url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'Åse' }) });
const body = await answer.text();
assert.equal(answer.status, 200, body);
assert.deepEqual(JSON.parse(body), { greeting: 'Hello Åse' });
const list = await call('list_executions', { workflow_id: made.workflow_id });
assert.equal(list.executions.length, 2);
assert.equal(list.executions[0].status, 'success');
const logs = await call('get_execution_logs', { execution_id: list.executions[0].execution_id });
assert.equal(logs.events.at(-1).type, 'execution_finished');

// Mistakes are results a model can act on.
const wrong = await callTool({ name: 'get_workflow', arguments: { workflow_id: 7, colour: 'red' } });
assert.equal(wrong.isError, true);
assert.match(wrong.content[0].text, /workflow_id/);
assert.match(wrong.content[0].text, /colour/);
await assert.rejects(callTool({ name: 'no_such_tool', arguments: {} }), /no_such_tool/);

await call('delete_workflow', { workflow_id: made.workflow_id, confirm: true });
await client.close();
console.log(JSON.stringify({ tools: tools.length, progress: progress.length }));
