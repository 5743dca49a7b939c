import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { FileInput, Plus, Search, Workflow as WorkflowIcon } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api, done } from '../api/client';
import type { Summary } from '../api/types';
import { useText } from '../text';
import { Ago, Empty, Fault, Loading, Page, Status } from '../ui/bits';
import { Button } from '../ui/button';
import { Segments } from '../ui/segments';
import { newID, shortType } from '../values';
import { Import, textOf } from './import';

const shownOptions = ['all', 'active', 'inactive'] as const;

type Shown = (typeof shownOptions)[number];

/** The person's workflows: which there are, whether they are armed, how they last ran. */
export function Workflows() {
  const { t } = useText();
  const [, go] = useLocation();
  const [query, setQuery] = useState('');
  const [shown, setShown] = useState<Shown>('all');
  const [importing, setImporting] = useState<{ text?: string } | null>(null);
  const [over, setOver] = useState(false);
  const wanted = useDeferredValue(query.trim());
  const client = useQueryClient();
  const list = useInfiniteQuery({
    queryKey: ['workflows', wanted, shown],
    queryFn: ({ pageParam }) =>
      done(
        api.GET('/api/app/workflows', {
          params: { query: { limit: 50, ...(wanted ? { query: wanted } : {}), ...(shown === 'all' ? {} : { active: shown === 'active' }), ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (before) => before,
    refetchInterval: 60_000,
  });
  const create = useMutation({
    mutationFn: () =>
      done(
        api.POST('/api/app/workflows', {
          body: { name: t('workflow.unnamed'), nodes: [{ id: newID(), name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} }], connections: {} },
        }),
      ),
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: ['workflows'] });
      go(`/workflows/${saved.workflow_id}`);
    },
  });
  const rows = list.data?.pages.flatMap((p) => p.workflows) ?? [];
  const none = rows.length === 0 && !wanted && shown === 'all';
  const drop = (e: React.DragEvent) => {
    setOver(false);
    if (e.dataTransfer.files.length === 0) return;
    e.preventDefault();
    void textOf(e.dataTransfer.files).then((text) => setImporting({ text }));
  };
  return (
    <div className="drop-zone" onDragOver={(e) => (e.preventDefault(), setOver(e.dataTransfer.types.includes('Files')))} onDragLeave={(e) => !e.currentTarget.contains(e.relatedTarget as Node | null) && setOver(false)} onDrop={drop}>
      {over && <p className="drop-here">{t('import.drop')}</p>}
      <Page
        title={t('nav.workflows')}
        text={t('workflows.text')}
        actions={
          <>
            <Button icon={FileInput} onClick={() => setImporting({})}>
              {t('import')}
            </Button>
            <Button kind="primary" icon={Plus} busy={create.isPending} onClick={() => create.mutate()}>
              {t('workflow.new')}
            </Button>
          </>
        }
      >
        <Approvals />
        {list.isPending ? (
          <Loading />
        ) : list.error ? (
          <Fault error={list.error} />
        ) : none ? (
          <Empty icon={WorkflowIcon} title={t('workflows.none')} text={t('workflows.noneText')}>
            <Button kind="primary" icon={Plus} onClick={() => create.mutate()}>
              {t('workflow.new')}
            </Button>
            <Button icon={FileInput} onClick={() => setImporting({})}>
              {t('import')}
            </Button>
          </Empty>
        ) : (
          <>
            <div className="row wrap filters">
              <label className="search">
                <Search size={16} aria-hidden />
                <span className="sr-only">{t('search')}</span>
                <input type="search" placeholder={t('search')} value={query} onChange={(e) => setQuery(e.target.value)} />
              </label>
              <Segments label={t('state')} value={shown} options={shownOptions.map((s) => [s, t(`workflows.${s}`)] as const)} onChange={setShown} />
            </div>
            {rows.length === 0 && <p className="muted">{t('nothingFound')}</p>}
            <ul className="cards">
              {rows.map((w) => (
                <Row key={w.workflow_id} workflow={w} />
              ))}
            </ul>
            {list.hasNextPage && (
              <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                {t('more')}
              </Button>
            )}
          </>
        )}
      </Page>
      {importing && <Import start={importing.text} onClose={() => setImporting(null)} />}
    </div>
  );
}

function Row({ workflow: w }: { workflow: Summary }) {
  const { t } = useText();
  const triggers = [...new Set((w.triggers ?? []).map((type) => shortType(type).replace(/Trigger$/, '')))];
  return (
    <li className="card">
      <div className="card-main">
        <Link href={`/workflows/${w.workflow_id}`} className="card-title">
          {w.name}
        </Link>
        {w.description && <p className="muted clamp">{w.description}</p>}
        <p className="muted small row wrap">
          <span>{t('workflows.nodes', { n: w.node_count })}</span>
          {triggers.map((name) => (
            <span key={name} className="chip">
              {name}
            </span>
          ))}
          {(w.tags ?? []).map((tag) => (
            <span key={tag} className="chip chip-tag">
              {tag}
            </span>
          ))}
        </p>
      </div>
      <div className="card-side">
        {w.last_status && <Status status={w.last_status} />}
        <Status status={w.active ? 'active' : 'inactive'} />
        <span className="muted small">
          <Ago at={w.updated_at} />
        </span>
      </div>
    </li>
  );
}

/** Executions that wait for the person, so that none is forgotten. */
function Approvals() {
  const { t } = useText();
  const waiting = useQuery({
    queryKey: ['executions', 'waiting'],
    queryFn: () => done(api.GET('/api/app/executions', { params: { query: { status: 'waiting', limit: 20 } } })),
    refetchInterval: 60_000,
  });
  const asked = (waiting.data?.executions ?? []).filter((e) => e.waiting_for && ['approval', 'form', 'choice'].includes(e.waiting_for.kind));
  if (asked.length === 0) return null;
  return (
    <section className="asks">
      <h2>{t('asks.title', { n: asked.length })}</h2>
      <ul>
        {asked.map((e) => (
          <li key={e.execution_id}>
            <Link href={`/workflows/${e.workflow_id}?run=${e.execution_id}`}>
              {e.waiting_for!.node} · {t(`wait.${e.waiting_for!.kind as 'approval'}`)}
            </Link>{' '}
            <span className="muted small">
              <Ago at={e.created_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
