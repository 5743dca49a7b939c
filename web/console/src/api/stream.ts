import { createParser } from 'eventsource-parser';
import { authorization, failureOf } from './client';

interface Options {
  signal: AbortSignal;
  /** The body of a POST; a GET without one. */
  body?: unknown;
  /** The event behind which to begin. */
  after?: number;
  onEvent: (data: unknown, id: number) => void;
}

/** Reads one answer of server-sent events to its end; returns the last event's id. */
async function readOnce(path: string, { signal, body, after, onEvent }: Options): Promise<{ last: number; over: boolean }> {
  const headers: Record<string, string> = { Accept: 'text/event-stream', ...(await authorization()) };
  if (after) headers['Last-Event-ID'] = String(after);
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(path, { method: body === undefined ? 'GET' : 'POST', headers, body: body === undefined ? null : JSON.stringify(body), signal });
  if (response.status === 204) return { last: after ?? 0, over: true };
  if (!response.ok) throw failureOf(response.status, await response.json().catch(() => null));
  let last = after ?? 0;
  let over = false;
  const parser = createParser({
    onEvent(event) {
      if (event.event === 'reconnect') return;
      if (event.id) last = Number(event.id);
      const data = JSON.parse(event.data) as { is_final?: boolean; type?: string };
      if (data.is_final || data.type === 'execution_finished') over = true;
      onEvent(data, last);
    },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return { last, over };
    parser.feed(value);
    if (over) {
      void reader.cancel();
      return { last, over };
    }
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

/**
 * Follows a stream to its last event, through lost connections: `resume` is
 * where the rest is found. Rejects when the server refuses.
 */
export async function follow(first: string, resume: string, options: Options): Promise<void> {
  let { after } = options;
  let path = first;
  let { body } = options;
  for (let failures = 0; !options.signal.aborted; ) {
    try {
      const { last, over } = await readOnce(path, { ...options, after, body, onEvent: (data, id) => ((after = id), (failures = 0), options.onEvent(data, id)) });
      after = last;
      if (over) return;
    } catch (error) {
      if (options.signal.aborted) return;
      const refused = error instanceof Error && 'status' in error && Number(error.status) < 500;
      if (refused || failures >= 8) throw error;
      failures++;
    }
    path = resume;
    body = undefined;
    await pause(Math.min(500 * 2 ** failures, 8000), options.signal);
  }
}
