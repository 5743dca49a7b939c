import { useInfiniteQuery } from '@tanstack/react-query';
import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import { api, done } from '../api/client';
import { useText } from '../text';
import { Ago, duration, Empty, Fault, Loading, Page } from '../ui/bits';
import { Button } from '../ui/button';
import { Segments } from '../ui/segments';

/** What was called in the person's name, and what was refused. */
export default function Calls() {
  const { t } = useText();
  const [who, setWho] = useState<'clients' | 'all'>('clients');
  const list = useInfiniteQuery({
    queryKey: ['audit', who],
    queryFn: ({ pageParam }) => done(api.GET('/api/app/audit', { params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 30_000,
  });
  const all = list.data?.pages.flatMap((p) => p.entries) ?? [];
  const rows = who === 'all' ? all : all.filter((e) => e.door !== 'app');
  return (
    <Page title={t('nav.calls')} text={t('calls.text')}>
      <div className="row wrap filters">
        <Segments label={t('calls.who')} value={who} options={[['clients', t('calls.clients')], ['all', t('calls.all')]]} onChange={setWho} />
        <Button onClick={() => void list.refetch()} busy={list.isRefetching}>
          {t('refresh')}
        </Button>
      </div>
      {list.isPending ? (
        <Loading />
      ) : list.error ? (
        <Fault error={list.error} />
      ) : rows.length === 0 ? (
        <Empty icon={ScrollText} title={t('calls.none')} text={t('calls.noneText')} />
      ) : (
        <div className="table-scroll table-page" tabIndex={0} role="region" aria-label={t('nav.calls')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('calls.when')}</th>
                <th scope="col">{t('calls.client')}</th>
                <th scope="col">{t('calls.what')}</th>
                <th scope="col">{t('calls.outcome')}</th>
                <th scope="col">{t('calls.took')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((e) => (
                <tr key={e.id}>
                  <td>
                    <Ago at={e.at} />
                  </td>
                  <td>
                    {e.client_name || e.kind} <span className="muted small">{e.door}</span>
                  </td>
                  <td>
                    <code>{e.capability}</code>
                  </td>
                  <td className={e.allowed && e.outcome === 'ok' ? 'ok' : 'bad'}>{e.allowed ? e.outcome : (e.reason ?? t('calls.refused'))}</td>
                  <td>{duration(e.duration_ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </Page>
  );
}
