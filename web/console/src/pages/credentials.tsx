import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { FlaskConical, Pencil, Plus, Trash2, Vault } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { api, done, type Schemas } from '../api/client';
import type { CredentialType } from '../api/types';
import { useText } from '../text';
import { Ago, Empty, Fault, Field, Loading, Page } from '../ui/bits';
import { Button, IconButton } from '../ui/button';
import { Confirm, Dialog } from '../ui/dialog';
import { toast } from '../ui/toast';

type Credential = Schemas['ListCredentialsResult']['credentials'][number];

/** Secrets for workflows' nodes: their values go in and are never shown again. */
export default function Credentials() {
  const { t } = useText();
  const client = useQueryClient();
  const [edited, setEdited] = useState<Credential | 'new'>();
  const [erased, setErased] = useState<Credential>();
  const list = useQuery({ queryKey: ['credentials'], queryFn: () => done(api.GET('/api/app/credentials')) });
  const types = useQuery({ queryKey: ['credential-types'], queryFn: () => done(api.GET('/api/app/credential-types')), staleTime: Infinity });
  const again = () => client.invalidateQueries({ queryKey: ['credentials'] });
  const test = useMutation({
    mutationFn: (c: Credential) => done(api.POST('/api/app/credentials/{credential_id}/test', { params: { path: { credential_id: c.credential_id } } })),
    onSuccess: (r) => toast({ kind: r.ok ? 'ok' : 'error', text: r.message }),
  });
  const erase = useMutation({ mutationFn: (c: Credential) => done(api.DELETE('/api/app/credentials/{credential_id}', { params: { path: { credential_id: c.credential_id } } })), onSuccess: again });
  const rows = list.data?.credentials ?? [];
  const make = (
    <Button kind="primary" icon={Plus} onClick={() => setEdited('new')}>
      {t('credentials.make')}
    </Button>
  );
  const titleOf = (type: string) => types.data?.types.find((x) => x.type === type)?.title ?? type;
  return (
    <Page title={t('nav.credentials')} text={t('credentials.text')} actions={make}>
      {list.isPending ? (
        <Loading />
      ) : list.error ? (
        <Fault error={list.error} />
      ) : rows.length === 0 ? (
        <Empty icon={Vault} title={t('credentials.none')} text={t('credentials.noneText')}>
          {make}
        </Empty>
      ) : (
        <ul className="cards">
          {rows.map((c) => (
            <li key={c.credential_id} className="card">
              <div className="card-main">
                <span className="card-title">{c.name}</span>
                <p className="muted small">
                  {titleOf(c.type)} · <Ago at={c.updated_at} />
                </p>
              </div>
              <div className="card-side">
                <Button icon={FlaskConical} busy={test.isPending && test.variables === c} onClick={() => test.mutate(c)}>
                  {t('credentials.test')}
                </Button>
                <IconButton icon={Pencil} label={t('credentials.change', { name: c.name })} onClick={() => setEdited(c)} />
                <IconButton icon={Trash2} label={t('credentials.delete', { name: c.name })} onClick={() => setErased(c)} />
              </div>
            </li>
          ))}
        </ul>
      )}
      {edited && types.data && <Form types={types.data.types} credential={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} onSaved={() => (setEdited(undefined), void again())} />}
      <Confirm
        open={!!erased}
        onClose={() => setErased(undefined)}
        onConfirm={() => erased && erase.mutate(erased)}
        title={t('credentials.deleteTitle')}
        text={t('credentials.deleteText', { name: erased?.name ?? '' })}
        action={t('delete')}
      />
    </Page>
  );
}

function Form({ types, credential, onClose, onSaved }: { types: CredentialType[]; credential: Credential | undefined; onClose(): void; onSaved(): void }) {
  const { t } = useText();
  const [name, setName] = useState(credential?.name ?? '');
  const [type, setType] = useState(credential?.type ?? types[0]?.type ?? '');
  const [values, setValues] = useState<Record<string, string>>({});
  const chosen = types.find((x) => x.type === type);
  const save = useMutation({
    mutationFn: () => {
      const given = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== ''));
      return credential
        ? done(api.PUT('/api/app/credentials/{credential_id}', { params: { path: { credential_id: credential.credential_id } }, body: { name, ...(Object.keys(given).length ? { values: given } : {}) } }))
        : done(api.POST('/api/app/credentials', { body: { name, type, values: given } }));
    },
    onSuccess: onSaved,
    onError: () => {},
  });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate();
  };
  return (
    <Dialog open onClose={onClose} title={credential ? t('credentials.change', { name: credential.name }) : t('credentials.make')} description={credential ? t('credentials.keep') : t('credentials.sealed')}>
      <form className="stack" onSubmit={submit} autoComplete="off">
        <Field label={t('credentials.name')}>
          <input type="text" required autoFocus value={name} onChange={(e) => setName(e.target.value)} />
        </Field>
        <Field label={t('credentials.type')} hint={chosen?.description}>
          <select value={type} disabled={!!credential} onChange={(e) => (setType(e.target.value), setValues({}))}>
            {types.map((x) => (
              <option key={x.type} value={x.type}>
                {x.title}
              </option>
            ))}
          </select>
        </Field>
        {(chosen?.fields ?? []).map((f) => (
          <Field key={f.name} label={f.title} hint={f.description}>
            {f.type === 'boolean' ? (
              <select value={values[f.name] ?? ''} onChange={(e) => setValues({ ...values, [f.name]: e.target.value })}>
                <option value="">—</option>
                <option value="true">{t('yes')}</option>
                <option value="false">{t('no')}</option>
              </select>
            ) : (
              <input type={f.secret ? 'password' : 'text'} autoComplete="new-password" required={!credential && !!f.required} value={values[f.name] ?? ''} onChange={(e) => setValues({ ...values, [f.name]: e.target.value })} />
            )}
          </Field>
        ))}
        {save.error && <Fault error={save.error} />}
        <footer className="dialog-foot">
          <Button kind="primary" type="submit" busy={save.isPending}>
            {t('save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
