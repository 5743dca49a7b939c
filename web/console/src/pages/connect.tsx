import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ShieldOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { api, done } from '../api/client';
import { useAuth } from '../auth';
import { useText } from '../text';
import { Ago, Field, Page, Snippet } from '../ui/bits';
import { Button } from '../ui/button';
import { Tabs } from '../ui/tabs';
import { shellWord } from '../values';
import { forgetKey, handedKey } from './handed';

interface Client {
  id: string;
  title: string;
  place: string;
  text(url: string, key: string): string;
}

const pretty = (v: unknown) => JSON.stringify(v, null, 2);

const clients: Client[] = [
  { id: 'claude-code', title: 'Claude Code', place: 'shell', text: (url, key) => `claude mcp add --transport http flowgate ${url} --header ${shellWord(`X-API-Key: ${key}`)}` },
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    place: 'claude_desktop_config.json',
    text: (url, key) =>
      pretty({
        mcpServers: {
          flowgate: {
            command: 'npx',
            args: ['-y', 'mcp-remote', url, '--header', 'X-API-Key:${FLOWGATE_API_KEY}', ...(url.startsWith('http://') ? ['--allow-http'] : [])],
            env: { FLOWGATE_API_KEY: key },
          },
        },
      }),
  },
  { id: 'cursor', title: 'Cursor', place: '~/.cursor/mcp.json', text: (url, key) => pretty({ mcpServers: { flowgate: { url, headers: { 'X-API-Key': key } } } }) },
  { id: 'vscode', title: 'VS Code', place: '.vscode/mcp.json', text: (url, key) => pretty({ servers: { flowgate: { type: 'http', url, headers: { 'X-API-Key': key } } } }) },
  { id: 'codex', title: 'Codex', place: '~/.codex/config.toml', text: (url, key) => `[mcp_servers.flowgate]\nurl = ${JSON.stringify(url)}\nhttp_headers = { "X-API-Key" = ${JSON.stringify(key)} }` },
  { id: 'curl', title: 'curl', place: 'shell', text: (url, key) => `curl ${url.replace(/\/mcp$/, '/api/mcp/tools')} -H ${shellWord(`X-API-Key: ${key}`)}` },
];

/** How MCP clients are connected, and which were. */
export default function Connect() {
  const { t } = useText();
  const { settings } = useAuth();
  const [key, setKey] = useState(handedKey);
  useEffect(() => forgetKey, []); // when the page is left
  const [tab, setTab] = useState('claude-code');
  const url = `${settings.public_url}/mcp`;
  return (
    <Page title={t('nav.connect')} text={t('connect.text')}>
      <Field label={t('connect.address')}>
        <input type="text" readOnly value={url} />
      </Field>
      <Field label={t('connect.key')} hint={t('connect.keyHint')}>
        <input type="password" autoComplete="off" placeholder="YOUR_API_KEY" value={key} onChange={(e) => setKey(e.target.value)} />
      </Field>
      <Tabs
        label={t('nav.connect')}
        value={tab}
        onChange={setTab}
        tabs={clients.map((c) => ({
          id: c.id,
          label: c.title,
          content: (
            <>
              <p className="muted">{c.place === 'shell' ? t('connect.shell') : t('connect.file', { file: c.place })}</p>
              <Snippet text={c.text(url, key.trim() || 'YOUR_API_KEY')} />
            </>
          ),
        }))}
      />
      <Grants />
    </Page>
  );
}

/** OAuth clients that came in the person's name. */
function Grants() {
  const { t } = useText();
  const client = useQueryClient();
  const list = useQuery({ queryKey: ['grants'], queryFn: () => done(api.GET('/api/app/oauth-grants')) });
  const revoke = useMutation({
    mutationFn: (id: string) => done(api.DELETE('/api/app/oauth-grants/{client_id}', { params: { path: { client_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['grants'] }),
  });
  const widen = useMutation({
    mutationFn: ({ id, scopes }: { id: string; scopes: string[] }) => done(api.PUT('/api/app/oauth-grants/{client_id}', { params: { path: { client_id: id } }, body: { scopes } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['grants'] }),
  });
  const grants = list.data?.grants ?? [];
  if (grants.length === 0) return null;
  const all = ['workflows:read', 'workflows:write', 'workflows:execute', 'executions:read', 'executions:write', 'nodes:read', 'agent:chat'];
  return (
    <section className="stack">
      <h2>{t('connect.oauth')}</h2>
      <ul className="cards">
        {grants.map((g) => (
          <li key={g.client_id} className="card">
            <div className="card-main">
              <span className="card-title">{g.client_name || g.client_id}</span>
              <p className="muted small">
                {g.scopes.join(', ')} · <Ago at={g.updated_at} />
              </p>
            </div>
            <div className="card-side">
              {!g.scopes.includes('workflows:write') && <Button onClick={() => widen.mutate({ id: g.client_id, scopes: all })}>{t('connect.widen')}</Button>}
              {!g.revoked_at && (
                <Button kind="danger" icon={ShieldOff} onClick={() => revoke.mutate(g.client_id)}>
                  {t('connect.shutOut')}
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
