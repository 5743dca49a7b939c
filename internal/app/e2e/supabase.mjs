// A person's whole acquaintance with the sign-in, by @supabase/supabase-js as
// it comes from npm: sign up, in, refresh, look, change, sign out, and calls of
// the App tier in between. It runs against any server that speaks the same:
//   AUTH_URL  where the client finds /auth/v1
//   API_URL   where /api/app is (AUTH_URL when not set)
//   KEY       the client's anon key
//   EMAIL, PASSWORD   of the account to make
//   GUESTS=true       also signs in anonymously
// Prints one JSON line; throws on any surprise.
import assert from 'node:assert/strict';
import { createClient } from '@supabase/supabase-js';

const { AUTH_URL, KEY = 'anon', EMAIL, PASSWORD, GUESTS } = process.env;
const api = process.env.API_URL || AUTH_URL;

const make = () => createClient(AUTH_URL, KEY, { auth: { persistSession: false, autoRefreshToken: false } });
const good = ({ data, error }) => {
  assert.equal(error, null, error && `${error.code}: ${error.message}`);
  return data;
};
const call = (token, path, options = {}) => fetch(`${api}/api/app${path}`, {
  ...options, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
});

const client = make();
const up = good(await client.auth.signUp({ email: EMAIL, password: PASSWORD, options: { data: { name: 'Åse' } } }));
assert.equal(up.user.email, EMAIL);
assert.ok(up.session, 'signing up signs in');
assert.equal(up.user.user_metadata.name, 'Åse');

// The App tier takes the token as it is.
const profile = await call(up.session.access_token, '/auth/profile');
assert.equal(profile.status, 200, await profile.clone().text());
assert.equal((await profile.json()).sub, up.user.id);
const made = await call(up.session.access_token, '/workflows', {
  method: 'POST', body: JSON.stringify({ name: 'mine', nodes: [], connections: {} }),
});
assert.equal(made.status, 201, await made.clone().text());

// What is wrong is told in the codes that the client knows.
const twice = await make().auth.signUp({ email: EMAIL, password: PASSWORD });
assert.equal(twice.error?.code, 'user_already_exists', twice.error?.message);
const weak = await make().auth.signUp({ email: `weak-${EMAIL}`, password: 'x' });
assert.equal(weak.error?.code, 'weak_password', weak.error?.message);
const wrong = await make().auth.signInWithPassword({ email: EMAIL, password: `${PASSWORD}!` });
assert.equal(wrong.error?.code, 'invalid_credentials', wrong.error?.message);

const other = make();
const signedIn = good(await other.auth.signInWithPassword({ email: EMAIL, password: PASSWORD }));
assert.equal(signedIn.user.id, up.user.id);
assert.equal(signedIn.session.token_type, 'bearer');

const refreshed = good(await other.auth.refreshSession());
assert.notEqual(refreshed.session.refresh_token, signedIn.session.refresh_token, 'refresh tokens are rotated');
const seen = good(await other.auth.getUser());
assert.equal(seen.user.id, up.user.id);
assert.equal(seen.user.is_anonymous, false);
const claims = good(await other.auth.getClaims());
assert.equal(claims.claims.sub, up.user.id, 'the published keys fit the tokens');
const list = await call(refreshed.session.access_token, '/workflows');
assert.equal((await list.json()).workflows.length, 1, 'the same person sees the same rows');

const changed = good(await other.auth.updateUser({ data: { theme: 'dark' } }));
assert.deepEqual(changed.user.user_metadata, { name: 'Åse', theme: 'dark' });
const another = `${PASSWORD} 2`;
good(await other.auth.updateUser({ password: another }));
assert.equal((await call(up.session.access_token, '/auth/profile')).status, 401, 'a new password ends other sessions');
good(await make().auth.signInWithPassword({ email: EMAIL, password: another }));

const held = refreshed.session;
assert.equal((await other.auth.signOut()).error, null);
assert.equal((await call(held.access_token, '/auth/profile')).status, 401, 'signing out ends the session at once');
const late = await make().auth.refreshSession({ refresh_token: held.refresh_token });
assert.equal(late.error?.code, 'refresh_token_not_found', late.error?.message);

let guest = null;
if (GUESTS === 'true') {
  const c = make();
  const g = good(await c.auth.signInAnonymously());
  assert.equal(g.user.is_anonymous, true);
  const p = await call(g.session.access_token, '/auth/profile');
  assert.equal((await p.json()).is_anonymous, true);
  assert.equal((await call(g.session.access_token, '/api-keys', {
    method: 'POST', body: JSON.stringify({ client_name: 'x', scopes: ['tools:read'] }),
  })).status, 403, 'guests let nobody in');
  guest = g.user.id;
}
console.log(JSON.stringify({ user: up.user.id, guest }));
