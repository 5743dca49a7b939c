import { createClient, type Session, type SupabaseClient } from '@supabase/supabase-js';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useTokensFrom, whenRefused } from './api/client';
import { forgetKey } from './pages/handed';
import type { Settings } from './settings';

interface Auth {
  settings: Settings;
  /** undefined: not known yet; null: nobody is signed in. */
  session: Session | null | undefined;
  signIn(email: string, password: string): Promise<void>;
  /** False when the account has to be confirmed by email first. */
  signUp(email: string, password: string): Promise<boolean>;
  guest(): Promise<void>;
  /** Ends sessions: this one, all others, or all. */
  signOut(scope?: 'local' | 'others' | 'global'): Promise<void>;
  /** Changes the person's account; false when a new email address has to be confirmed first. */
  change(to: { email?: string; password?: string; data?: { name: string } }): Promise<boolean>;
}

const AuthContext = createContext<Auth | null>(null);

export function useAuth(): Auth {
  const auth = useContext(AuthContext);
  if (!auth) throw new Error('outside of AuthProvider');
  return auth;
}

/** Who is signed in: nobody's pages are shown before that is known. */
export function useSession(): Session {
  const { session } = useAuth();
  if (!session) throw new Error('nobody is signed in');
  return session;
}

function clientFor(settings: Settings): SupabaseClient {
  const { url, anon_key } = settings.sign_in;
  return createClient(url || window.location.origin, anon_key || 'embedded', {
    auth: { storageKey: 'flowgate-session', persistSession: true, autoRefreshToken: true, detectSessionInUrl: false },
  });
}

/** Keeps the session, by the local sign-in or the Supabase project alike. */
export function AuthProvider({ settings, children }: { settings: Settings; children: ReactNode }) {
  const client = useMemo(() => clientFor(settings), [settings]);
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const queries = useQueryClient();
  const person = useRef<string>(undefined);
  useEffect(() => {
    useTokensFrom(async () => (await client.auth.getSession()).data.session?.access_token ?? null);
    // A session that was ended elsewhere cannot be renewed, and ends here, too.
    let renewing: Promise<unknown> | undefined;
    const renew = async () => {
      const { error } = await client.auth.refreshSession();
      if (error?.status && error.status >= 400 && error.status < 500 && error.status !== 429) await client.auth.signOut({ scope: 'local' });
    };
    whenRefused(() => void (renewing ??= renew().finally(() => (renewing = undefined))));
    const { data } = client.auth.onAuthStateChange((_event, next) => {
      if (person.current !== undefined && person.current !== next?.user.id) {
        // what was read for one person is not shown to the next
        queries.clear();
        forgetKey();
      }
      person.current = next?.user.id;
      setSession(next);
    });
    return () => data.subscription.unsubscribe();
  }, [client, queries]);
  const auth = useMemo<Auth>(
    () => ({
      settings,
      session,
      async signIn(email, password) {
        const { error } = await client.auth.signInWithPassword({ email, password });
        if (error) throw error;
      },
      async signUp(email, password) {
        const { data, error } = await client.auth.signUp({ email, password });
        if (error) throw error;
        return data.session !== null;
      },
      async guest() {
        const { error } = await client.auth.signInAnonymously();
        if (error) throw error;
      },
      async signOut(scope = 'local') {
        const { error } = await client.auth.signOut({ scope });
        if (error) throw error;
      },
      async change(to) {
        const { data, error } = await client.auth.updateUser(to);
        if (error) throw error;
        await client.auth.refreshSession(); // its token says who the person is now
        return to.email === undefined || data.user?.email === to.email;
      },
    }),
    [client, session, settings],
  );
  return <AuthContext.Provider value={auth}>{children}</AuthContext.Provider>;
}
