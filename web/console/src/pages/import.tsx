import { useMutation, useQueryClient } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, FileUp, TriangleAlert } from 'lucide-react';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { api, done, type Schemas } from '../api/client';
import type { Validation } from '../api/types';
import { useText } from '../text';
import { Fault } from '../ui/bits';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { messageOf } from '../values';

/** The documents in a text: one, a list of them, or an export that holds some. */
function documentsIn(text: string): Record<string, unknown>[] {
  const value: unknown = JSON.parse(text);
  const list: unknown[] = [value].flat(2);
  return list.map((entry) => {
    const inner = (entry as { workflow?: unknown; workflowData?: unknown } | null)?.workflow ?? (entry as { workflowData?: unknown } | null)?.workflowData ?? entry;
    if (typeof inner !== 'object' || inner === null || !Array.isArray((inner as { nodes?: unknown }).nodes)) throw new Error('nodes');
    return inner as Record<string, unknown>;
  });
}

/** What became of one document: stored, or why not. */
type Imported = { name: string; id: string; validation: Validation } | { name: string; error: unknown };

/** The text of files that were dropped or chosen: of several, a list. */
export async function textOf(files: FileList): Promise<string> {
  const texts = await Promise.all(Array.from(files, (f) => f.text()));
  return texts.length === 1 ? texts[0]! : `[${texts.join(',\n')}]`;
}

/** Takes documents over, and says of each whether it can run. */
export function Import({ start = '', onClose }: { start?: string | undefined; onClose(): void }) {
  const { t } = useText();
  const [, go] = useLocation();
  const client = useQueryClient();
  const [text, setText] = useState(start);
  const file = useRef<HTMLInputElement>(null);
  const run = useMutation({
    mutationFn: async () => {
      let documents;
      try {
        documents = documentsIn(text);
      } catch (error) {
        throw new Error(t(error instanceof SyntaxError ? 'import.noJSON' : 'import.noNodes', { why: messageOf(error) }));
      }
      const out: Imported[] = [];
      for (const d of documents) {
        const name = typeof d.name === 'string' && d.name ? d.name : t('workflow.unnamed');
        const tags = Array.isArray(d.tags) ? d.tags.map((tag) => (typeof tag === 'string' ? tag : (tag as { name?: string }).name)).filter((tag): tag is string => !!tag) : [];
        const body = { name, nodes: d.nodes, connections: d.connections ?? {}, settings: d.settings ?? {}, tags, ...(d.pinData ? { pinData: d.pinData } : {}) };
        try {
          const saved = await done(api.POST('/api/app/workflows', { body: body as Schemas['CreateWorkflowRequest'] }));
          out.push({ name: saved.name, id: saved.workflow_id, validation: saved.validation as Validation });
        } catch (error) {
          if (documents.length === 1) throw error;
          out.push({ name, error });
        }
      }
      return out;
    },
    onError: () => {},
    onSettled: () => client.invalidateQueries({ queryKey: ['workflows'] }),
  });
  return (
    <Dialog open onClose={onClose} title={t('import.title')} description={t('import.text')} wide>
      {run.data ? (
        <Report list={run.data} onOpen={(id) => go(`/workflows/${id}`)} />
      ) : (
        <>
          <textarea
            className="code"
            rows={12}
            spellCheck={false}
            aria-label={t('import.title')}
            placeholder='{"name": "…", "nodes": [ … ], "connections": { … }}'
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
          {run.error && <Fault error={run.error} />}
          <footer className="dialog-foot">
            <input ref={file} type="file" multiple accept=".json,application/json" hidden onChange={(e) => e.target.files?.length && void textOf(e.target.files).then(setText)} />
            <Button icon={FileUp} onClick={() => file.current?.click()}>
              {t('import.file')}
            </Button>
            <Button kind="primary" disabled={!text.trim()} busy={run.isPending} onClick={() => run.mutate()}>
              {t('import')}
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

function Report({ list, onOpen }: { list: Imported[]; onOpen(id: string): void }) {
  const { t } = useText();
  return (
    <ul className="report">
      {list.map((i, n) => (
        <li key={n}>
          <div className="row spread">
            <strong className="row">
              {'id' in i && i.validation.valid ? <CircleCheck size={18} className="ok" aria-hidden /> : <CircleAlert size={18} className="bad" aria-hidden />}
              {i.name}
            </strong>
            {'id' in i && (
              <Button kind="primary" onClick={() => onOpen(i.id)}>
                {t('open')}
              </Button>
            )}
          </div>
          {'id' in i ? (
            <>
              <p className="muted">{i.validation.valid ? t('import.runs') : t('import.faults', { n: i.validation.errors.length })}</p>
              <Findings validation={i.validation} />
            </>
          ) : (
            <p className="bad">{t('import.refused', { why: messageOf(i.error) })}</p>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Findings({ validation, onNode }: { validation: Validation; onNode?: (name: string) => void }) {
  const all = [...validation.errors.map((f) => ({ ...f, bad: true })), ...validation.warnings.map((f) => ({ ...f, bad: false }))];
  if (all.length === 0) return null;
  return (
    <ul className="findings">
      {all.map((f, i) => (
        <li key={i} className={f.bad ? 'bad' : 'warn'}>
          {f.bad ? <CircleAlert size={16} aria-hidden /> : <TriangleAlert size={16} aria-hidden />}
          <div>
            {f.node && onNode ? (
              <button type="button" className="link" onClick={() => onNode(f.node!)}>
                {f.node}
              </button>
            ) : (
              f.node && <strong>{f.node}</strong>
            )}
            {f.node && ': '}
            <span className="text">{f.message}</span>
            {f.hint && <p className="muted small">{f.hint}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
