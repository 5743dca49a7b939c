import { Trash2, X } from 'lucide-react';
import type { Params, WorkflowNode } from '../api/types';
import { useText } from '../text';
import { Field } from '../ui/bits';
import { Button, IconButton } from '../ui/button';

interface Props {
  node: WorkflowNode;
  onChange(change: Partial<WorkflowNode>): void;
  onRemove(): void;
  onClose(): void;
}

/** What stands on a note, and how large it is. */
export function NotePanel({ node, onChange, onRemove, onClose }: Props) {
  const { t } = useText();
  const p = node.parameters as Params & { content?: string; width?: number; height?: number; color?: number };
  const set = (change: Params) => onChange({ parameters: { ...p, ...change } });
  return (
    <aside className="panel" aria-label={t('note')}>
      <header className="panel-head">
        <h2>{t('note')}</h2>
        <IconButton icon={X} label={t('close')} onClick={onClose} />
      </header>
      <div className="panel-body stack">
        <Field label={t('note.content')}>
          <textarea rows={8} value={p.content ?? ''} onChange={(e) => set({ content: e.target.value })} />
        </Field>
        <div className="row">
          <Field label={t('note.width')}>
            <input type="number" min={120} max={2000} value={p.width ?? 240} onChange={(e) => set({ width: Number(e.target.value) || 240 })} />
          </Field>
          <Field label={t('note.height')}>
            <input type="number" min={60} max={2000} value={p.height ?? 160} onChange={(e) => set({ height: Number(e.target.value) || 160 })} />
          </Field>
        </div>
        <Field label={t('note.colour')}>
          <select value={String(p.color ?? 1)} onChange={(e) => set({ color: Number(e.target.value) })}>
            {[1, 2, 3, 4, 5, 6, 7].map((c) => (
              <option key={c} value={c}>
                {t(`note.colour.${c as 1}`)}
              </option>
            ))}
          </select>
        </Field>
        <Button kind="danger" icon={Trash2} onClick={onRemove}>
          {t('note.remove')}
        </Button>
      </div>
    </aside>
  );
}
