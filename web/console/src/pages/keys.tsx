import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus, RefreshCw, Trash2 } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { Link } from 'wouter';
import { api, done } from '../api/client';
import type { Key } from '../api/types';
import { useAuth } from '../auth';
import { useText, type Word } from '../text';
import { Ago, Empty, Fault, Field, Loading, Page, Snippet, Status } from '../ui/bits';
import { Button } from '../ui/button';
import { Confirm, Dialog } from '../ui/dialog';
import { handKey } from './handed';

/** Keys by which programs act in the person's name. */
export default function Keys() {
  const { t } = useText();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [shown, setShown] = useState<Key>();
  const [revoking, setRevoking] = useState<Key>();
  const list = useQuery({ queryKey: ['keys'], queryFn: () => done(api.GET('/api/app/api-keys', { params: { query: { limit: 100 } } })) });
  const again = () => client.invalidateQueries({ queryKey: ['keys'] });
  const rotate = useMutation({
    mutationFn: (k: Key) => done(api.POST('/api/app/api-keys/{key_id}/rotate', { params: { path: { key_id: k.id } }, body: {} })),
    onSuccess: (k) => (setShown(k), void again()),
  });
  const revoke = useMutation({ mutationFn: (k: Key) => done(api.DELETE('/api/app/api-keys/{key_id}', { params: { path: { key_id: k.id } } })), onSuccess: again });
  const keys = list.data?.keys ?? [];
  const make = (
    <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
      {t('keys.make')}
    </Button>
  );
  return (
    <Page title={t('nav.keys')} text={t('keys.text')} actions={make}>
      {list.isPending ? (
        <Loading />
      ) : list.error ? (
        <Fault error={list.error} />
      ) : keys.length === 0 ? (
        <Empty icon={KeyRound} title={t('keys.none')} text={t('keys.noneText')}>
          {make}
        </Empty>
      ) : (
        <ul className="cards">
          {keys.map((k) => (
            <li key={k.id} className="card">
              <div className="card-main">
                <span className="card-title">{k.client_name}</span>
                <p className="row wrap">
                  {k.scopes.map((s) => (
                    <span key={s} className="chip" title={t(`scope.${s}` as Word)}>
                      {s}
                    </span>
                  ))}
                </p>
                <p className="muted small">
                  {t('keys.lastUsed')} <Ago at={k.last_used_at} />
                  {k.expires_at && (
                    <>
                      {' · '}
                      {t('keys.expires')} <Ago at={k.expires_at} />
                    </>
                  )}
                </p>
              </div>
              <div className="card-side">
                <Status status={k.active ? 'active' : 'revoked'} />
                {k.active && (
                  <>
                    <Button icon={RefreshCw} busy={rotate.isPending && rotate.variables === k} onClick={() => rotate.mutate(k)}>
                      {t('keys.rotate')}
                    </Button>
                    <Button kind="danger" icon={Trash2} onClick={() => setRevoking(k)}>
                      {t('keys.revoke')}
                    </Button>
                  </>
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
      {making && <NewKey onClose={() => setMaking(false)} onMade={(k) => (setMaking(false), setShown(k), void again())} />}
      {shown && (
        <Dialog open onClose={() => setShown(undefined)} title={t('keys.made', { name: shown.client_name })} description={t('keys.once')}>
          <Snippet text={shown.key ?? ''} label={t('keys.copy')} />
          <footer className="dialog-foot">
            <Link className="button button-primary" href="/connect" onClick={() => handKey(shown.key ?? '')}>
              {t('keys.connect')}
            </Link>
          </footer>
        </Dialog>
      )}
      <Confirm
        open={!!revoking}
        onClose={() => setRevoking(undefined)}
        onConfirm={() => revoking && revoke.mutate(revoking)}
        title={t('keys.revokeTitle')}
        text={t('keys.revokeText', { name: revoking?.client_name ?? '' })}
        action={t('keys.revoke')}
      />
    </Page>
  );
}

const usual = ['workflows:read', 'workflows:write', 'workflows:execute', 'executions:read', 'executions:write', 'nodes:read', 'agent:chat'];

function NewKey({ onClose, onMade }: { onClose(): void; onMade(k: Key): void }) {
  const { t } = useText();
  const { settings } = useAuth();
  const [name, setName] = useState('');
  const [life, setLife] = useState('2160h');
  const [scopes, setScopes] = useState<string[]>(usual);
  const make = useMutation({
    mutationFn: () => done(api.POST('/api/app/api-keys', { body: { client_name: name, scopes, ...(life ? { expires_in: life } : {}) } })),
    onSuccess: onMade,
    onError: () => {},
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    make.mutate();
  };
  return (
    <Dialog open onClose={onClose} title={t('keys.make')} description={t('keys.makeText')}>
      <form className="stack" onSubmit={submit}>
        <Field label={t('keys.name')} hint={t('keys.nameHint')}>
          <input type="text" required maxLength={100} autoFocus value={name} onChange={(e) => setName(e.target.value)} />
        </Field>
        <Field label={t('keys.life')}>
          <select value={life} onChange={(e) => setLife(e.target.value)}>
            <option value="720h">{t('keys.days', { n: 30 })}</option>
            <option value="2160h">{t('keys.days', { n: 90 })}</option>
            <option value="8760h">{t('keys.days', { n: 365 })}</option>
            <option value="">{t('keys.forever')}</option>
          </select>
        </Field>
        <fieldset className="scopes">
          <legend>{t('keys.scopes')}</legend>
          {settings.scopes.map((s) => (
            <label key={s} className="scope">
              <input type="checkbox" checked={scopes.includes(s)} onChange={(e) => setScopes(e.target.checked ? [...scopes, s] : scopes.filter((x) => x !== s))} />
              <span>
                <code>{s}</code>
                <small className="muted">{t(`scope.${s}` as Word)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {make.error && <Fault error={make.error} />}
        <footer className="dialog-foot">
          <Button kind="primary" type="submit" disabled={scopes.length === 0} busy={make.isPending}>
            {t('keys.make')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
