import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, done } from '../api/client';
import { follow } from '../api/stream';
import type { Validation, Workflow } from '../api/types';
import { messageOf, newID } from '../values';

export interface Question {
  id: string;
  question: string;
  options?: string[] | null;
}

export interface Alternative {
  id: string;
  title: string;
  description?: string;
  approach?: string;
  trade_offs?: string[] | null;
  complexity?: string;
}

/** One message of a conversation. */
export interface Message {
  id: string;
  role: string;
  text: string;
  partial?: boolean | undefined;
  questions?: Question[] | null | undefined;
  alternatives?: Alternative[] | null | undefined;
}

interface MessageContent {
  message_id: string;
  text: string;
  partial?: boolean;
  role: string;
  questions?: Question[] | null;
  alternatives?: Alternative[] | null;
}

interface ChatEvent {
  type: 'message' | 'status' | 'workflow' | 'error';
  content: unknown;
  is_final: boolean;
}

interface Progress {
  new_stage: string;
  stage_description: string;
}

interface Made {
  workflow_id?: string;
  workflow: Workflow;
  validation?: Validation;
}

function put(list: Message[], m: Message): Message[] {
  const at = list.findIndex((x) => x.id === m.id);
  if (at < 0) return [...list, m];
  const before = list[at]!;
  return list.with(at, m.partial && before.partial ? { ...before, text: before.text + m.text } : m);
}

/** A conversation: what was said, what is said now, and the workflow that comes of it. */
export function useChat(session: string | undefined) {
  const client = useQueryClient();
  const [live, setLive] = useState<Message[]>([]);
  const [progress, setProgress] = useState<Progress>();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const [made, setMade] = useState<Made>();
  const stop = useRef<AbortController | null>(null);

  const about = useQuery({
    queryKey: ['session', session],
    enabled: !!session,
    queryFn: () => done(api.GET('/api/app/sessions/{session_id}', { params: { path: { session_id: session! } } })),
  });
  const said = useQuery({
    queryKey: ['messages', session],
    enabled: !!session,
    queryFn: async () => {
      const { messages } = await done(api.GET('/api/app/chat/{session_id}/messages', { params: { path: { session_id: session! }, query: { limit: 200 } } }));
      return messages.map((m): Message => {
        const meta = (m.metadata ?? {}) as { questions?: Question[] | null; alternatives?: Alternative[] | null };
        return { id: m.id, role: m.message_type, text: m.content, questions: meta.questions, alternatives: meta.alternatives };
      });
    },
    staleTime: Infinity,
    refetchOnMount: 'always',
    gcTime: 0, // what is said live is in none that is kept
  });

  const take = useCallback((e: ChatEvent) => {
    switch (e.type) {
      case 'message': {
        const c = e.content as MessageContent;
        setLive((list) => put(list, { id: c.message_id, role: c.role, text: c.text, partial: c.partial, questions: c.questions, alternatives: c.alternatives }));
        break;
      }
      case 'status':
        setProgress(e.content as Progress);
        break;
      case 'workflow':
        setMade(e.content as Made);
        break;
      case 'error':
        setFault((e.content as { message?: string }).message);
        break;
    }
  }, []);

  const listen = useCallback(
    async (id: string, body?: unknown) => {
      stop.current?.abort();
      const now = new AbortController();
      stop.current = now;
      setBusy(true);
      setFault(undefined);
      const rest = `/api/app/chat/${encodeURIComponent(id)}/stream`;
      try {
        await follow(body ? '/api/app/chat/stream' : rest, rest, { signal: now.signal, body, onEvent: (e) => take(e as ChatEvent) });
      } catch (error) {
        if (!now.signal.aborted) setFault(messageOf(error));
      } finally {
        if (stop.current === now) {
          setBusy(false);
          setProgress(undefined);
          void client.invalidateQueries({ queryKey: ['session', id] });
          void client.invalidateQueries({ queryKey: ['sessions'] });
          void client.invalidateQueries({ queryKey: ['workflows'] });
        }
      }
    },
    [client, take],
  );

  const say = useCallback(
    (text: string, id = session) => {
      if (!id) return;
      setLive((list) => [...list, { id: newID(), role: 'user', text }]);
      void listen(id, { session_id: id, message: text });
    },
    [listen, session],
  );

  useEffect(() => {
    setLive([]);
    setMade(undefined);
    setFault(undefined);
    return () => {
      stop.current?.abort();
      stop.current = null;
      setBusy(false);
      setProgress(undefined);
    };
  }, [session]);

  // A turn that was under way when the page was opened is followed to its end.
  const last = said.data?.at(-1);
  useEffect(() => {
    if (session && last?.role === 'user' && !stop.current) void listen(session);
  }, [session, last, listen]);

  const old = said.data ?? [];
  const messages = [...old, ...live.filter((m) => !old.some((o) => o.id === m.id || (m.role === 'user' && o.role === 'user' && o.text === m.text && old.indexOf(o) >= old.length - 1)))];
  return { messages, busy, progress, fault, made, about: about.data, loading: !!session && said.isPending, error: said.error ?? about.error, say };
}
