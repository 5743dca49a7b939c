import { Activity, KeyRound, LogOut, Menu as MenuIcon, MessageSquare, PlugZap, ScrollText, ServerCog, Vault, Workflow as WorkflowIcon, type LucideIcon } from 'lucide-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Link, Redirect, Route, Router, Switch, useLocation } from 'wouter';
import { api, done } from './api/client';
import { useAuth, useSession } from './auth';
import { SignIn } from './pages/sign-in';
import { Workflows } from './pages/workflows';
import { useText, type Word } from './text';
import { Loading } from './ui/bits';
import { IconButton } from './ui/button';
import { Boundary } from './ui/boundary';
import { LeaveQuestion, aroundNav, leave } from './ui/leave';
import { LanguageButton, ThemeButton } from './ui/preferences';
import { toast } from './ui/toast';
import { messageOf } from './values';
import icon from './icon.svg';

const Account = lazy(() => import('./pages/account'));
const Editor = lazy(() => import('./pages/editor'));
const Runs = lazy(() => import('./pages/runs'));
const Chat = lazy(() => import('./pages/chat'));
const Keys = lazy(() => import('./pages/keys'));
const Connect = lazy(() => import('./pages/connect'));
const Credentials = lazy(() => import('./pages/credentials'));
const Calls = lazy(() => import('./pages/calls'));
const Server = lazy(() => import('./pages/server'));

interface Place {
  path: string;
  word: Word;
  icon: LucideIcon;
}

const places: Place[] = [
  { path: '/workflows', word: 'nav.workflows', icon: WorkflowIcon },
  { path: '/chat', word: 'nav.chat', icon: MessageSquare },
  { path: '/runs', word: 'nav.runs', icon: Activity },
  { path: '/credentials', word: 'nav.credentials', icon: Vault },
  { path: '/keys', word: 'nav.keys', icon: KeyRound },
  { path: '/connect', word: 'nav.connect', icon: PlugZap },
  { path: '/calls', word: 'nav.calls', icon: ScrollText },
];

/** The signed-in person, as the server knows them. */
export function useProfile() {
  return useQuery({ queryKey: ['profile'], queryFn: () => done(api.GET('/api/app/auth/profile')), staleTime: 60_000 });
}

export function App() {
  const { session } = useAuth();
  if (session === undefined) return <Loading />;
  if (session === null) return <SignIn />;
  return (
    <Router base="/console" key={session.user.id} aroundNav={aroundNav}>
      <Shell />
      <LeaveQuestion />
    </Router>
  );
}

function Shell() {
  const { t } = useText();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [location]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <header className="topbar">
        <IconButton icon={MenuIcon} label={t('menu')} aria-expanded={open} onClick={() => setOpen(!open)} />
        <Brand />
      </header>
      <Side open={open} />
      {open && <div className="side-shade" onClick={() => setOpen(false)} />}
      <main id="main" tabIndex={-1}>
        <Boundary key={location.split('/')[1]}>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/workflows" component={Workflows} />
              <Route path="/workflows/:id">{({ id }) => <Editor key={id} id={id} />}</Route>
              <Route path="/chat/:id?">{({ id }) => <Chat {...(id ? { id } : {})} />}</Route>
              <Route path="/runs" component={Runs} />
              <Route path="/credentials" component={Credentials} />
              <Route path="/keys" component={Keys} />
              <Route path="/connect" component={Connect} />
              <Route path="/calls" component={Calls} />
              <Route path="/server" component={Server} />
              <Route path="/account" component={Account} />
              <Route>
                <Redirect to="/workflows" replace />
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </main>
    </div>
  );
}

function Brand() {
  const { settings } = useAuth();
  return (
    <Link href="/workflows" className="brand">
      <img src={icon} alt="" width={26} height={26} />
      <span>{settings.name === 'Workflow Agent API Gateway' ? 'Flowgate' : settings.name}</span>
    </Link>
  );
}

function Side({ open }: { open: boolean }) {
  const { t } = useText();
  const [location] = useLocation();
  const admin = useProfile().data?.roles?.includes('admin');
  const shown: Place[] = admin ? [...places, { path: '/server', word: 'nav.server', icon: ServerCog }] : places;
  return (
    <nav className={`side ${open ? 'side-open' : ''}`} aria-label={t('nav')}>
      <Brand />
      <ul>
        {shown.map((p) => {
          const here = location.startsWith(p.path);
          return (
            <li key={p.path}>
              <Link href={p.path} className={`place ${here ? 'place-here' : ''}`} aria-current={here ? 'page' : undefined}>
                <p.icon size={18} aria-hidden />
                {t(p.word)}
              </Link>
            </li>
          );
        })}
      </ul>
      <Person />
    </nav>
  );
}

function Person() {
  const { t } = useText();
  const { signOut } = useAuth();
  const { user } = useSession();
  const out = useMutation({ mutationFn: () => signOut(), onError: (error) => toast({ kind: 'error', text: t('signOut.failed', { why: messageOf(error) }) }) });
  const profile = useProfile();
  const name = user.is_anonymous ? t('guest') : String(user.user_metadata.name || profile.data?.email || user.email || '');
  return (
    <div className="person">
      <Link href="/account" className="person-name" title={t('account')}>
        <span className="avatar" aria-hidden>
          {(name[0] ?? '·').toUpperCase()}
        </span>
        <span>{name}</span>
      </Link>
      <div className="row">
        <ThemeButton />
        <LanguageButton />
        <IconButton icon={LogOut} label={t('signOut')} disabled={out.isPending} onClick={() => leave(() => out.mutate())} />
      </div>
    </div>
  );
}
