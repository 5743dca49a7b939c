import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ChevronDown, ChevronUp, CircleStop, RotateCcw, X } from 'lucide-react';
import { useState } from 'react';
import { api, done } from '../api/client';
import type { ExecutionWhole } from '../api/types';
import { isFinal, type RunState } from '../canvas/run';
import { useText } from '../text';
import { Ago, duration, Fault, Status } from '../ui/bits';
import { Button, IconButton } from '../ui/button';
import { Segments } from '../ui/segments';
import { Answer } from './answer';

interface Props {
  workflowID: string;
  runID: string;
  run: RunState | undefined;
  whole: ExecutionWhole | undefined;
  status: string | undefined;
  fault: unknown;
  onNode(name: string): void;
  onClose(): void;
  onRun(execution: string): void;
}

/** A run below the canvas: how it stands, its nodes in time, what it asks. */
export function RunDrawer({ workflowID, runID, run, whole, status, fault, onNode, onClose, onRun }: Props) {
  const { t } = useText();
  const client = useQueryClient();
  const [small, setSmall] = useState(false);
  const [view, setView] = useState<'timeline' | 'result' | 'earlier'>('timeline');
  const again = () => client.invalidateQueries({ queryKey: ['execution', runID] });
  const cancel = useMutation({ mutationFn: () => done(api.POST('/api/app/executions/{execution_id}/cancel', { params: { path: { execution_id: runID } } })), onSettled: again });
  const retry = useMutation({
    mutationFn: (from: 'failed_node' | 'start') => done(api.POST('/api/app/executions/{execution_id}/retry', { params: { path: { execution_id: runID } }, body: { from } })),
    onSuccess: (e) => onRun(e.execution_id),
  });
  const failed = status === 'error' || status === 'cancelled' || status === 'timeout';
  return (
    <section className={`drawer ${small ? 'drawer-small' : ''}`} aria-label={t('run.title')}>
      <header className="drawer-head">
        <div className="row wrap" aria-live="polite">
          {status && <Status status={status} />}
          {whole && isFinal(whole.status) && <span className="muted small">{duration(whole.duration_ms)}</span>}
          {whole && <span className="muted small">v{whole.workflow_version}</span>}
          {whole?.error && (
            <button type="button" className="link bad" onClick={() => whole.error?.node && onNode(whole.error.node)}>
              {whole.error.node && `${whole.error.node}: `}
              {whole.error.message}
            </button>
          )}
        </div>
        <div className="row">
          {status && !isFinal(status) && (
            <Button kind="danger" icon={CircleStop} busy={cancel.isPending} onClick={() => cancel.mutate()}>
              {t('run.cancel')}
            </Button>
          )}
          {failed && (
            <Button icon={RotateCcw} busy={retry.isPending} onClick={() => retry.mutate('failed_node')}>
              {t('run.retry')}
            </Button>
          )}
          <IconButton icon={small ? ChevronUp : ChevronDown} label={small ? t('run.more') : t('run.less')} aria-expanded={!small} onClick={() => setSmall(!small)} />
          <IconButton icon={X} label={t('run.close')} onClick={onClose} />
        </div>
      </header>
      {fault ? <Fault error={fault} /> : null}
      {whole?.waiting_for && status === 'waiting' && <Answer key={`${whole.execution_id} ${whole.waiting_for.node} ${whole.resume_url ?? ''}`} execution={whole} onAnswered={again} />}
      {!small && (
        <div className="drawer-body">
          <Segments label={t('run.title')} value={view} options={[['timeline', t('run.timeline')], ['result', t('run.result')], ['earlier', t('run.earlier')]]} onChange={setView} />
          {view === 'timeline' && <Timeline run={run} onNode={onNode} />}
          {view === 'result' && <pre className="json" tabIndex={0}>{whole?.result === undefined ? t('data.none') : JSON.stringify(whole.result, null, 2)}</pre>}
          {view === 'earlier' && <Earlier workflowID={workflowID} runID={runID} onRun={onRun} />}
        </div>
      )}
    </section>
  );
}

/** Each node's stretches of time, under one another. */
function Timeline({ run, onNode }: { run: RunState | undefined; onNode(name: string): void }) {
  const { t } = useText();
  if (!run || run.stretches.length === 0) return <p className="muted">{t('run.nothing')}</p>;
  const began = Math.min(run.began, ...run.stretches.map((s) => s.from)); // what is taken from an earlier run, ran before
  const end = Math.max(...run.stretches.map((s) => s.to ?? s.from), began + 1);
  const span = end - began;
  const rows = [...new Set(run.stretches.map((s) => s.node))];
  return (
    <ol className="timeline">
      {rows.map((name) => {
        const own = run.stretches.filter((s) => s.node === name);
        const state = run.nodes.get(name);
        const total = own.reduce((n, s) => n + ((s.to ?? s.from) - s.from), 0);
        return (
          <li key={name}>
            <button type="button" className="timeline-name" onClick={() => onNode(name)}>
              {name}
            </button>
            <div className="timeline-track" aria-hidden>
              {own.map((s, i) => (
                <i key={i} className={`bar bar-${s.state}`} style={{ left: `${((s.from - began) / span) * 100}%`, width: `max(3px, ${(((s.to ?? end) - s.from) / span) * 100}%)` }} />
              ))}
            </div>
            <span className="timeline-time small">
              {state && <span className="sr-only">{t(`status.${state.state}`)}</span>}
              {state?.state === 'running' ? '…' : duration(state?.ms ?? total)}
              {state?.counts && <span className="muted"> · {t('data.items', { n: state.counts.reduce((a, b) => a + b, 0) })}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Earlier({ workflowID, runID, onRun }: { workflowID: string; runID: string; onRun(id: string): void }) {
  const { t } = useText();
  const list = useQuery({
    queryKey: ['executions', workflowID],
    queryFn: () => done(api.GET('/api/app/workflows/{workflow_id}/history', { params: { path: { workflow_id: workflowID }, query: { limit: 20 } } })),
  });
  return (
    <ul className="plain">
      {(list.data?.executions ?? []).map((e) => (
        <li key={e.execution_id} className="row spread">
          <button type="button" className="link" aria-current={e.execution_id === runID || undefined} onClick={() => onRun(e.execution_id)}>
            <Ago at={e.created_at} />
          </button>
          <span className="muted small">
            {t(`mode.${e.mode as 'manual'}`)} · {duration(e.duration_ms)}
          </span>
          <Status status={e.status} />
        </li>
      ))}
    </ul>
  );
}
