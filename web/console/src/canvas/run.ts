import type { LogEvent } from '../api/types';

/** How a node stands in a run. */
export interface NodeState {
  state: 'running' | 'success' | 'error' | 'waiting';
  ms?: number | undefined;
  counts?: number[] | undefined;
  runs: number;
  message?: string | undefined;
}

/** A stretch of time in which a node ran. */
export interface Stretch {
  node: string;
  state: NodeState['state'];
  from: number;
  to?: number;
}

/** What a run's events say, together. */
export interface RunState {
  status: string;
  nodes: Map<string, NodeState>;
  stretches: Stretch[];
  began: number;
}

export const nothingYet: RunState = { status: 'queued', nodes: new Map(), stretches: [], began: 0 };

/** The run after one more event. */
export function after(run: RunState, e: LogEvent): RunState {
  const at = Date.parse(e.at);
  const next = { ...run, began: run.began || at, status: e.status ?? run.status };
  if (e.type === 'execution_resumed') next.status = 'running';
  if (!e.node) return next;
  const before = run.nodes.get(e.node);
  const put = (s: NodeState) => {
    next.nodes = new Map(run.nodes).set(e.node!, s);
  };
  const close = (state: NodeState['state']) => {
    const open = run.stretches.findLastIndex((s) => s.node === e.node && s.to === undefined);
    const from = run.stretches[open]?.from ?? at - (e.duration_ms ?? 0);
    const ended = { node: e.node!, state, from, to: from + (e.duration_ms ?? Math.max(at - from, 0)) };
    next.stretches = open < 0 ? [...run.stretches, ended] : run.stretches.with(open, ended);
  };
  switch (e.type) {
    case 'node_started':
      put({ state: 'running', runs: (before?.runs ?? 0) + 1, counts: before?.counts });
      next.stretches = [...run.stretches, { node: e.node, state: 'running', from: at }];
      break;
    case 'node_finished':
      put({ state: 'success', runs: before?.runs ?? 1, ms: e.duration_ms, counts: sum(before?.counts, e.item_counts) });
      close('success');
      break;
    case 'node_failed':
      put({ state: 'error', runs: before?.runs ?? 1, ms: e.duration_ms, message: e.message, counts: before?.counts });
      close('error');
      break;
    case 'execution_waiting':
      put({ state: 'waiting', runs: before?.runs ?? 1, counts: before?.counts });
      break;
  }
  return next;
}

function sum(a: number[] | undefined, b: number[] | undefined): number[] {
  const [x, y] = [a ?? [], b ?? []];
  return Array.from({ length: Math.max(x.length, y.length) }, (_, i) => (x[i] ?? 0) + (y[i] ?? 0));
}

export const isFinal = (status: string | undefined) => ['success', 'error', 'cancelled', 'timeout'].includes(status ?? '');
