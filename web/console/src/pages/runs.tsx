import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Activity } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { api, done } from '../api/client';
import { useText } from '../text';
import { Ago, duration, Empty, Fault, Loading, Page, Status } from '../ui/bits';
import { Button } from '../ui/button';

const statuses = ['running', 'waiting', 'success', 'error', 'cancelled', 'timeout'] as const;

/** The person's runs of all workflows, newest first. */
export default function Runs() {
  const { t } = useText();
  const [status, setStatus] = useState('');
  const list = useInfiniteQuery({
    queryKey: ['executions', 'all', status],
    queryFn: ({ pageParam }) =>
      done(api.GET('/api/app/executions', { params: { query: { limit: 50, ...(status ? { status: status as 'running' } : {}), ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 60_000,
  });
  const names = useQuery({
    queryKey: ['workflows', 'names'],
    queryFn: async () => new Map((await done(api.GET('/api/app/workflows', { params: { query: { limit: 200 } } }))).workflows.map((w) => [w.workflow_id, w.name])),
  });
  const rows = list.data?.pages.flatMap((p) => p.executions) ?? [];
  return (
    <Page title={t('nav.runs')} text={t('runs.text')}>
      <div className="row wrap filters">
        <label className="row">
          {t('state')}
          <select value={status} onChange={(e) => setStatus(e.target.value)}>
            <option value="">{t('workflows.all')}</option>
            {statuses.map((s) => (
              <option key={s} value={s}>
                {t(`status.${s}`)}
              </option>
            ))}
          </select>
        </label>
        <Button onClick={() => void list.refetch()} busy={list.isRefetching}>
          {t('refresh')}
        </Button>
      </div>
      {list.isPending ? (
        <Loading />
      ) : list.error ? (
        <Fault error={list.error} />
      ) : rows.length === 0 ? (
        <Empty icon={Activity} title={t('runs.none')} text={t('runs.noneText')} />
      ) : (
        <ul className="cards">
          {rows.map((e) => (
            <li key={e.execution_id} className="card">
              <div className="card-main">
                <Link className="card-title" href={`/workflows/${e.workflow_id}?run=${e.execution_id}`}>
                  {names.data?.get(e.workflow_id) ?? e.workflow_id}
                </Link>
                {e.error && <p className="bad clamp">{e.error}</p>}
                <p className="muted small">
                  {t(`mode.${e.mode as 'manual'}`)} · {duration(e.duration_ms)}
                  {e.waiting_for && ` · ${e.waiting_for.node}: ${t(`wait.${e.waiting_for.kind as 'approval'}`)}`}
                </p>
              </div>
              <div className="card-side">
                <Status status={e.status} />
                <span className="muted small">
                  <Ago at={e.created_at} />
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </Page>
  );
}
