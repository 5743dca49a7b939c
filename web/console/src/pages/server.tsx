import { useQuery } from '@tanstack/react-query';
import { api, done } from '../api/client';
import { useText } from '../text';
import { Ago, Fault, Loading, Page, Status } from '../ui/bits';

/** How the server is, for who runs it. */
export default function Server() {
  const { t } = useText();
  const health = useQuery({ queryKey: ['admin', 'health'], queryFn: () => done(api.GET('/api/app/admin/health')), refetchInterval: 30_000 });
  const limits = useQuery({ queryKey: ['admin', 'limits'], queryFn: () => done(api.GET('/api/app/admin/limits')) });
  const errors = useQuery({ queryKey: ['admin', 'errors'], queryFn: () => done(api.GET('/api/app/admin/errors')), refetchInterval: 30_000 });
  const h = health.data;
  return (
    <Page title={t('nav.server')} text={t('server.text')}>
      {health.isPending && <Loading />}
      {health.error && <Fault error={health.error} />}
      {h && (
        <section className="tiles">
          <div className="tile">
            <span className="muted small">{t('state')}</span>
            <Status status={h.status} />
          </div>
          <div className="tile">
            <span className="muted small">{t('server.version')}</span>
            <strong>{h.version}</strong>
            <span className="muted small">{h.go_version}</span>
          </div>
          <div className="tile">
            <span className="muted small">{t('server.started')}</span>
            <strong>
              <Ago at={h.started_at} />
            </strong>
          </div>
          <div className="tile">
            <span className="muted small">{t('server.memory')}</span>
            <strong>{Math.round(h.heap_bytes / 1048576)} MiB</strong>
          </div>
        </section>
      )}
      {h && (
        <section className="stack">
          <h2>{t('server.components')}</h2>
          <ul className="components">
            {Object.entries(h.components ?? {}).map(([name, state]) => (
              <li key={name} className="row spread">
                <code>{name}</code>
                <Status status={String(state)} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className="stack">
        <h2>{t('server.limits')}</h2>
        {limits.error && <Fault error={limits.error} />}
        {limits.data?.degraded && <p className="warn-text">{t('server.limitsDegraded')}</p>}
        {limits.data && !limits.data.enabled && <p className="muted">{t('server.noLimits')}</p>}
        {(limits.data?.limits ?? []).length > 0 && (
          <div className="table-scroll" tabIndex={0} role="region" aria-label={t('server.limits')}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('server.limit')}</th>
                  <th scope="col">{t('server.by')}</th>
                  <th scope="col">{t('server.calls')}</th>
                  <th scope="col">{t('server.admitted')}</th>
                  <th scope="col">{t('server.refused')}</th>
                </tr>
              </thead>
              <tbody>
                {limits.data!.limits.map((l) => (
                  <tr key={l.name}>
                    <td>
                      <code>{l.name}</code>
                    </td>
                    <td>{l.scope}</td>
                    <td>
                      {l.limit} / {l.window}
                    </td>
                    <td>{l.admitted}</td>
                    <td className={l.refused > 0 ? 'bad' : ''}>{l.refused}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <section className="stack">
        <h2>{t('server.errors')}</h2>
        {errors.error && <Fault error={errors.error} />}
        {errors.data && errors.data.errors.length === 0 && <p className="muted">{t('server.noErrors')}</p>}
        <ul className="cards">
          {(errors.data?.errors ?? []).map((e, i) => (
            <li key={`${e.request_id}-${i}`} className="card">
              <div className="card-main">
                <span>
                  <code>
                    {e.method} {e.route}
                  </code>{' '}
                  {e.status}
                </span>
                <span className="bad">{e.message}</span>
                <span className="muted small">{t('request', { id: e.request_id })}</span>
              </div>
              <Ago at={e.at} />
            </li>
          ))}
        </ul>
      </section>
    </Page>
  );
}
