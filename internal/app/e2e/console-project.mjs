// The console of a server whose people sign in with a Supabase project, in
// Chromium: it talks to the server and to the project, and to nobody else.
//   URL          the server
//   PROJECT_URL  the project
//   CHROMIUM     the browser; SHOTS: where screenshots go
// Prints one JSON line; throws on any surprise.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const { URL: url, PROJECT_URL, CHROMIUM, SHOTS } = process.env;
fs.mkdirSync(SHOTS, { recursive: true });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
const password = 'correct horse battery staple';
const complaints = [];
let asked = 0; // requests to the project

async function windowOf() {
  const context = await browser.newContext({ viewport: { width: 1360, height: 850 }, locale: 'en-GB' });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('console', (m) => /Content Security Policy|CORS/.test(m.text()) && complaints.push(m.text()));
  page.on('request', (r) => {
    const to = new URL(r.url());
    asked += to.origin === PROJECT_URL;
    if (!['blob:', 'data:'].includes(to.protocol) && ![url, PROJECT_URL].includes(to.origin)) complaints.push(`asks another host: ${to.origin}`);
    if (/access_token/.test(to.search)) complaints.push(`a secret in an address: ${to.pathname}`);
  });
  return page;
}

async function enter(page, email, button) {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.getByRole('heading', { name: 'Workflows', exact: true }).waitFor();
}

try {
  const page = await windowOf();
  await page.goto(`${url}/`);
  await page.getByRole('button', { name: 'Create account' }).click();
  await enter(page, 'ada@project.test', 'Create account');
  await page.getByText('No workflows yet').waitFor();
  assert.ok(asked > 0, 'the project was not asked');

  await page.getByRole('link', { name: 'Chat' }).click();
  await page.getByRole('textbox', { name: 'Message' }).fill('When I start it, answer with the text hello');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run it' }).click();
  await page.locator('.outcome .status-success').waitFor();
  const title = await page.locator('.outcome .drawer-head strong').innerText();
  await page.screenshot({ path: path.join(SHOTS, 'project-chat.png') });
  await page.reload();
  await page.getByRole('article', { name: 'You' }).getByText('answer with the text hello').waitFor(); // what was said is kept

  await page.getByRole('link', { name: 'Workflows' }).first().click();
  await page.getByRole('link', { name: title }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Email').waitFor();
  await enter(page, 'ada@project.test', 'Sign in');
  await page.getByRole('link', { name: title }).waitFor();

  const other = await windowOf();
  await other.goto(`${url}/`);
  await other.getByRole('button', { name: 'Create account' }).click();
  await enter(other, 'bob@project.test', 'Create account');
  await other.getByText('No workflows yet').waitFor();
  assert.deepEqual(complaints, []);
  console.log(JSON.stringify({ title, asked }));
} catch (error) {
  for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: path.join(SHOTS, 'failed-project.png') }).catch(() => {});
  error.message += `\n${complaints.join('\n')}`;
  throw error;
} finally {
  await browser.close();
}
