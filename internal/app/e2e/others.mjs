// The main job by clients that nobody here wrote: the AI SDK's MCP client over
// stdio or HTTP, and mcp-remote, a bridge that makes stdio of HTTP, driven by
// the official SDK. Prints one JSON line; throws on any surprise.
import assert from 'node:assert/strict';

const { CLIENT, MODE, BIN, DATA_DIR, URL: url, KEY, NODE, BRIDGE } = process.env;

// open returns the tools' names and a function that calls one.
async function aiSDK() {
  const { experimental_createMCPClient: create } = await import('@ai-sdk/mcp');
  const { Experimental_StdioMCPTransport: Stdio } = await import('@ai-sdk/mcp/mcp-stdio');
  const transport = MODE === 'stdio'
    ? new Stdio({ command: BIN, args: ['stdio', '--data-dir', DATA_DIR], env: { ...process.env } })
    : { type: 'http', url: `${url}/mcp`, headers: { 'X-API-Key': KEY } };
  const client = await create({ transport });
  const tools = await client.tools();
  return {
    names: Object.keys(tools), close: () => client.close(),
    call: (name, args) => tools[name].execute(args, { messages: [], toolCallId: '1' }),
  };
}

async function mcpRemote() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  const client = new Client({ name: 'e2e', version: '1.0.0' });
  await client.connect(new StdioClientTransport({
    command: NODE, args: [BRIDGE, `${url}/mcp`, '--allow-http', '--transport', 'http-only', '--header', `X-API-Key:${KEY}`], stderr: 'ignore', env: { ...process.env },
  }));
  return {
    names: (await client.listTools()).tools.map((t) => t.name), close: () => client.close(),
    call: (name, args) => client.callTool({ name, arguments: args }),
  };
}

const { names, call, close } = await (CLIENT === 'ai-sdk' ? aiSDK() : mcpRemote());
for (const wanted of ['search_workflows', 'create_workflow', 'update_workflow', 'execute_workflow', 'delete_workflow']) {
  assert.ok(names.includes(wanted), `${wanted} is not among ${names}`);
}
async function done(name, args) {
  const res = await call(name, args);
  assert.ok(!res.isError, `${name}: ${res.content?.[0]?.text}`);
  return res.structuredContent;
}
const made = await done('create_workflow', {
  name: `by ${CLIENT}`,
  nodes: [{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' },
    { name: 'Say', type: 'n8n-nodes-base.set', parameters: { assignments: { assignments: [{ name: 'text', value: '=Hello {{ $json.name }}', type: 'string' }] } } }],
  connections: { Start: { main: [[{ node: 'Say', type: 'main', index: 0 }]] } },
});
const changed = await done('update_workflow', { workflow_id: made.workflow_id, version: made.version, operations: [{ op: 'rename_node', name: 'Say', to: 'Greet' }] });
assert.equal(changed.version, 2);
const ran = await done('execute_workflow', { workflow_id: made.workflow_id, inputs: { name: 'Åse' }, wait_seconds: 30 });
assert.equal(ran.status, 'success', JSON.stringify(ran.error));
assert.equal(ran.result[0].json.text, 'Hello Åse');
const wrong = await call('get_workflow', { workflow_id: 'none' });
assert.equal(wrong.isError, true);
await done('delete_workflow', { workflow_id: made.workflow_id, confirm: true });
await close();
console.log(JSON.stringify({ tools: names.length }));
process.exit(0);
