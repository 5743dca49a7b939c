import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { api, done } from '../api/client';
import type { Workflow } from '../api/types';
import { Canvas } from '../canvas/canvas';
import { useTypesOf } from '../canvas/catalogue';
import { difference, draftOf, type Difference, type Draft } from '../canvas/document';
import { useText } from '../text';
import { Ago, Fault, Loading } from '../ui/bits';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { toast } from '../ui/toast';

/** A workflow's earlier saves: how each differs from now, and bringing one back. */
export function Versions({ workflowID, version, draft, dirty, onClose }: { workflowID: string; version: number; draft: Draft; dirty: boolean; onClose(): void }) {
  const { t } = useText();
  const client = useQueryClient();
  const [shown, setShown] = useState<number>();
  const list = useQuery({
    queryKey: ['versions', workflowID],
    queryFn: () => done(api.GET('/api/app/workflows/{workflow_id}/versions', { params: { path: { workflow_id: workflowID } } })),
  });
  const restore = useMutation({
    mutationFn: (n: number) => done(api.POST('/api/app/workflows/{workflow_id}/versions/{version}/restore', { params: { path: { workflow_id: workflowID, version: n } } })),
    onSuccess: (_saved, n) => {
      toast({ kind: 'ok', text: t('versions.restored', { n }) });
      onClose();
      void client.invalidateQueries({ queryKey: ['workflow', workflowID] });
      void client.invalidateQueries({ queryKey: ['versions', workflowID] });
    },
  });
  const number = shown ?? list.data?.versions.find((v) => v.version !== version)?.version;
  return (
    <Dialog open onClose={onClose} title={t('versions')} description={t('versions.text')} wide>
      {list.isPending && <Loading />}
      {list.error && <Fault error={list.error} />}
      <div className="versions">
        <ul className="version-list">
          {list.data?.versions.map((v) => (
            <li key={v.version}>
              <button type="button" aria-pressed={v.version === number} onClick={() => setShown(v.version)}>
                <strong>v{v.version}</strong> {v.newest && <span className="chip">{t('versions.newest')}</span>}
                <span className="muted small">
                  <Ago at={v.saved_at} /> · {t('workflows.nodes', { n: v.node_count })}
                </span>
                {v.changes && <span className="small">{v.changes}</span>}
              </button>
            </li>
          ))}
        </ul>
        <div className="version-shown">
          {number === undefined ? (
            <p className="muted">{t('versions.none')}</p>
          ) : (
            <>
              <Compared workflowID={workflowID} version={number} draft={draft} />
              {dirty && <p className="warn-text">{t('versions.unsaved')}</p>}
              <footer className="dialog-foot">
                <Button kind="primary" icon={RotateCcw} busy={restore.isPending} disabled={number === version} onClick={() => restore.mutate(number)}>
                  {t('versions.restore', { n: number })}
                </Button>
              </footer>
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}

/** An earlier version drawn with what has changed since. */
function Compared({ workflowID, version, draft }: { workflowID: string; version: number; draft: Draft }) {
  const { t } = useText();
  const earlier = useQuery({
    queryKey: ['version', workflowID, version],
    queryFn: async () => draftOf((await done(api.GET('/api/app/workflows/{workflow_id}/versions/{version}', { params: { path: { workflow_id: workflowID, version } } }))) as unknown as Workflow),
    staleTime: Infinity,
  });
  const types = useTypesOf([...draft.nodes, ...(earlier.data?.nodes ?? [])].map((n) => n.type));
  if (earlier.error) return <Fault error={earlier.error} />;
  if (!earlier.data) return <Loading />;
  const d = difference(earlier.data, draft);
  const gone = earlier.data.nodes.filter((n) => d.removed.includes(n.name));
  const both: Draft = { ...draft, nodes: [...draft.nodes, ...gone] };
  return (
    <>
      <DifferenceText difference={d} />
      <div className="version-canvas">
        <Canvas key={version} draft={both} types={types} marks={d} label={t('versions.canvas', { n: version })} />
      </div>
    </>
  );
}

function DifferenceText({ difference: d }: { difference: Difference }) {
  const { t } = useText();
  if (d.added.length + d.removed.length + d.changed.length + d.connections === 0) return <p className="muted">{t('versions.same')}</p>;
  return (
    <ul className="difference">
      {d.added.length > 0 && <li className="added">{t('versions.added', { names: d.added.join(', ') })}</li>}
      {d.removed.length > 0 && <li className="removed">{t('versions.removed', { names: d.removed.join(', ') })}</li>}
      {d.changed.map((c) => (
        <li key={c.name} className="changed">
          {t('versions.changed', { name: c.name, fields: c.fields.join(', ') })}
        </li>
      ))}
      {d.connections > 0 && <li>{t('versions.connections', { n: d.connections })}</li>}
    </ul>
  );
}
