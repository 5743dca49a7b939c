import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, done } from '../api/client';
import { follow } from '../api/stream';
import type { ExecutionWhole, LogEvent } from '../api/types';
import { after, isFinal, nothingYet, type RunState } from './run';

/** Follows a run live, and has it whole when it waits or has ended. */
export function useRun(id: string | undefined) {
  const [run, setRun] = useState<RunState | undefined>();
  const [fault, setFault] = useState<unknown>();
  // Counts events after which the run as a whole is another: an answer that
  // was under way then is not waited for.
  const [turn, setTurn] = useState(0);
  const client = useQueryClient();
  useEffect(() => {
    setRun(undefined);
    setFault(undefined);
    if (!id) return;
    const stop = new AbortController();
    let waiting: LogEvent[] = [];
    let frame = 0;
    let now = nothingYet;
    const show = () => {
      frame = 0;
      const batch = waiting;
      waiting = [];
      now = batch.reduce(after, now);
      setRun(now);
      const last = batch.at(-1)?.type;
      if (batch.some((e) => e.type === 'execution_finished' || e.type === 'execution_waiting' || e.type === 'execution_resumed') || last === 'node_failed') {
        setTurn((n) => n + 1);
        void client.invalidateQueries({ queryKey: ['executions'] });
      }
    };
    const path = `/api/app/executions/${encodeURIComponent(id)}/logs/stream`;
    follow(path, path, {
      signal: stop.signal,
      onEvent: (e) => {
        waiting.push(e as LogEvent);
        frame ||= requestAnimationFrame(show);
      },
    }).catch((error: unknown) => setFault(error));
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [id, client]);
  const whole = useQuery({
    queryKey: ['execution', id, turn],
    enabled: !!id,
    placeholderData: (before, query) => (query?.queryKey[1] === id ? before : undefined),
    queryFn: async () => (await done(api.GET('/api/app/executions/{execution_id}', { params: { path: { execution_id: id! }, query: { detail: 'nodes' } } }))) as unknown as ExecutionWhole,
    staleTime: (q) => (isFinal(q.state.data?.status) ? Infinity : 0),
  });
  const status = isFinal(whole.data?.status) ? whole.data?.status : (run?.status ?? whole.data?.status);
  return { run, whole: id ? whole.data : undefined, status: id ? status : undefined, fault: fault ?? whole.error };
}
