import { useMutation, useQueryClient } from '@tanstack/react-query';
import { LogOut, MonitorSmartphone } from 'lucide-react';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useAuth, useSession } from '../auth';
import { useText } from '../text';
import { chooseTheme, useChoice } from '../theme';
import { Fault, Field, Page } from '../ui/bits';
import { Button } from '../ui/button';
import { leave } from '../ui/leave';
import { Segments } from '../ui/segments';
import { toast } from '../ui/toast';

/** What people set for themselves: who they are, how they sign in, how the console looks. */
export default function Account() {
  const { t, language, setLanguage } = useText();
  const { user } = useSession();
  const theme = useChoice();
  const guest = user.is_anonymous ?? false;
  return (
    <Page title={t('account')} text={guest ? t('account.guest') : (user.email ?? '')}>
      {!guest && <Name before={String(user.user_metadata.name ?? '')} />}
      <SignInWith guest={guest} before={user.email ?? ''} />
      <section className="panel-card stack">
        <h2>{t('account.looks')}</h2>
        <div className="row wrap">
          <Segments label={t('account.theme')} value={theme} options={[['system', t('theme.system')], ['light', t('theme.light')], ['dark', t('theme.dark')]]} onChange={chooseTheme} />
          <Segments label={t('account.language')} value={language} options={[['en', 'English'], ['zh', '中文']]} onChange={setLanguage} />
        </div>
      </section>
      {!guest && <Sessions />}
    </Page>
  );
}

function useChange() {
  const { t } = useText();
  const { change } = useAuth();
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (done) => {
      toast({ kind: 'ok', text: done ? t('account.changed') : t('account.confirm') });
      void client.invalidateQueries({ queryKey: ['profile'] });
    },
    onError: () => {},
  });
}

function Card({ title, fault, onSubmit, children }: { title: string; fault: unknown; onSubmit(): void; children: ReactNode }) {
  const submit = (e: FormEvent) => {
    e.preventDefault();
    onSubmit();
  };
  return (
    <form className="panel-card stack" aria-label={title} onSubmit={submit}>
      <h2>{title}</h2>
      {children}
      {fault ? <Fault error={fault} /> : null}
    </form>
  );
}

function Name({ before }: { before: string }) {
  const { t } = useText();
  const change = useChange();
  const [name, setName] = useState(before);
  return (
    <Card title={t('account.you')} fault={change.error} onSubmit={() => change.mutate({ data: { name: name.trim() } })}>
      <Field label={t('account.name')} hint={t('account.nameHint')}>
        <input type="text" autoComplete="name" maxLength={80} value={name} onChange={(e) => setName(e.target.value)} />
      </Field>
      <div>
        <Button type="submit" disabled={name.trim() === before} busy={change.isPending}>
          {t('save')}
        </Button>
      </div>
    </Card>
  );
}

/** Email and password; a guest who gives both stays. */
function SignInWith({ guest, before }: { guest: boolean; before: string }) {
  const { t } = useText();
  const change = useChange();
  const [email, setEmail] = useState(before);
  const [password, setPassword] = useState('');
  const wanted = { ...(email !== before ? { email } : {}), ...(password ? { password } : {}) };
  return (
    <Card title={guest ? t('account.keep') : t('account.signIn')} fault={change.error} onSubmit={() => change.mutate(wanted, { onSuccess: () => setPassword('') })}>
      {guest && <p className="muted">{t('account.keepText')}</p>}
      <Field label={t('email')}>
        <input type="email" autoComplete="username" required value={email} onChange={(e) => setEmail(e.target.value)} />
      </Field>
      <Field label={guest ? t('password') : t('account.newPassword')} hint={guest ? t('password.hint') : t('account.passwordHint')}>
        <input type="password" autoComplete="new-password" required={guest} value={password} onChange={(e) => setPassword(e.target.value)} />
      </Field>
      <div>
        <Button kind={guest ? 'primary' : 'plain'} type="submit" disabled={Object.keys(wanted).length === 0} busy={change.isPending}>
          {guest ? t('account.keep') : t('save')}
        </Button>
      </div>
    </Card>
  );
}

function Sessions() {
  const { t } = useText();
  const { signOut } = useAuth();
  const out = useMutation({
    mutationFn: signOut,
    onSuccess: (_none, scope) => scope === 'others' && toast({ kind: 'ok', text: t('account.othersOut') }),
  });
  return (
    <section className="panel-card stack">
      <h2>{t('account.sessions')}</h2>
      <div className="row wrap">
        <Button icon={MonitorSmartphone} busy={out.isPending && out.variables === 'others'} onClick={() => out.mutate('others')}>
          {t('account.signOutOthers')}
        </Button>
        <Button kind="danger" icon={LogOut} busy={out.isPending && out.variables === 'global'} onClick={() => leave(() => out.mutate('global'))}>
          {t('account.signOutAll')}
        </Button>
      </div>
    </section>
  );
}
