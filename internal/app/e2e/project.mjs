// The App tier for people who sign in with a Supabase project, by
// @supabase/supabase-js as it comes from npm, and what of the tables a signed-in
// person can reach with that client beside us.
//   PROJECT_URL, KEY  the project and its public key
//   API_URL           where /api/app is
// Prints one JSON line; throws on any surprise.
import assert from 'node:assert/strict';
import { createClient } from '@supabase/supabase-js';

const { PROJECT_URL, KEY, API_URL } = process.env;
const make = () => createClient(PROJECT_URL, KEY, { auth: { persistSession: false, autoRefreshToken: false } });
const good = ({ data, error }) => {
  assert.equal(error, null, error && `${error.code}: ${error.message}`);
  return data;
};

async function person(name) {
  const client = make();
  const credentials = { email: `${name}@example.org`, password: 'correct horse battery' };
  good(await client.auth.signUp(credentials));
  const { session, user } = good(await client.auth.signInWithPassword(credentials));
  const call = async (method, path, body, want = 200) => {
    const form = body instanceof FormData;
    const answer = await fetch(`${API_URL}/api/app${path}`, {
      method, body: body === undefined || form ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${session.access_token}`, ...(form ? {} : { 'content-type': 'application/json' }) },
    });
    const text = await answer.text();
    assert.equal(answer.status, want, `${name}: ${method} ${path}: ${text}`);
    return text && (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : text;
  };
  return { client, user, call };
}

const ada = await person('ada');
const bob = await person('bob');
assert.equal((await ada.call('GET', '/auth/profile')).sub, ada.user.id);

// Workflows, their versions and their runs.
const nodes = [
  { name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {}, position: [0, 0] },
  { name: 'Set', type: 'n8n-nodes-base.set', typeVersion: 3.4, position: [200, 0],
    parameters: { assignments: { assignments: [{ id: '1', name: 'said', type: 'string', value: 'Grüße' }] } } },
];
const connections = { Start: { main: [[{ node: 'Set', type: 'main', index: 0 }]] } };
const made = await ada.call('POST', '/workflows', { name: 'Greets', description: 'says hello', nodes, connections, tags: ['blue'] }, 201);
const id = made.workflow_id;
assert.ok(id);
const saved = await ada.call('PUT', `/workflows/${id}`, { name: 'Greets warmly' });
assert.equal(saved.version, 2);
await ada.call('PUT', `/workflows/${id}`, { name: 'Lost', version: 1 }, 409);
assert.equal((await ada.call('GET', `/workflows/${id}`)).name, 'Greets warmly');
assert.deepEqual((await ada.call('GET', '/workflows?query=WARM')).workflows.map((w) => w.workflow_id), [id]);
assert.equal((await ada.call('GET', '/workflows?query=nothing')).workflows.length, 0);
assert.equal((await ada.call('GET', `/workflows/${id}/versions`)).versions.length, 2);
const run = await ada.call('POST', `/workflows/${id}/execute?wait=30`, { inputs: {} }, 200).catch(() => ada.call('POST', `/workflows/${id}/execute?wait=30`, { inputs: {} }, 202));
assert.ok(run.execution_id);
assert.equal((await ada.call('GET', `/executions/${run.execution_id}`)).status, 'success');
assert.ok((await ada.call('GET', `/workflows/${id}/history`)).executions.some((e) => e.execution_id === run.execution_id));

// Conversations, credentials, files.
const session = await ada.call('POST', '/sessions', { action: 'create', meta_data: { from: 'test' } }, 201);
await ada.call('PUT', `/sessions/${session.session_id}`, { title: 'Über uns' });
assert.equal((await ada.call('GET', `/sessions/${session.session_id}`)).title, 'Über uns');
assert.equal((await ada.call('GET', `/chat/${session.session_id}/messages`)).total_count, 0);
const credential = await ada.call('POST', '/credentials', { name: 'mine', type: 'httpHeaderAuth', values: { name: 'X-Key', value: 'secret' } }, 201);
assert.ok(!JSON.stringify(await ada.call('GET', '/credentials')).includes('secret'));
const form = new FormData();
form.append('file', new Blob(['Grüße'], { type: 'text/plain' }), 'grüße.txt');
const file = await ada.call('POST', '/files', form, 201);
const fileID = file.file_id ?? file.id ?? file.files?.[0]?.file_id;
assert.equal(await ada.call('GET', `/files/${fileID}`), 'Grüße');
assert.equal((await ada.call('GET', '/files')).files.length, 1);

// What is Ada's is not there for Bob.
for (const [method, path, body] of [
  ['GET', `/workflows/${id}`], ['PUT', `/workflows/${id}`, { name: 'mine now' }], ['DELETE', `/workflows/${id}`], ['GET', `/workflows/${id}/versions`],
  ['GET', `/executions/${run.execution_id}`], ['GET', `/sessions/${session.session_id}`], ['DELETE', `/sessions/${session.session_id}`],
  ['GET', `/chat/${session.session_id}/messages`], ['GET', `/files/${fileID}`], ['DELETE', `/files/${fileID}`],
]) await bob.call(method, path, body, 404);
assert.equal((await bob.call('GET', '/workflows')).workflows.length, 0);

// Past us, a person's own client reaches the functions as that person, and no table.
const ask = (client, name, args) => client.schema('flowgate_api').rpc(name, { args: JSON.stringify(args) });
assert.equal(good(await ask(ada.client, 'list_workflows', { limit: 10 })).rows.length, 1);
assert.equal(good(await ask(bob.client, 'list_workflows', { limit: 10 })).rows, null);
assert.equal(good(await ask(bob.client, 'delete_workflow', { id })).changed, 0);
assert.ok((await ask(make(), 'list_workflows', { limit: 10 })).error, 'nobody gets in');
for (const table of ['workflows', 'api_keys', 'users', 'secrets']) {
  assert.ok((await ada.client.schema('flowgate').from(table).select('*')).error, `${table} is exposed`);
  assert.ok((await ada.client.schema('flowgate_api').from(table).select('*')).error, `${table} is exposed`);
}

await ada.call('DELETE', `/files/${fileID}`);
await ada.call('GET', `/files/${fileID}`, undefined, 404);
await ada.call('DELETE', `/sessions/${session.session_id}`);
await ada.call('GET', `/sessions/${session.session_id}`, undefined, 404);
console.log(JSON.stringify({ workflow: id, execution: run.execution_id, credential: credential.credential_id ?? credential.id }));
